//! Flushes: which are made, and what follows when one fails.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};
use anystorage_native::files::fault::{FlushFaults, FlushSwitch};
use anystorage_native::files::{FilesBackend, HostDisk};
use futures_lite::future::block_on;

use crate::own_process::{own_part, passes, wrapped};
use crate::support::{path, refused};

/// Runs what follows with no more than 40 descriptors.
const FEW_DESCRIPTORS: [&str; 4] = ["sh", "-c", "ulimit -n 40; exec \"$@\"", "sh"];

fn open(root: &Path) -> (FilesBackend<FlushFaults<HostDisk>>, FlushSwitch) {
    let (disk, switch) = FlushFaults::new(HostDisk::open(root).unwrap());
    (FilesBackend::over(disk), switch)
}

/// How many files and directories are flushed by `call`.
fn flushes(switch: &FlushSwitch, call: impl Future<Output = anystorage_api::Result<()>>) -> (u64, u64) {
    let before = (switch.files(), switch.directories());
    block_on(call).unwrap();
    (switch.files() - before.0, switch.directories() - before.1)
}

#[test]
fn a_sync_flushes_what_is_dirty_and_nothing_twice() {
    let root = tempfile::tempdir().unwrap();
    let (backend, switch) = open(root.path());
    block_on(async {
        backend.create_dir(&path("a")).await.unwrap();
        backend.create_dir(&path("a/b")).await.unwrap();
        backend.create_dir(&path("other")).await.unwrap();
        backend.create_dir(&path("other/one")).await.unwrap();
        let file = backend.open(&path("a/b/f"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"bytes").await.unwrap();
        // The file, a/b, a and the root; not `other`, which does not lead to it.
        assert_eq!(flushes(&switch, file.sync()), (1, 3));
        assert_eq!(flushes(&switch, file.sync()), (0, 0));
        assert_eq!(flushes(&switch, backend.sync()), (0, 1));
        assert_eq!(flushes(&switch, backend.sync()), (0, 0));
        backend.rename(&path("a/b/f"), &path("other/one/f")).await.unwrap();
        // Where it is now, and where it was: a rename is durable at both ends or at none.
        assert_eq!(flushes(&switch, file.sync()), (0, 2));
        // A directory that moves takes what is dirty in it along.
        let inner = backend.open(&path("other/one/g"), &OpenOptions::editing()).await.unwrap();
        inner.write_at(0, b"bytes").await.unwrap();
        backend.rename(&path("other"), &path("a/moved")).await.unwrap();
        assert_eq!(flushes(&switch, inner.sync()), (1, 3));
        // Removed and still open: nobody will find it after a crash.
        inner.write_at(0, b"BYTES").await.unwrap();
        backend.remove_file(&path("a/moved/one/g")).await.unwrap();
        assert_eq!(flushes(&switch, backend.sync()), (0, 1));
    });
}

#[test]
fn a_file_opened_through_a_link_is_durable_by_its_own_name() {
    let root = tempfile::tempdir().unwrap();
    let (backend, switch) = open(root.path());
    block_on(async {
        backend.create_dir(&path("d")).await.unwrap();
        backend.sync().await.unwrap();
        std::os::unix::fs::symlink("d", root.path().join("link")).unwrap();
        drop(backend.open(&path("d/f"), &OpenOptions::editing()).await.unwrap());
        let file = backend.open(&path("link/f"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"bytes").await.unwrap();
        assert_eq!(flushes(&switch, file.sync()), (1, 1));
        // A directory that the path through the link does not name is new: it leads to the file all the same.
        backend.create_dir(&path("new")).await.unwrap();
        backend.create_dir(&path("new/sub")).await.unwrap();
        std::os::unix::fs::symlink("new/sub", root.path().join("short")).unwrap();
        assert_eq!(flushes(&switch, backend.write(&path("short/f"), b"bytes")), (1, 3));
    });
}

#[test]
fn closed_files_are_flushed_by_the_backend_and_not_hoarded() {
    const FILES: u64 = 300;
    let root = tempfile::tempdir().unwrap();
    let (backend, switch) = open(root.path());
    block_on(async {
        for number in 0..FILES {
            let file = backend.open(&path(&format!("f{number}")), &OpenOptions::editing()).await.unwrap();
            file.write_at(0, b"bytes").await.unwrap();
            file.close().await.unwrap();
        }
        let early = switch.files();
        assert_eq!(early, FILES - 128, "only so many closed files may wait for their flush");
        assert_eq!(flushes(&switch, backend.sync()), (128, 1));
        assert_eq!(flushes(&switch, backend.sync()), (0, 0));
    });
}

#[test]
fn renaming_over_a_file_flushes_the_new_bytes_first() {
    let root = tempfile::tempdir().unwrap();
    let (backend, switch) = open(root.path());
    block_on(async {
        backend.write(&path("old"), b"old").await.unwrap();
        let file = backend.open(&path("new"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"new").await.unwrap();
        file.close().await.unwrap();
        assert_eq!(flushes(&switch, backend.rename(&path("new"), &path("old"))), (1, 0));
        assert_eq!(backend.read(&path("old")).await.unwrap(), b"new");
        // To a free name nothing needs to be flushed.
        let file = backend.open(&path("new"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"new").await.unwrap();
        assert_eq!(flushes(&switch, backend.rename(&path("new"), &path("free"))), (0, 0));
    });
}

#[test]
fn a_failed_flush_of_a_file_stays_with_that_file() {
    let root = tempfile::tempdir().unwrap();
    let (backend, switch) = open(root.path());
    block_on(async {
        backend.write(&path("other"), b"other").await.unwrap();
        let file = backend.open(&path("f"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"bytes").await.unwrap();
        switch.set_files_failing(true);
        let error = file.sync().await.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&path("f"))));
        switch.set_failing(false);
        assert_eq!(refused(file.write_at(0, b"x").await), ErrorKind::Io);
        assert_eq!(refused(file.set_len(0).await), ErrorKind::Io);
        assert_eq!(refused(file.sync().await), ErrorKind::Io);
        let mut buf = [0; 5];
        assert_eq!((file.read_at(0, &mut buf).await.unwrap(), &buf), (5, b"bytes"));
        // Through other handles, and after all of them are closed.
        file.close().await.unwrap();
        let again = backend.open(&path("f"), &OpenOptions::editing()).await.unwrap();
        assert_eq!(refused(again.write_at(0, b"x").await), ErrorKind::Io);
        assert_eq!(refused(backend.open(&path("f"), &OpenOptions::editing().truncate(true)).await), ErrorKind::Io);
        drop(again);
        assert_eq!(refused(backend.sync().await), ErrorKind::Io);
        // It does not replace a good file, and other files are not touched by it.
        assert_eq!(refused(backend.rename(&path("f"), &path("other")).await), ErrorKind::Io);
        let other = backend.open(&path("other"), &OpenOptions::editing()).await.unwrap();
        other.write_at(0, b"OTHER").await.unwrap();
        other.sync().await.unwrap();
        // Replaced whole, it is another file.
        backend.write(&path("f"), b"new").await.unwrap();
        backend.sync().await.unwrap();
        let new = backend.open(&path("f"), &OpenOptions::editing()).await.unwrap();
        new.write_at(0, b"NEW").await.unwrap();
        new.sync().await.unwrap();
    });
}

#[test]
fn a_failed_flush_of_a_directory_stays_with_the_engine() {
    let root = tempfile::tempdir().unwrap();
    let (backend, switch) = open(root.path());
    block_on(async {
        let file = backend.open(&path("f"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"bytes").await.unwrap();
        switch.set_directories_failing(true);
        assert_eq!(refused(file.sync().await), ErrorKind::Io);
        switch.set_failing(false);
        assert_eq!(refused(file.sync().await), ErrorKind::Io);
        assert_eq!(refused(backend.sync().await), ErrorKind::Io);
        assert_eq!(refused(file.write_at(0, b"x").await), ErrorKind::Io);
        assert_eq!(refused(backend.write(&path("g"), b"x").await), ErrorKind::Io);
        assert_eq!(refused(backend.create_dir(&path("d")).await), ErrorKind::Io);
        assert_eq!(refused(backend.rename(&path("f"), &path("g")).await), ErrorKind::Io);
        assert_eq!(refused(backend.remove_file(&path("f")).await), ErrorKind::Io);
        assert_eq!(refused(backend.open(&path("new"), &OpenOptions::editing()).await), ErrorKind::Io);
        assert_eq!(backend.read(&path("f")).await.unwrap(), b"bytes");
        assert_eq!(backend.list(&path(""), None, 10).await.unwrap().len(), 1);
    });
    let (backend, _) = open(root.path());
    block_on(backend.write(&path("f"), b"again")).unwrap();
}

#[test]
fn a_write_whose_flush_fails_leaves_the_old_file_and_may_be_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let (backend, switch) = open(root.path());
    block_on(async {
        backend.write(&path("f"), b"old").await.unwrap();
        switch.set_failing(true);
        assert_eq!(refused(backend.write(&path("f"), b"new").await), ErrorKind::Io);
        switch.set_failing(false);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
        assert_eq!(backend.read(&path("f")).await.unwrap(), b"old");
        backend.write(&path("f"), b"new").await.unwrap();
        assert_eq!(backend.read(&path("f")).await.unwrap(), b"new");
    });
}

/// Nothing was flushed, so nothing is unknown: the engine took it for a failed flush, and no more writes until it was opened again.
#[test]
fn a_directory_without_a_descriptor_for_its_flush_is_flushed_by_the_next_sync() {
    if let Some(root) = own_part() {
        let (backend, switch) = open(Path::new(&root));
        return block_on(async {
            let file = backend.open(&path("f"), &OpenOptions::editing()).await.unwrap();
            file.write_at(0, b"bytes").await.unwrap();
            let mut open = Vec::new();
            while let Ok(another) = backend.open(&path("f"), &OpenOptions::reading()).await {
                open.push(another);
            }
            assert!(open.len() > 10, "{}", open.len());
            for error in [file.sync().await.unwrap_err(), backend.sync().await.unwrap_err()] {
                assert_eq!(error.kind(), ErrorKind::Io);
                assert!(error.to_string().contains("ulimit -n"), "{error}");
            }
            file.write_at(0, b"BYTES").await.unwrap();
            drop(open);
            assert_eq!(flushes(&switch, file.sync()), (1, 1));
            assert_eq!(flushes(&switch, file.sync()), (0, 0));
            backend.write(&path("g"), b"bytes").await.unwrap();
        });
    }
    let root = tempfile::tempdir().unwrap();
    let test = "flushes::a_directory_without_a_descriptor_for_its_flush_is_flushed_by_the_next_sync";
    passes(wrapped(&FEW_DESCRIPTORS, test, root.path()), "a process with 40 descriptors");
}

/// The same for a directory whose permissions let its owner create files in it, and not open it.
#[test]
fn a_directory_that_may_not_be_read_is_flushed_once_it_may() {
    if let Some(root) = own_part() {
        let root = Path::new(&root);
        let permit = |mode| std::fs::set_permissions(root.join("d"), std::fs::Permissions::from_mode(mode)).unwrap();
        let (backend, switch) = open(root);
        return block_on(async {
            backend.create_dir(&path("d")).await.unwrap();
            backend.sync().await.unwrap();
            permit(0o300);
            for error in [backend.write(&path("d/f"), b"bytes").await.unwrap_err(), backend.sync().await.unwrap_err()] {
                assert_eq!((error.kind(), error.path()), (ErrorKind::PermissionDenied, Some(&path("d"))), "{error}");
            }
            backend.write(&path("g"), b"bytes").await.unwrap();
            assert_eq!(backend.read(&path("d/f")).await.unwrap(), b"bytes");
            permit(0o700);
            assert_eq!(flushes(&switch, backend.sync()), (0, 1));
            backend.write(&path("d/f"), b"again").await.unwrap();
            assert_eq!(backend.read(&path("d/f")).await.unwrap(), b"again");
        });
    }
    let root = tempfile::tempdir().unwrap();
    let test = "flushes::a_directory_that_may_not_be_read_is_flushed_once_it_may";
    // A namespace where nobody is mapped: the owner of the files, and none of root's powers over them.
    passes(wrapped(&["unshare", "-U"], test, root.path()), "a process without root's powers");
}

/// Closed files that wait for their flush keep a descriptor each. A process with few of them must not run out for that: it closed its files.
#[test]
fn closed_files_do_not_eat_up_the_descriptors() {
    const FILES: usize = 100;
    if let Some(root) = own_part() {
        let backend = FilesBackend::open(&root).unwrap();
        return block_on(async {
            let options = OpenOptions::editing();
            for number in 0..FILES {
                let file = backend.open(&path(&format!("f{number}")), &options).await.unwrap();
                file.write_at(0, b"bytes").await.unwrap();
            }
            backend.sync().await.unwrap();
            let mut open = Vec::new();
            let error = loop {
                match backend.open(&path("f0"), &OpenOptions::reading()).await {
                    Ok(file) => open.push(file),
                    Err(error) => break error,
                }
            };
            assert!(open.len() > 10, "{}", open.len());
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.to_string().contains("ulimit -n"), "{error}");
            drop(open);
            assert_eq!(backend.list(&path(""), None, 1000).await.unwrap().len(), FILES);
        });
    }
    let root = tempfile::tempdir().unwrap();
    passes(wrapped(&FEW_DESCRIPTORS, "flushes::closed_files_do_not_eat_up_the_descriptors", root.path()), "a process with 40 descriptors");
}

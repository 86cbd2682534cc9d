//! One holder at a time, and readers beside it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use anystorage_api::{ErrorKind, OpenOptions, Operation, StorageBackend};
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;

use crate::own_process::{again, in_namespace, own_part, passes};
use crate::support::{path, refused};

#[test]
fn a_second_open_in_the_same_process_is_locked_until_close() {
    let root = tempfile::tempdir().unwrap();
    let first = FilesBackend::open(root.path()).unwrap();
    let error = FilesBackend::open(root.path()).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Locked, Operation::OpenLocation));
    assert!(error.to_string().contains(root.path().to_str().unwrap()), "{error}");
    let file = block_on(first.open(&path("f"), &OpenOptions::editing())).unwrap();
    block_on(first.close()).unwrap();
    // The file is still there, and holds nothing any more.
    let second = FilesBackend::open(root.path()).unwrap();
    assert_eq!(refused(block_on(file.write_at(0, b"late"))), ErrorKind::Closed);
    assert_eq!(refused(block_on(file.read_at(0, &mut [0]))), ErrorKind::Closed);
    assert_eq!(refused(block_on(file.sync())), ErrorKind::Closed);
    assert_eq!(refused(block_on(first.stat(&path("f")))), ErrorKind::Closed);
    assert_eq!(refused(block_on(first.close())), ErrorKind::Closed);
    assert_eq!(block_on(second.stat(&path("f"))).unwrap().len, 0);
}

#[test]
fn an_existing_root_is_opened_for_writing_and_a_missing_one_is_not_created() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b");
    for root in [directory.path().join("a"), root.clone()] {
        let error = FilesBackend::open_existing(&root).unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, Operation::OpenLocation));
        assert!(error.to_string().contains(root.to_str().unwrap()), "{error}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    std::fs::create_dir_all(&root).unwrap();
    let holder = FilesBackend::open_existing(&root).unwrap();
    block_on(holder.write(&path("f"), b"bytes")).unwrap();
    assert_eq!(std::fs::read(root.join("f")).unwrap(), b"bytes");
    assert_eq!(refused(FilesBackend::open_existing(&root)), ErrorKind::Locked);
    assert_eq!(refused(FilesBackend::open(&root)), ErrorKind::Locked);
    assert_eq!(refused(FilesBackend::open_existing(root.join("f"))), ErrorKind::NotADirectory);
}

#[test]
fn dropping_the_backend_and_its_files_gives_it_free() {
    let root = tempfile::tempdir().unwrap();
    let first = FilesBackend::open(root.path()).unwrap();
    let file = block_on(first.open(&path("f"), &OpenOptions::editing())).unwrap();
    drop(first);
    assert_eq!(refused(FilesBackend::open(root.path())), ErrorKind::Locked);
    drop(file);
    FilesBackend::open(root.path()).unwrap();
}

#[test]
fn the_lock_is_no_file_in_the_tree() {
    let root = tempfile::tempdir().unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    drop(backend);
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn another_process_is_locked_out_until_the_holder_is_killed() {
    if let Some(root) = own_part() {
        let _held = FilesBackend::open(&root).unwrap();
        println!("\nheld");
        // Until the kill, or until the parent is gone and this pipe ends.
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let mut child = again("holder::another_process_is_locked_out_until_the_holder_is_killed", root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(std::io::Result::ok);
    assert!(said.any(|line| line == "held"), "the holder ended before it held");
    assert_eq!(refused(FilesBackend::open(root.path())), ErrorKind::Locked);
    let beside = FilesBackend::open_read_only(root.path()).unwrap();
    assert_eq!(block_on(beside.list(&path(""), None, 10)).unwrap().len(), 0);
    child.kill().unwrap();
    child.wait().unwrap();
    FilesBackend::open(root.path()).unwrap();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn a_root_that_is_a_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    for root in [file.clone(), file.join("below")] {
        for error in [FilesBackend::open(&root).unwrap_err(), FilesBackend::open_read_only(&root).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::NotADirectory, "{error}");
            assert!(error.to_string().contains(root.to_str().unwrap()), "{error}");
        }
    }
}

/// Nothing that changes anything works, and nothing was changed.
fn changes_nothing(root: &Path) {
    let before = std::fs::metadata(root).unwrap();
    let backend = FilesBackend::open_read_only(root).unwrap();
    block_on(async {
        assert_eq!(backend.read(&path("d/f")).await.unwrap(), b"bytes");
        let denied = ErrorKind::PermissionDenied;
        assert_eq!(refused(backend.write(&path("d/f"), b"").await), denied);
        assert_eq!(refused(backend.create_dir(&path("e")).await), denied);
        assert_eq!(refused(backend.remove_file(&path("d/f")).await), denied);
        assert_eq!(refused(backend.remove_dir(&path("d")).await), denied);
        assert_eq!(refused(backend.rename(&path("d/f"), &path("g")).await), denied);
        for options in [OpenOptions::editing(), OpenOptions::new().write(true), OpenOptions::new().write(true).create_new(true)] {
            assert_eq!(refused(backend.open(&path("d/f"), &options).await), denied);
        }
        let file = backend.open(&path("d/f"), &OpenOptions::reading()).await.unwrap();
        assert_eq!(refused(file.write_at(0, b"x").await), denied);
        assert_eq!(refused(file.set_len(0).await), denied);
        file.sync().await.unwrap();
        backend.sync().await.unwrap();
        // A leftover is hidden, and left.
        assert_eq!(backend.list(&path(""), None, 10).await.unwrap().len(), 1);
    });
    assert!(root.join(".anystorage-~0123456789abcdef").exists());
    assert_eq!(before.modified().unwrap(), std::fs::metadata(root).unwrap().modified().unwrap());
    assert_eq!(std::fs::read(root.join("d/f")).unwrap(), b"bytes");
}

fn populate(root: &Path) {
    std::fs::create_dir(root.join("d")).unwrap();
    std::fs::write(root.join("d/f"), b"bytes").unwrap();
    std::fs::write(root.join(".anystorage-~0123456789abcdef"), b"left by a crash").unwrap();
}

#[test]
fn reading_alone_changes_nothing_also_while_somebody_holds_the_place() {
    let root = tempfile::tempdir().unwrap();
    populate(root.path());
    changes_nothing(root.path());
    let _holder = FilesBackend::open(root.path()).unwrap();
    changes_nothing(root.path());
    assert_eq!(refused(FilesBackend::open_read_only(root.path().join("missing"))), ErrorKind::NotFound);
    assert!(!root.path().join("missing").exists());
}

#[test]
fn a_temporary_file_is_removed_only_when_nobody_is_at_work_on_it() {
    let root = tempfile::tempdir().unwrap();
    populate(root.path());
    let leftover = root.path().join("d/.anystorage-~0123456789abcdef");
    std::fs::rename(root.path().join(".anystorage-~0123456789abcdef"), &leftover).unwrap();
    let at_work = std::fs::File::open(&leftover).unwrap();
    at_work.try_lock().unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    block_on(async {
        assert_eq!(backend.list(&path("d"), None, 10).await.unwrap().len(), 1);
        backend.remove_file(&path("d/f")).await.unwrap();
        assert_eq!(refused(backend.remove_dir(&path("d")).await), ErrorKind::DirectoryNotEmpty);
        assert!(leftover.exists());
        drop(at_work);
        assert_eq!(backend.list(&path("d"), None, 10).await.unwrap().len(), 0);
        assert!(!leftover.exists());
        backend.remove_dir(&path("d")).await.unwrap();
    });
}

#[test]
fn a_read_only_mount_is_permission_denied_and_readable() {
    if let Some(root) = own_part() {
        let root = Path::new(&root);
        changes_nothing(root);
        let backend = FilesBackend::open(root).unwrap();
        block_on(async {
            assert_eq!(refused(backend.write(&path("d/f"), b"").await), ErrorKind::PermissionDenied);
            assert_eq!(refused(backend.create_dir(&path("e")).await), ErrorKind::PermissionDenied);
            assert_eq!(refused(backend.open(&path("new"), &OpenOptions::editing()).await), ErrorKind::PermissionDenied);
            assert_eq!(refused(backend.remove_file(&path("d/f")).await), ErrorKind::PermissionDenied);
            assert_eq!(backend.list(&path(""), None, 10).await.unwrap().len(), 1);
            assert_eq!(backend.read(&path("d/f")).await.unwrap(), b"bytes");
        });
        assert_eq!(refused(FilesBackend::open(root.join("missing"))), ErrorKind::PermissionDenied);
        return;
    }
    let root = tempfile::tempdir().unwrap();
    populate(root.path());
    let mount = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    let test = "holder::a_read_only_mount_is_permission_denied_and_readable";
    passes(in_namespace(mount, test, root.path()), "a read-only mount in a user namespace");
}

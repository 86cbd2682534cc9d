//! A disk that runs full: a small `tmpfs` in a user namespace. Where that cannot be made, the test fails.

use std::path::Path;

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;

use crate::own_process::{in_namespace, own_part, passes};
use crate::support::{path, refused};

fn fill(root: &Path) {
    block_on(async {
        let backend = FilesBackend::open(root).unwrap();
        let kept = vec![7; 200_000];
        backend.write(&path("kept"), &kept).await.unwrap();
        assert!(backend.usage().await.unwrap().free.unwrap() < 4 << 20);

        // A write_at that runs out, several times over.
        let ballast = backend.open(&path("ballast"), &OpenOptions::editing()).await.unwrap();
        let mut end = 0;
        let error = loop {
            match ballast.write_at(end, &[1; 65_536]).await {
                Ok(()) => end += 65_536,
                Err(error) => break error,
            }
            assert!(end < 64 << 20, "the disk is not small");
        };
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
        assert_eq!(error.path(), Some(&path("ballast")));
        assert_eq!(refused(ballast.write_at(end, &[1; 1 << 20]).await), ErrorKind::NoSpace);
        ballast.sync().await.unwrap();

        // A replacement that runs out leaves the old file whole, and no temporary file: the host's own listing says so.
        assert_eq!(refused(backend.write(&path("kept"), &vec![8; 300_000]).await), ErrorKind::NoSpace);
        assert_eq!(refused(backend.write(&path("new"), &vec![8; 300_000]).await), ErrorKind::NoSpace);
        assert_eq!(backend.read(&path("kept")).await.unwrap(), kept);
        let mut names: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["ballast", "kept"]);
        backend.sync().await.unwrap();
        drop(ballast);
        backend.close().await.unwrap();

        // Opened anew, still full; then space is freed.
        let backend = FilesBackend::open(root).unwrap();
        assert_eq!(backend.read(&path("kept")).await.unwrap(), kept);
        assert_eq!(refused(backend.write(&path("kept"), &vec![8; 300_000]).await), ErrorKind::NoSpace);
        backend.remove_file(&path("ballast")).await.unwrap();
        backend.write(&path("kept"), &vec![8; 300_000]).await.unwrap();
        backend.sync().await.unwrap();
        assert_eq!(backend.read(&path("kept")).await.unwrap(), vec![8; 300_000]);
    });
}

#[test]
fn running_out_keeps_what_was_there_and_passes_when_space_is_freed() {
    if let Some(root) = own_part() {
        return fill(Path::new(&root));
    }
    let root = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=4m tmpfs \"$1\"";
    let test = "full_disk::running_out_keeps_what_was_there_and_passes_when_space_is_freed";
    passes(in_namespace(mount, test, root.path()), "a full tmpfs in a user namespace");
}

fn run_out_of_inodes(root: &Path) {
    block_on(async {
        let backend = FilesBackend::open(root).unwrap();
        let mut count = 0;
        let error = loop {
            match backend.open(&path(&format!("f{count}")), &OpenOptions::editing()).await {
                Ok(_) => count += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
        assert_eq!(refused(backend.create_dir(&path("d")).await), ErrorKind::NoSpace);
        assert_eq!(refused(backend.write(&path("f0"), b"new").await), ErrorKind::NoSpace);
        assert_eq!(backend.list(&path(""), None, 10_000).await.unwrap().len(), count);
        backend.remove_file(&path("f1")).await.unwrap();
        backend.write(&path("f0"), b"new").await.unwrap();
    });
}

#[test]
fn running_out_of_inodes_is_no_space_too() {
    if let Some(root) = own_part() {
        return run_out_of_inodes(Path::new(&root));
    }
    let root = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=4m,nr_inodes=40 tmpfs \"$1\"";
    passes(in_namespace(mount, "full_disk::running_out_of_inodes_is_no_space_too", root.path()), "a tmpfs with few inodes");
}

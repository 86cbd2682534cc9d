//! The conveniences over real host files, with links and names that others made there.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use anystorage_api::{Blocking, ErrorKind, FileKind, StoragePath};
use anystorage_native::files::FilesBackend;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// `outside/precious` beside the root, and in the root `d/file`, `d/deep/file`, and links to both kinds of things, within and out of it.
fn tree(place: &Path) -> Blocking<FilesBackend> {
    let root = place.join("root");
    fs::create_dir_all(root.join("d/deep")).unwrap();
    fs::create_dir_all(root.join("kept")).unwrap();
    fs::create_dir_all(place.join("outside")).unwrap();
    for file in ["outside/precious", "root/d/file", "root/d/deep/file", "root/kept/file"] {
        fs::write(place.join(file), file).unwrap();
    }
    symlink("../kept", root.join("d/to-directory")).unwrap();
    symlink("../kept/file", root.join("d/to-file")).unwrap();
    symlink("../../outside", root.join("d/out")).unwrap();
    symlink("nowhere", root.join("d/dangling")).unwrap();
    Blocking::new(FilesBackend::open(&root).unwrap()).unwrap()
}

#[test]
fn remove_dir_all_unlinks_links_and_leaves_what_they_lead_to() {
    let place = tempfile::tempdir().unwrap();
    let storage = tree(place.path());
    let error = storage.remove_dir_all(&path("d/to-directory")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotADirectory, "{error}");
    storage.remove_dir_all(&path("d")).unwrap();
    assert!(!place.path().join("root/d").exists());
    assert_eq!(fs::read(place.path().join("root/kept/file")).unwrap(), b"root/kept/file");
    assert_eq!(fs::read(place.path().join("outside/precious")).unwrap(), b"outside/precious");
}

#[test]
fn a_walk_reports_links_and_odd_names_and_enters_neither() {
    let place = tempfile::tempdir().unwrap();
    let storage = tree(place.path());
    let odd = place.path().join("root/d").join(OsStr::from_bytes(b"odd\xff"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("inside"), b"").unwrap();
    let seen: Vec<_> =
        storage.walk(&path("d")).map(Result::unwrap).map(|entry| (entry.path.map(|at| at.to_string()), entry.kind)).collect();
    let at = |text: &str, kind| (Some(text.to_owned()), kind);
    assert_eq!(
        seen,
        [
            at("d/dangling", FileKind::Symlink),
            at("d/deep", FileKind::Directory),
            at("d/deep/file", FileKind::File),
            at("d/file", FileKind::File),
            (None, FileKind::Directory),
            at("d/out", FileKind::Symlink),
            at("d/to-directory", FileKind::Symlink),
            at("d/to-file", FileKind::Symlink),
        ]
    );
    let error = storage.remove_dir_all(&path("d")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty, "{error}");
    assert!(error.to_string().contains("odd"), "{error}");
    assert!(odd.join("inside").exists(), "what cannot be named is left");
    assert_eq!(fs::read_dir(place.path().join("root/d")).unwrap().count(), 1, "and nothing else");
}

#[test]
fn copy_reads_through_a_link_and_replaces_one() {
    let place = tempfile::tempdir().unwrap();
    let storage = tree(place.path());
    storage.copy(&path("d/to-file"), &path("d/copy")).unwrap();
    assert_eq!(storage.read_to_string(&path("d/copy")).unwrap(), "root/kept/file");
    assert!(storage.copy(&path("d/out/precious"), &path("d/stolen")).is_err(), "no way out of the root");
    storage.copy(&path("d/file"), &path("d/to-file")).unwrap();
    assert_eq!(storage.entry(&path("d/to-file")).unwrap().unwrap().kind, FileKind::File);
    assert_eq!(fs::read(place.path().join("root/kept/file")).unwrap(), b"root/kept/file");
    assert_eq!(storage.copy(&path("d/file"), &path("d/to-directory")).unwrap_err().kind(), ErrorKind::IsADirectory);
}

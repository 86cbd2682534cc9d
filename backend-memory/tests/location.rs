//! What is this engine's own: its limit, its freedom from the stack, its revisions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use anystorage_api::{Blocking, ErrorKind, OpenOptions, StoragePath};
use anystorage_memory::MemoryBackend;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn limited(bytes: u64) -> Blocking<MemoryBackend> {
    Blocking::new(MemoryBackend::with_limit(bytes)).unwrap()
}

/// Directories nested by renames, deeper than any path, once overflowed the stack when the tree was dropped.
#[test]
fn a_tree_deeper_than_any_path_can_be_dropped() {
    let storage = Blocking::new(MemoryBackend::new()).unwrap();
    storage.create_dir(&path("a")).unwrap();
    for _ in 0..100_000 {
        storage.create_dir(&path("b")).unwrap();
        storage.rename(&path("a"), &path("b/a")).unwrap();
        storage.rename(&path("b"), &path("a")).unwrap();
    }
    assert!(storage.is_dir(&path(&vec!["a"; 2000].join("/"))).unwrap());
    drop(storage);
}

#[test]
fn what_a_removed_or_replaced_file_holds_is_given_back_with_its_last_handle() {
    let storage = limited(1000);
    storage.write(&path("a"), &[1; 600]).unwrap();
    let file = storage.open(&path("a"), &OpenOptions::reading()).unwrap();
    storage.remove_file(&path("a")).unwrap();
    assert_eq!(storage.usage().unwrap().used, Some(600));
    let error = storage.write(&path("b"), &[2; 600]).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NoSpace, Some(&path("b"))));
    assert!(!storage.exists(&path("b")).unwrap());
    assert_eq!(file.read_at(599, &mut [0; 9]).unwrap(), 1);
    file.close().unwrap();
    assert_eq!(storage.usage().unwrap().free, Some(1000));

    storage.write(&path("b"), &[2; 500]).unwrap();
    let file = storage.open(&path("b"), &OpenOptions::editing()).unwrap();
    storage.write(&path("b"), &[3; 400]).unwrap();
    assert_eq!(storage.usage().unwrap().used, Some(900));
    file.set_len(10).unwrap();
    assert_eq!(storage.usage().unwrap().used, Some(410));
    drop(file);
    assert_eq!(storage.usage().unwrap().used, Some(400));
}

#[test]
fn a_write_that_does_not_fit_beside_the_old_file_leaves_it_whole() {
    let storage = limited(1000);
    storage.write(&path("a"), &[1; 600]).unwrap();
    assert_eq!(storage.write(&path("a"), &[2; 600]).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(storage.read(&path("a")).unwrap(), [1; 600]);
    assert_eq!(storage.usage().unwrap().used, Some(600));
}

#[test]
fn closing_gives_back_what_no_handle_holds() {
    let storage = limited(1000);
    storage.write(&path("a"), &[1; 600]).unwrap();
    let file = storage.open(&path("a"), &OpenOptions::reading()).unwrap();
    storage.close().unwrap();
    for kind in [
        storage.close().unwrap_err().kind(),
        storage.usage().unwrap_err().kind(),
        file.read_at(0, &mut [0]).unwrap_err().kind(),
        file.sync().unwrap_err().kind(),
        file.close().unwrap_err().kind(),
    ] {
        assert_eq!(kind, ErrorKind::Closed);
    }
}

#[test]
fn files_outlive_a_backend_that_was_dropped_without_a_close() {
    let storage = limited(1000);
    let file = storage.open(&path("a"), &OpenOptions::editing()).unwrap();
    drop(storage);
    file.write_at(0, b"still here").unwrap();
    assert_eq!(file.stat().unwrap().len, 10);
}

/// A rename onto a file and the creation of another one at the same path must not bring an old revision back.
#[test]
fn a_path_never_sees_a_revision_again() {
    let storage = limited(1000);
    let mut seen = Vec::new();
    let mut look = |storage: &Blocking<MemoryBackend>| seen.push(storage.stat(&path("d/a")).unwrap().revision);
    storage.create_dir(&path("d")).unwrap();
    storage.write(&path("d/a"), b"1").unwrap();
    look(&storage);
    storage.write(&path("d/a"), b"1").unwrap();
    look(&storage);
    storage.write(&path("d/b"), b"1").unwrap();
    storage.rename(&path("d/b"), &path("d/a")).unwrap();
    look(&storage);
    storage.open(&path("d/a"), &OpenOptions::editing().truncate(true)).unwrap();
    look(&storage);
    storage.remove_file(&path("d/a")).unwrap();
    storage.create_dir(&path("d/a")).unwrap();
    look(&storage);
    storage.write(&path("d/a/in"), b"1").unwrap();
    look(&storage);
    let file = storage.open(&path("d/a/in"), &OpenOptions::editing()).unwrap();
    file.write_at(0, b"2").unwrap();
    file.write_at(9, b"").unwrap();
    let unchanged = storage.stat(&path("d/a")).unwrap().revision;
    assert_eq!(Some(&unchanged), seen.last(), "writing a file changes no entry");
    let mut distinct = seen.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
}

//! `Blocking` and `BlockingFile`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod host;

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use anystorage_api::{Blocking, ErrorKind, OpenOptions, Operation, StorageBackend, StoragePath};
use anystorage_memory::MemoryBackend;
use host::Host;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

#[test]
fn an_engine_that_is_not_immediate_is_refused_with_advice() {
    let error = Blocking::new(Host { not_immediate: true, ..Host::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("open an immediate engine"), "{error}");
}

#[test]
fn a_call_that_has_to_wait_after_all_is_would_block() {
    let storage = Blocking::new(Host { slow_stat: true, ..Host::default() }).unwrap();
    let error = storage.stat(&path("a")).unwrap_err();
    assert_eq!((error.kind(), error.operation(), error.path()), (ErrorKind::WouldBlock, Operation::Stat, Some(&path("a"))));
    assert!(error.is_retryable());
    storage.create_dir(&path("b")).expect("calls that need not wait go on working");
}

#[test]
fn every_call_reaches_the_engine() {
    let boxed: Box<dyn StorageBackend> = Box::new(MemoryBackend::with_limit(1 << 20));
    let storage = Blocking::new(boxed).unwrap();
    assert!(storage.capabilities().immediate);
    storage.create_dir(&path("d")).unwrap();
    storage.create_dir_all(&path("d/e/f")).unwrap();
    storage.write(&path("d/a"), b"text").unwrap();
    assert_eq!(storage.read(&path("d/a")).unwrap(), b"text");
    assert_eq!(storage.read_to_string(&path("d/a")).unwrap(), "text");
    assert_eq!(storage.copy(&path("d/a"), &path("d/b")).unwrap(), 4);
    storage.rename(&path("d/b"), &path("d/c")).unwrap();
    assert_eq!(storage.stat(&path("d/c")).unwrap().len, 4);
    assert_eq!(storage.entry(&path("d/c")).unwrap().unwrap().name, "c");
    assert!(storage.exists(&path("d/c")).unwrap() && storage.is_file(&path("d/c")).unwrap() && storage.is_dir(&path("d")).unwrap());
    let names = |entries: Vec<anystorage_api::DirEntry>| entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>();
    assert_eq!(names(storage.list(&path("d"), Some("a"), 1).unwrap()), ["c"]);
    assert_eq!(names(storage.list_all(&path("d")).unwrap()), ["a", "c", "e"]);
    let walked: Vec<String> = storage.walk(&StoragePath::root()).map(|entry| entry.unwrap().path.unwrap().to_string()).collect();
    assert_eq!(walked, ["d", "d/a", "d/c", "d/e", "d/e/f"]);
    assert_eq!(storage.usage().unwrap().used, Some(8));
    storage.sync().unwrap();
    let error = storage.set_attributes(&path("d/a"), &anystorage_api::Attributes::new().mode(0o600)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    storage.remove_file(&path("d/c")).unwrap();
    storage.remove_dir(&path("d/e/f")).unwrap();
    storage.remove_dir_all(&path("d")).unwrap();
    storage.close().unwrap();
    assert_eq!(storage.stat(&path("d")).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_walk_over_nothing_ends_after_its_error() {
    let storage = Blocking::new(MemoryBackend::new()).unwrap();
    let seen: Vec<_> = storage.walk(&path("none")).map(|entry| entry.unwrap_err().kind()).collect();
    assert_eq!(seen, [ErrorKind::NotFound]);
}

#[test]
fn the_cursor_moves_with_std_io_and_not_with_positions() {
    let storage = Blocking::new(Arc::new(MemoryBackend::new())).unwrap();
    let mut file = storage.open(&path("f"), &OpenOptions::editing()).unwrap();
    file.write_all(b"0123456789").unwrap();
    file.write_at(2, b"xx").unwrap();
    let mut two = [0; 2];
    assert_eq!(file.read_at(0, &mut two).unwrap(), 2);
    assert_eq!(file.stream_position().unwrap(), 10);
    assert_eq!(file.seek(SeekFrom::Current(-9)).unwrap(), 1);
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "1xx456789");
    assert_eq!(file.read(&mut two).unwrap(), 0);

    assert_eq!(file.seek(SeekFrom::End(5)).unwrap(), 15);
    file.write_all(b"end").unwrap();
    assert_eq!(storage.read(&path("f")).unwrap(), b"01xx456789\0\0\0\0\0end");
    file.set_len(4).unwrap();
    assert_eq!((file.stat().unwrap().len, file.stream_position().unwrap()), (4, 18));
    assert_eq!(file.read(&mut two).unwrap(), 0);
    file.flush().unwrap();
    file.sync().unwrap();
    let inner = file.into_inner();
    assert_eq!(futures_lite::future::block_on(inner.stat()).unwrap().len, 4);
}

#[test]
fn seeking_before_the_start_fails_and_leaves_the_cursor() {
    let storage = Blocking::new(MemoryBackend::new()).unwrap();
    let mut file = storage.open(&path("f"), &OpenOptions::editing()).unwrap();
    file.write_all(b"abc").unwrap();
    for bad in [SeekFrom::Current(-4), SeekFrom::End(-4), SeekFrom::End(i64::MIN)] {
        assert_eq!(file.seek(bad).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(file.stream_position().unwrap(), 3);
    }
    assert_eq!(file.seek(SeekFrom::Start(u64::MAX)).unwrap(), u64::MAX);
    assert_eq!(file.seek(SeekFrom::Current(1)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let error = file.write(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(file.stream_position().unwrap(), u64::MAX, "a failed write moves nothing");
    assert_eq!(file.read(&mut [0; 1]).unwrap(), 0);
    file.close().unwrap();
}

#[test]
fn std_io_errors_keep_their_kind_and_their_story() {
    let storage = Blocking::new(MemoryBackend::with_limit(4)).unwrap();
    let mut file = storage.open(&path("f"), &OpenOptions::editing()).unwrap();
    let error = file.write_all(b"too long").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("\"f\""), "{error}");
    let mut reader = storage.open(&path("f"), &OpenOptions::reading()).unwrap();
    assert_eq!(reader.write(b"x").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
}

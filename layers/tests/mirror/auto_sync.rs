//! `AutoSync`. Times are real; a verdict waits for what has to come, and never for a time to pass.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anystorage_api::{Blocking, ErrorKind, OpenOptions, StorageBackend, StoragePath};
use anystorage_layers::{AutoSync, AutoSyncOptions, Mirror, MirrorOptions, Offload};
use anystorage_memory::MemoryBackend;
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;

use crate::counting::Counting;

const SOON: Duration = Duration::from_millis(30);
const NEVER: Duration = Duration::from_secs(100_000);

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("a minute passed, and not: {what}");
}

/// Nobody calls `sync`, and what was written is on the disk.
#[test]
fn what_is_written_gets_below_by_itself() {
    for options in [AutoSyncOptions::new().interval(SOON), AutoSyncOptions::new().quiet(SOON).interval(NEVER)] {
        let directory = tempfile::tempdir().unwrap();
        let mirror = block_on(Mirror::open(FilesBackend::open(directory.path()).unwrap(), MirrorOptions::new())).unwrap();
        let storage = Blocking::new(AutoSync::new(mirror, options).unwrap()).unwrap();
        for round in 0..3 {
            storage.write(&path("file"), &[round; 1000]).unwrap();
            let file = storage.open(&path("other"), &OpenOptions::editing()).unwrap();
            file.write_at(u64::from(round), b"x").unwrap();
            until("it is synced", || storage.backend().is_synced());
            assert_eq!(storage.backend().unsynced_bytes(), 0);
            assert_eq!(std::fs::read(directory.path().join("file")).unwrap(), [round; 1000]);
            assert_eq!(std::fs::read(directory.path().join("other")).unwrap(), vec![b'x'; usize::from(round) + 1]);
        }
    }
}

/// Without a time nothing is synced before the close, which does it.
#[test]
fn a_close_syncs_and_what_is_not_synced_can_be_asked() {
    let (engine, calls) = Counting::new(MemoryBackend::new());
    let storage = Blocking::new(AutoSync::new(engine, AutoSyncOptions::new()).unwrap()).unwrap();
    storage.write(&path("file"), &[1; 1000]).unwrap();
    storage.open(&path("file"), &OpenOptions::editing()).unwrap().write_at(0, &[2; 50]).unwrap();
    assert_eq!(storage.backend().unsynced_bytes(), 1050);
    assert_eq!(calls.of("sync"), 0);
    storage.close().unwrap();
    assert_eq!(calls.of("sync"), 1);
    assert_eq!(storage.close().unwrap_err().kind(), ErrorKind::Closed);
}

/// A sync that fails is told, is not forgotten, and is tried again until it succeeds.
#[test]
fn failures_are_told_and_tried_again() {
    const LIMIT: u64 = 100_000;
    let (tell, told) = channel();
    let below = MemoryBackend::with_limit(LIMIT);
    let mirror = block_on(Mirror::open(below, MirrorOptions::new())).unwrap();
    let tell = std::sync::Mutex::new(tell);
    let options = AutoSyncOptions::new().interval(SOON).on_failure(move |error| tell.lock().unwrap().send(error.kind()).unwrap_or(()));
    let storage = Blocking::new(AutoSync::new(mirror, options).unwrap()).unwrap();
    storage.write(&path("too large"), &[1; 2 * LIMIT as usize]).unwrap();
    for _ in 0..3 {
        assert_eq!(next(&told), ErrorKind::NoSpace);
    }
    assert_eq!(storage.backend().last_error().map(|error| error.kind()), Some(ErrorKind::NoSpace));
    assert_eq!(storage.backend().unsynced_bytes(), 2 * LIMIT);
    storage.remove_file(&path("too large")).unwrap();
    storage.write(&path("small"), b"small").unwrap();
    until("it is synced", || storage.backend().is_synced());
    assert!(storage.backend().last_error().is_none());
    assert_eq!(storage.backend().unsynced_bytes(), 0);
}

fn next(told: &Receiver<ErrorKind>) -> ErrorKind {
    told.recv_timeout(Duration::from_secs(60)).expect("a minute passed, and no failure was told")
}

/// Its thread ends with it, and holds nothing of the location.
#[test]
fn dropping_it_gives_the_location_free() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let storage = AutoSync::new(FilesBackend::open(directory.path()).unwrap(), AutoSyncOptions::new().interval(SOON / 30)).unwrap();
        block_on(storage.write(&path("file"), &[round; 1000])).unwrap();
        if round % 2 == 0 {
            until("it is synced", || storage.is_synced());
        }
    }
    assert_eq!(std::fs::read(directory.path().join("file")).unwrap(), [19; 1000]);
}

/// Synchronous code over an engine that waits cannot sync; what it writes is synced all the same.
#[test]
fn what_synchronous_code_writes_over_an_engine_that_waits_is_synced() {
    let directory = tempfile::tempdir().unwrap();
    let below = Offload::new(FilesBackend::open(directory.path()).unwrap());
    let mirror = block_on(Mirror::open(below, MirrorOptions::new())).unwrap();
    let auto_sync = AutoSync::of_mirror(&mirror, AutoSyncOptions::new().quiet(SOON)).unwrap();
    let files = mirror.blocking().unwrap();
    for round in 0..3 {
        files.write(&path("file"), &[round; 1000]).unwrap();
        until("it is synced", || auto_sync.is_synced() && mirror.is_synced());
        assert_eq!(std::fs::read(directory.path().join("file")).unwrap(), [round; 1000]);
    }
    files.open(&path("file"), &OpenOptions::editing()).unwrap().write_at(0, &[9; 10]).unwrap();
    block_on(auto_sync.close()).unwrap();
    assert_eq!(std::fs::read(directory.path().join("file")).unwrap()[..11], [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 2]);
}

/// One who is told and panics takes nothing along: the thread that syncs ended there once, and nobody learned of it.
#[test]
fn a_panic_of_who_is_told_of_a_failure_ends_nothing() {
    let (tell, told) = channel();
    let tell = std::sync::Mutex::new(tell);
    let mirror = block_on(Mirror::open(MemoryBackend::with_limit(100_000), MirrorOptions::new())).unwrap();
    let options = AutoSyncOptions::new().interval(SOON).on_failure(move |error| {
        tell.lock().unwrap_or_else(std::sync::PoisonError::into_inner).send(error.kind()).unwrap_or(());
        panic!("on purpose");
    });
    let storage = Blocking::new(AutoSync::new(mirror, options).unwrap()).unwrap();
    storage.write(&path("too large"), &[1; 200_000]).unwrap();
    for _ in 0..2 {
        assert_eq!(next(&told), ErrorKind::NoSpace);
    }
    storage.remove_file(&path("too large")).unwrap();
    storage.write(&path("small"), b"small").unwrap();
    until("it is synced", || storage.backend().is_synced());
}

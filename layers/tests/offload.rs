//! Contract line 6 through the `Offload` layer, with an engine whose calls a test can hold.
#![cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod gated;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;

use anystorage_api::{ErrorKind, OpenOptions, Operation, StorageBackend, StorageFile, StoragePath};
use anystorage_layers::Offload;
use futures_lite::future::{block_on, poll_once, zip};
use gated::{Gate, Gated};

type Storage = Arc<Offload<Gated>>;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn offload() -> (Storage, Arc<Gate>, Arc<()>) {
    let (engine, gate, lock) = Gated::new();
    (Arc::new(Offload::new(engine)), gate, lock)
}

async fn edit(storage: &Storage, at: &str) -> Arc<dyn StorageFile> {
    storage.open(&path(at), &OpenOptions::editing()).await.unwrap().into()
}

/// Polls a call once and drops it; the call stays under way inside the engine.
async fn detach<T: std::fmt::Debug>(call: impl Future<Output = T>) {
    let outcome = poll_once(call).await;
    assert!(outcome.is_none(), "the call was to be held: {outcome:?}");
}

/// Starts a call that has to wait for another one.
async fn waiting<'a, T: std::fmt::Debug>(call: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    let mut call: Pin<Box<dyn Future<Output = T> + 'a>> = Box::pin(call);
    let outcome = poll_once(&mut call).await;
    assert!(outcome.is_none(), "the call was to wait: {outcome:?}");
    call
}

#[test]
fn a_write_that_was_dropped_under_way_is_carried_out_and_a_read_queues_behind_it() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        gate.hold("write a");
        detach(file.write_at(0, b"detached")).await;
        gate.wait_for("write a", 1);
        let reading = waiting({
            let file = Arc::clone(&file);
            async move {
                let mut buf = [0; 20];
                let count = file.read_at(0, &mut buf).await.unwrap();
                buf[..count].to_vec()
            }
        })
        .await;
        // A round trip through the pool: had the read not been queued, it would have run by now.
        edit(&storage, "other").await.write_at(0, b"x").await.unwrap();
        assert_eq!(gate.when("start read a"), None);
        gate.let_go("write a");
        assert_eq!(reading.await, b"detached");
        assert!(gate.when("end write a") < gate.when("start read a"), "{:?}", gate.log());
    });
}

#[test]
fn a_write_outlives_its_handle_and_another_handle_sees_it() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        gate.hold("write a");
        detach(file.write_at(0, b"detached")).await;
        gate.wait_for("write a", 1);
        drop(file);
        let (other, a) = (edit(&storage, "a").await, path("a"));
        let reading = waiting(storage.read(&a)).await;
        gate.let_go("write a");
        assert_eq!(reading.await.unwrap(), b"detached");
        assert_eq!(other.stat().await.unwrap().len, 8);
    });
}

#[test]
fn a_call_that_was_never_polled_never_starts() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        drop(file.write_at(0, b"x"));
        drop(storage.remove_file(&path("a")));
        storage.sync().await.unwrap();
        assert_eq!(gate.log(), ["start open a", "end open a", "start sync", "end sync"]);
    });
}

#[test]
fn the_polling_thread_runs_nothing_of_the_engine() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        file.write_at(0, b"x").await.unwrap();
        file.sync().await.unwrap();
        storage.list(&StoragePath::root(), None, 9).await.unwrap();
        storage.close().await.unwrap();
        assert!(!gate.ran_on(thread::current().id()));
    });
}

#[test]
fn reads_of_one_file_overlap() {
    let (storage, gate, _) = offload();
    gate.hold("read a");
    thread::scope(|scope| {
        scope.spawn(|| {
            gate.wait_for("read a", 2);
            gate.let_go("read a");
        });
        block_on(async {
            let file = edit(&storage, "a").await;
            file.write_at(0, b"ab").await.unwrap();
            let (mut one, mut other) = ([0], [0]);
            let (first, second) = zip(file.read_at(0, &mut one), file.read_at(1, &mut other)).await;
            assert_eq!((first.unwrap(), second.unwrap(), one, other), (1, 1, *b"a", *b"b"));
        });
    });
}

#[test]
fn what_has_nothing_to_do_with_a_slow_call_does_not_wait_for_it() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        storage.create_dir(&path("d")).await.unwrap();
        gate.hold("write a");
        gate.hold("write_file d/slow");
        detach(file.write_at(0, b"slow")).await;
        detach(storage.write(&path("d/slow"), b"slow")).await;
        storage.write(&path("d/b"), b"fast").await.unwrap();
        assert_eq!(storage.read(&path("d/b")).await.unwrap(), b"fast");
        storage.rename(&path("d/b"), &path("c")).await.unwrap();
        assert_eq!(storage.list(&StoragePath::root(), None, 9).await.unwrap().len(), 3);
        gate.let_go("write a");
        gate.let_go("write_file d/slow");
        assert_eq!(storage.read(&path("d/slow")).await.unwrap(), b"slow");
    });
}

#[test]
fn the_queue_of_a_file_follows_renames_of_the_directories_above() {
    block_on(async {
        let (storage, gate, _) = offload();
        storage.create_dir(&path("d")).await.unwrap();
        let file = edit(&storage, "d/a").await;
        gate.hold("write d/a");
        detach(file.write_at(0, b"slow")).await;
        storage.rename(&path("d"), &path("e")).await.unwrap();
        storage.write(&path("b"), b"replaced").await.unwrap();
        storage.rename(&path("e/a"), &path("b")).await.unwrap();
        let b = path("b");
        let reading = waiting(storage.read(&b)).await;
        gate.let_go("write d/a");
        assert_eq!(reading.await.unwrap(), b"slow");
    });
}

#[test]
fn a_removed_file_does_not_delay_its_successor() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        gate.hold("write a");
        detach(file.write_at(0, b"slow")).await;
        storage.remove_file(&path("a")).await.unwrap();
        storage.write(&path("a"), b"new").await.unwrap();
        assert_eq!(storage.read(&path("a")).await.unwrap(), b"new");
        gate.let_go("write a");
        assert_eq!(file.stat().await.unwrap().len, 4);
        assert_eq!(storage.read(&path("a")).await.unwrap(), b"new");
    });
}

#[test]
fn a_sync_of_everything_waits_for_writes_under_way() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        gate.hold("write a");
        detach(file.write_at(0, b"slow")).await;
        let syncing = waiting(storage.sync()).await;
        storage.write(&path("b"), b"not delayed").await.unwrap();
        assert_eq!(gate.when("start sync"), None);
        gate.let_go("write a");
        syncing.await.unwrap();
        assert!(gate.when("end write a") < gate.when("start sync"), "{:?}", gate.log());
    });
}

#[test]
fn closing_waits_for_calls_under_way_and_ends_the_rest() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        gate.hold("write a");
        detach(file.write_at(0, b"slow")).await;
        let closing = waiting(storage.close()).await;
        let a = path("a");
        let late = waiting(storage.read(&a)).await;
        gate.let_go("write a");
        closing.await.unwrap();
        assert!(gate.when("end write a") < gate.when("start close"), "{:?}", gate.log());
        assert_eq!(late.await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(file.stat().await.unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn a_panic_of_the_engine_is_an_error_of_that_call_alone() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        gate.panic_in("write a");
        gate.hold("write a");
        let writing = waiting(file.write_at(0, b"x")).await;
        let queued = waiting(file.stat()).await;
        gate.let_go("write a");
        let error = writing.await.unwrap_err();
        assert_eq!((error.kind(), error.operation(), error.path()), (ErrorKind::Io, Operation::Write, Some(&path("a"))));
        assert!(error.to_string().contains("as the test asked for"), "{error}");
        assert_eq!(queued.await.unwrap().len, 0);
        file.set_len(3).await.unwrap();
        assert_eq!(storage.stat(&path("a")).await.unwrap().len, 3);
    });
}

/// A call that had returned once held the location for a moment longer, and opening it again was `Locked`.
#[test]
fn dropping_the_backend_and_its_files_frees_the_location_at_once() {
    block_on(async {
        for _ in 0..2000 {
            let (storage, _, lock) = offload();
            let file = edit(&storage, "a").await;
            let other = storage.open(&path("a"), &OpenOptions::reading()).await.unwrap();
            file.write_at(0, b"x").await.unwrap();
            storage.sync().await.unwrap();
            drop(storage);
            other.close().await.unwrap();
            assert_eq!(file.stat().await.unwrap().len, 1);
            drop(file);
            assert_eq!(Arc::strong_count(&lock), 1);
        }
    });
}

/// Dropping files once ran the engine's drop on the caller's thread, where `files` flushed what was written and closed before.
#[test]
fn dropped_files_are_let_go_on_the_pool() {
    block_on(async {
        let (storage, gate, _) = offload();
        for number in 0..200 {
            let file = edit(&storage, &format!("{number}")).await;
            file.write_at(0, b"x").await.unwrap();
            drop(file);
        }
        storage.close().await.unwrap();
        assert!(!gate.ran_on(thread::current().id()));
        let gone = gate.log().iter().filter(|entry| entry.starts_with("end drop")).count();
        assert_eq!(gone, 200, "the close waits for all that were dropped before");
    });
}

#[test]
fn a_dropped_file_is_let_go_behind_the_calls_made_through_it() {
    block_on(async {
        let (storage, gate, _) = offload();
        let file = edit(&storage, "a").await;
        gate.hold("write a");
        detach(file.write_at(0, b"first")).await;
        detach(file.write_at(5, b" second")).await;
        drop(file);
        gate.wait_for("write a", 1);
        assert_eq!(gate.when("start drop a"), None);
        gate.let_go("write a");
        assert_eq!(storage.read(&path("a")).await.unwrap(), b"first second");
        storage.close().await.unwrap();
        let log = gate.log();
        let (written, gone) = (log.iter().rposition(|entry| entry == "end write a"), gate.when("start drop a"));
        assert!(written.is_some() && written < gone, "{log:?}");
    });
}

#[test]
fn calls_that_may_need_what_a_dropped_file_gives_back_wait_for_it() {
    block_on(async {
        let (storage, gate, _) = offload();
        let (file, other) = (edit(&storage, "a").await, edit(&storage, "b").await);
        storage.remove_file(&path("a")).await.unwrap();
        gate.hold("drop a");
        drop(file);
        gate.wait_for("drop a", 1);
        assert_eq!(other.stat().await.unwrap().len, 0, "a look at an open file does not wait");
        let writing = waiting(other.write_at(0, b"into the space of a")).await;
        gate.let_go("drop a");
        writing.await.unwrap();
        assert!(gate.when("end drop a") < gate.when("start write b"), "{:?}", gate.log());
    });
}

#[test]
fn the_last_drop_waits_until_the_location_is_free() {
    let (storage, gate, lock) = offload();
    gate.hold("drop a");
    let file = block_on(edit(&storage, "a"));
    drop(file);
    thread::scope(|scope| {
        scope.spawn(|| {
            gate.wait_for("drop a", 1);
            gate.let_go("drop a");
        });
        drop(storage);
        assert_eq!(Arc::strong_count(&lock), 1);
    });
}

/// The real engine flushes in some of these drops, and its location is locked until the last of them is over.
#[cfg(unix)]
#[test]
fn a_directory_opens_again_right_after_many_written_files_were_dropped() {
    use anystorage_native::files::FilesBackend;

    let directory = tempfile::tempdir().unwrap();
    let open = || Offload::new(FilesBackend::open(directory.path()).unwrap());
    block_on(async {
        for round in 0..4_u8 {
            let storage = open();
            let mut last = None;
            for number in 0..200 {
                let file = storage.open(&path(&format!("{number}")), &OpenOptions::editing()).await.unwrap();
                file.write_at(0, &[round]).await.unwrap();
                last = Some(file);
            }
            // Either may be the last owner.
            if round % 2 == 0 {
                drop(last);
                drop(storage);
            } else {
                drop(storage);
                drop(last);
            }
        }
        let storage = open();
        for number in 0..200 {
            assert_eq!(storage.read(&path(&format!("{number}"))).await.unwrap(), [3]);
        }
    });
}

#[test]
fn a_file_that_was_opened_for_nobody_is_closed() {
    block_on(async {
        let (storage, gate, lock) = offload();
        gate.hold("open a");
        detach(storage.open(&path("a"), &OpenOptions::editing())).await;
        gate.let_go("open a");
        assert_eq!(storage.stat(&path("a")).await.unwrap().len, 0, "the open was carried out");
        storage.close().await.unwrap();
        drop(storage);
        assert_eq!(Arc::strong_count(&lock), 1);
    });
}

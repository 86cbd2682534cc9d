//! Over a store that waits: calls take effect in the order in which they were first polled, and a dropped one runs to its end.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use anystorage_api::{Detached, ErrorKind, OpenOptions, StorageBackend, StorageFile, StoragePath};
use anystorage_kv::testing::{SimMedium, SimStore};
use anystorage_kv::{KvBackend, KvOptions};
use futures_lite::future::{block_on, poll_once};

use crate::{open, tiny};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// How long a thread may take to run.
const PATIENCE: Duration = Duration::from_secs(30);

fn carry_on(rest: Detached) {
    thread::spawn(move || block_on(rest));
}

/// Nothing is cached, nor known of a location that was there before, so that calls ask the store, which makes each of its own wait once.
fn waiting(options: KvOptions) -> (SimMedium, KvBackend<SimStore>) {
    let medium = SimMedium::new();
    block_on(open(&medium, &options).unwrap().close()).unwrap();
    let backend = open(&medium, &options.immediate(false).cache_bytes(0)).unwrap();
    medium.set_waiting(true);
    (medium, backend)
}

fn edit(backend: &KvBackend<SimStore>, name: &str) -> Box<dyn StorageFile> {
    block_on(backend.open(&path(name), &OpenOptions::editing())).unwrap()
}

fn poll<T>(call: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
    Pin::new(call).poll(&mut Context::from_waker(Waker::noop()))
}

/// With async locks alone whoever comes when the lock is free passes those who were woken and not polled yet.
#[test]
fn who_comes_later_does_not_pass_who_was_woken() {
    let (_medium, backend) = waiting(tiny(128, 64 << 10));
    let file = edit(&backend, "file");
    block_on(file.write_at(0, b"0")).unwrap();
    block_on(file.sync()).unwrap();
    let directory = path("d");
    let mut holder = backend.create_dir(&directory);
    assert!(poll(&mut holder).is_pending());
    let mut first = file.write_at(0, b"1");
    let mut second = file.write_at(0, b"2");
    let mut seen = [0; 1];
    assert!(poll(&mut first).is_pending());
    assert!(poll(&mut second).is_pending());
    // The lock gets free, and neither of the two was polled since.
    block_on(holder).unwrap();
    let mut third = file.write_at(0, b"3");
    let mut read = file.read_at(0, &mut seen);
    assert!(poll(&mut third).is_pending());
    assert!(poll(&mut read).is_pending());
    // From behind, as often as it takes: nothing happens out of turn.
    let mut ended = [false; 4];
    let mut order = Vec::new();
    for _ in 0..100 {
        for (at, name) in [(3, "read"), (2, "third"), (1, "second"), (0, "first")] {
            let ready = !ended[at]
                && match at {
                    3 => poll(&mut read).map(Result::unwrap).is_ready(),
                    2 => poll(&mut third).map(Result::unwrap).is_ready(),
                    1 => poll(&mut second).map(Result::unwrap).is_ready(),
                    _ => poll(&mut first).map(Result::unwrap).is_ready(),
                };
            if ready {
                ended[at] = true;
                order.push(name);
            }
        }
    }
    drop(read);
    assert_eq!(order, ["first", "second", "third", "read"]);
    assert_eq!(&seen, b"3");
}

/// A commit may take long. A read that nothing is before does not wait for it; one behind a write that does, waits.
#[test]
fn reads_go_on_beside_a_commit_unless_a_change_is_before_them() {
    let (medium, backend) = waiting(tiny(128, 64 << 10));
    let file = edit(&backend, "file");
    block_on(file.write_at(0, b"old")).unwrap();
    let mut sync = file.sync();
    while !medium.is_committing() {
        assert!(poll(&mut sync).is_pending());
    }
    let mut seen = [0; 3];
    block_on(file.read_at(0, &mut seen)).unwrap();
    assert_eq!(&seen, b"old", "beside a commit");
    let mut write = file.write_at(0, b"new");
    assert!(poll(&mut write).is_pending());
    let mut read = file.read_at(0, &mut seen);
    for _ in 0..10 {
        assert!(poll(&mut read).is_pending(), "a read passed a write that was polled before it");
    }
    block_on(sync).unwrap();
    block_on(write).unwrap();
    block_on(&mut read).unwrap();
    drop(read);
    assert_eq!(&seen, b"new", "behind a write");
}

/// What a dropped call has under way is not forgotten: no commit of unknown outcome, no handle that nobody can close.
#[test]
fn dropped_calls_leave_nothing_behind() {
    let (medium, backend) = waiting(tiny(128, 4 << 10).spawner(carry_on));
    for round in 0..30_u8 {
        let file = edit(&backend, "file");
        let (opened, options) = (path("opened"), OpenOptions::editing());
        assert!(block_on(poll_once(backend.open(&opened, &options))).is_none_or(|outcome| outcome.is_ok()));
        for call in 0..3_u8 {
            assert!(block_on(poll_once(file.write_at(0, &[round * 3 + call; 3000]))).is_none_or(|outcome| outcome.is_ok()));
            assert!(block_on(poll_once(file.sync())).is_none_or(|outcome| outcome.is_ok()));
            assert!(block_on(poll_once(backend.sync())).is_none_or(|outcome| outcome.is_ok()));
        }
        drop(file);
        block_on(backend.remove_file(&opened)).unwrap();
    }
    assert_eq!(block_on(backend.read(&path("file"))).unwrap(), [89; 3000]);
    block_on(backend.sync()).unwrap();
    // Blocks of a removed file stay as long as a handle is open.
    block_on(backend.remove_file(&path("file"))).unwrap();
    // A call that goes on has its handle until its thread gets around to letting it go. Syncs of changes delete what nothing needs.
    let start = Instant::now();
    while medium.records().keys().any(|key| key.starts_with(b"b")) {
        assert!(start.elapsed() < PATIENCE, "a handle is still open");
        block_on(backend.create_dir(&path("change"))).unwrap();
        block_on(backend.sync()).unwrap();
        block_on(backend.remove_dir(&path("change"))).unwrap();
        block_on(backend.sync()).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    block_on(backend.close()).unwrap();
    assert_eq!(block_on(backend.sync()).unwrap_err().kind(), ErrorKind::Closed);
}

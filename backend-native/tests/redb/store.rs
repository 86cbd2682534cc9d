//! The store by itself, as the engine asks it.

use anystorage_api::ErrorKind;
use anystorage_kv::testing::check_store;
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_native::faults::FlushSwitch;
use anystorage_native::redb::{RedbOptions, open_store, open_store_with_switch};
use futures_lite::future::block_on;

use crate::support::{fresh, get, put, refused, seed, store};

#[test]
fn durable_commits_and_those_before_them_are_there_again() {
    let (_directory, file) = fresh();
    let first = store(&file);
    put(&first, b"a", b"1", Commit::Relaxed).unwrap();
    put(&first, b"b", b"2", Commit::Durable).unwrap();
    put(&first, b"c", b"3", Commit::Relaxed).unwrap();
    assert_eq!(get(&first, b"c").unwrap().unwrap(), b"3");
    drop(first);
    let again = store(&file);
    assert_eq!(get(&again, b"a").unwrap().unwrap(), b"1");
    assert_eq!(get(&again, b"b").unwrap().unwrap(), b"2");
    block_on(again.close()).unwrap();
    assert_eq!(refused(get(&again, b"a")), ErrorKind::Closed);
    assert_eq!(refused(put(&again, b"a", b"2", Commit::Durable)), ErrorKind::Closed);
    assert_eq!(refused(block_on(again.size())), ErrorKind::Closed);
    assert_eq!(refused(block_on(again.close())), ErrorKind::Closed);
    // The closed store is still there, and holds nothing any more.
    let third = store(&file);
    assert_eq!(get(&third, b"b").unwrap().unwrap(), b"2");
}

#[test]
fn scans_are_in_order_and_bounded() {
    let (_directory, file) = fresh();
    let store = store(&file);
    let mut batch = Batch::new();
    for number in [3_u8, 1, 200, 2] {
        batch.put([number], [number; 20_000]);
    }
    batch.delete([2]);
    batch.put([7], [1]);
    batch.put([7], [2]);
    block_on(store.commit(batch, Commit::Relaxed)).unwrap();
    let scan = |from: &[u8], to: &[u8], limit| -> Vec<u8> {
        block_on(store.scan(from, to, limit)).unwrap().iter().map(|(key, _)| key[0]).collect()
    };
    assert_eq!(scan(&[], &[255], 9), [1, 3, 7, 200]);
    assert_eq!(scan(&[1], &[7], 9), [1, 3]);
    assert_eq!(scan(&[1], &[255], 2), [1, 3]);
    assert_eq!(scan(&[7], &[1], 9), [0; 0]);
    assert_eq!(scan(&[7], &[7], 9), [0; 0]);
    assert_eq!(get(&store, &[7]).unwrap().unwrap(), [2]);
    assert_eq!(get(&store, &[2]).unwrap(), None);
}

/// What redb could not flush is not made, and is not forgotten either: reading goes on with the relaxed commits before it.
#[test]
fn a_failed_flush_stops_changes_and_reads_go_on_with_every_relaxed_commit() {
    let (_directory, file) = fresh();
    let switch = FlushSwitch::default();
    let first = open_store_with_switch(&file, &RedbOptions::new().cache_bytes(1 << 20), &switch).unwrap();
    put(&first, b"durable", b"1", Commit::Durable).unwrap();
    for number in 0..40_u8 {
        put(&first, &[b'r', number], &[number; 50_000], Commit::Relaxed).unwrap();
    }
    switch.set_failing(true);
    assert_eq!(refused(put(&first, b"failed", b"3", Commit::Durable)), ErrorKind::Io);
    assert!(switch.failed() > 0);
    switch.set_failing(false);
    let error = put(&first, b"later", b"4", Commit::Relaxed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("opened again"), "{error}");
    assert_eq!(get(&first, b"durable").unwrap().unwrap(), b"1");
    assert_eq!(block_on(first.scan(b"r", b"s", 100)).unwrap().len(), 40);
    for number in 0..40_u8 {
        assert_eq!(get(&first, &[b'r', number]).unwrap().unwrap(), [number; 50_000]);
    }
    assert_eq!(get(&first, b"later").unwrap(), None);
    block_on(first.size()).unwrap();
    drop(first);
    let again = store(&file);
    assert_eq!(get(&again, b"durable").unwrap().unwrap(), b"1");
    put(&again, b"later", b"4", Commit::Durable).unwrap();
}

/// More relaxed bytes than are kept in memory: some of the commits become durable, and nothing else changes.
#[test]
fn many_relaxed_commits_need_no_more_memory_and_stay_readable_after_a_failed_flush() {
    let (_directory, file) = fresh();
    let switch = FlushSwitch::default();
    let store = open_store_with_switch(&file, &RedbOptions::new().cache_bytes(4 << 20), &switch).unwrap();
    let before = switch.asked();
    for number in 0..300_u16 {
        put(&store, &number.to_be_bytes(), &[7; 100_000], Commit::Relaxed).unwrap();
    }
    assert!(switch.asked() > before, "30 MB were kept in memory");
    switch.set_failing(true);
    assert_eq!(refused(put(&store, b"zz", b"3", Commit::Durable)), ErrorKind::Io);
    assert_eq!(block_on(store.scan(&[], &[0xff], 1000)).unwrap().len(), 300);
}

/// The promises of every store, in random commits beside a map.
#[test]
fn it_keeps_what_a_store_promises() {
    let (_directory, file) = fresh();
    let seed = seed();
    let options = RedbOptions::new().cache_bytes(1 << 20);
    block_on(check_store(|| async { open_store(&file, &options) }, seed, 6)).unwrap();
}

//! The log beside the database: what a commit costs, what a crash leaves of it, and what damage to it is told.

use anystorage_api::ErrorKind;
use anystorage_conformance::simdisk::{Outcome, SimOpen};
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_redb::{RedbOptions, RedbStore};
use futures_lite::future::block_on;

use crate::disk::Disk;

/// Where the log begins, and where the slots do, in bytes.
const LOG: usize = 512 << 10;
const SLOTS: usize = 1 << 20;
const SECTOR: usize = 512;

fn open(disk: &Disk) -> RedbStore {
    RedbStore::open(disk.file().unwrap(), "packed", &disk.options).unwrap()
}

fn put(store: &RedbStore, changes: &[(&[u8], &[u8])], durability: Commit) {
    let mut batch = Batch::new();
    for (key, value) in changes {
        batch.put(*key, *value);
    }
    block_on(store.commit(batch, durability)).unwrap();
}

fn get(store: &RedbStore, key: &[u8]) -> Option<Vec<u8>> {
    block_on(store.get(key)).unwrap()
}

/// A tab that is gone closes nothing; its lock goes.
fn crash(disk: &Disk, store: RedbStore) -> Disk {
    std::mem::forget(store);
    Disk::of(disk.disk.cut(Outcome::Everything), disk.options)
}

fn bytes_of(disk: &Disk) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(disk.counted()).unwrap()];
    disk.disk.open("packed", SimOpen::Read).unwrap().read_at(0, &mut bytes).unwrap();
    bytes
}

fn with_bytes(bytes: &[u8]) -> Disk {
    let disk = Disk::new(RedbOptions::new());
    disk.disk.open("packed", SimOpen::ReadWrite).unwrap().write_at(0, bytes).unwrap();
    disk
}

#[test]
fn a_durable_commit_is_one_flush() {
    let disk = Disk::new(RedbOptions::new());
    let store = open(&disk);
    let before = disk.switch.flushes();
    for number in 0..20_u8 {
        put(&store, &[(&[1, number], &[7; 4000])], Commit::Durable);
    }
    assert_eq!(disk.switch.flushes() - before, 20);
    let disk = crash(&disk, store);
    let before = disk.switch.flushes();
    let store = open(&disk);
    for number in 0..20_u8 {
        assert_eq!(get(&store, &[1, number]), Some(vec![7; 4000]), "{number}");
    }
    println!("opening after a crash: {} flushes", disk.switch.flushes() - before);
}

/// What does not fit goes to redb, and the log begins anew, over records that would bring older values back.
#[test]
fn more_than_the_log_holds_is_kept() {
    const KEYS: u8 = 30;
    let disk = Disk::new(RedbOptions::new());
    let mut store = open(&disk);
    let begin = disk.counted();
    let value = |commit: u32| commit.to_le_bytes().repeat(1250);
    for round in 0..4 {
        for commit in round * 240..(round + 1) * 240 {
            put(&store, &[(&[1, (commit % u32::from(KEYS)) as u8], &value(commit))], Commit::Durable);
        }
        store = open(&crash_in_place(&disk, store));
        for key in 0..KEYS {
            let last = (round + 1) * 240 - u32::from(KEYS) + u32::from(key);
            assert!(get(&store, &[1, key]) == Some(value(last)), "{key} of round {round}");
        }
    }
    println!("{} bytes of 150,000 that were changed 32 times", disk.counted() - begin);
    assert!(disk.counted() - begin < 4 << 20, "{}", disk.counted() - begin);
}

/// As [`crash`], and the disk goes on being used.
fn crash_in_place(disk: &Disk, store: RedbStore) -> Disk {
    std::mem::forget(store);
    Disk::of(disk.disk.clone(), disk.options)
}

/// redb makes what it has in memory last as it is closed: then the log, which has the first change alone, must not be read over that.
#[test]
fn closing_leaves_no_older_change_over_a_newer_one() {
    for closes in [true, false] {
        let disk = Disk::new(RedbOptions::new());
        let store = open(&disk);
        put(&store, &[(b"one", b"old")], Commit::Durable);
        put(&store, &[(b"one", b"new"), (b"two", b"new")], Commit::Relaxed);
        if closes {
            block_on(store.close()).unwrap();
        }
        drop(store);
        let store = open(&Disk::of(disk.disk.clone(), disk.options));
        let found = [get(&store, b"one"), get(&store, b"two")];
        let whole = [[Some(b"old".to_vec()), None], [Some(b"new".to_vec()), Some(b"new".to_vec())]];
        assert!(whole.contains(&found), "{found:?}, closed: {closes}");
    }
}

/// A relaxed commit is not in the log; the durable one behind it makes it last.
#[test]
fn a_durable_commit_takes_relaxed_ones_along() {
    let disk = Disk::new(RedbOptions::new());
    let store = open(&disk);
    put(&store, &[(b"one", b"logged")], Commit::Durable);
    put(&store, &[(b"two", b"relaxed")], Commit::Relaxed);
    put(&store, &[(b"one", b"durable")], Commit::Durable);
    put(&store, &[(b"three", b"logged")], Commit::Durable);
    let mut batch = Batch::new();
    batch.delete(*b"three");
    block_on(store.commit(batch, Commit::Durable)).unwrap();
    let store = open(&crash(&disk, store));
    let found = [b"one".as_slice(), b"two", b"three"].map(|key| get(&store, key));
    assert_eq!(found, [Some(b"durable".to_vec()), Some(b"relaxed".to_vec()), None]);
}

#[test]
fn damage_before_the_last_record_is_told() {
    let disk = Disk::new(RedbOptions::new());
    let store = open(&disk);
    for number in 0..3_u8 {
        put(&store, &[(&[1, number], &[7; 2000])], Commit::Durable);
    }
    let bytes = bytes_of(&crash(&disk, store));
    let record = 2000_usize.next_multiple_of(SECTOR) + if 2000 % SECTOR > SECTOR - 40 { SECTOR } else { 0 };
    for at in [LOG, LOG + 20, LOG + 1000, LOG + record, LOG + record + 700] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 16;
        let disk = with_bytes(&damaged);
        let refused = RedbStore::open(disk.file().unwrap(), "packed", &disk.options).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "byte {at}: {refused}");
    }
    // The last one is as one that was never written whole.
    let mut torn = bytes;
    torn[LOG + 2 * record + 1000] ^= 16;
    let disk = with_bytes(&torn);
    let store = open(&disk);
    assert_eq!([0, 1, 2].map(|number| get(&store, &[1, number]).map(|value| value.len())), [Some(2000), Some(2000), None]);
}

/// Of the layout before there were logs: it is read and written as it was, with two flushes.
#[test]
fn a_file_without_a_log_stays_without() {
    let disk = Disk::new(RedbOptions::new());
    let store = open(&disk);
    put(&store, &[(b"one", &[7; 300_000])], Commit::Durable);
    block_on(store.close()).unwrap();
    let mut bytes = bytes_of(&disk);
    bytes.drain(LOG..SLOTS);
    for map in [0, 256 << 10] {
        let map = &mut bytes[map..map + (256 << 10)];
        assert_eq!(map[15], 2, "the byte that tells the layout");
        map[15] = 1;
        let end = 36 + 4 * usize::try_from(u32::from_le_bytes(map[32..36].try_into().unwrap())).unwrap();
        let sum = crc32c::crc32c(&map[..end]);
        map[end..end + 4].copy_from_slice(&sum.to_le_bytes());
    }
    let disk = with_bytes(&bytes);
    let store = open(&disk);
    assert_eq!(get(&store, b"one"), Some(vec![7; 300_000]));
    let before = disk.switch.flushes();
    put(&store, &[(b"two", b"also")], Commit::Durable);
    assert_eq!(disk.switch.flushes() - before, 2);
    let disk = crash(&disk, store);
    let store = open(&disk);
    assert_eq!((get(&store, b"one"), get(&store, b"two")), (Some(vec![7; 300_000]), Some(b"also".to_vec())));
    assert_eq!(bytes_of(&disk)[15], 1);
}

/// The flush of a record failed: nobody knows whether it lasts, and nothing is changed any more.
#[test]
fn a_failed_flush_of_the_log_stops_all_changes() {
    use anystorage_conformance::subject::FlushFaults;
    let disk = Disk::new(RedbOptions::new());
    let store = open(&disk);
    put(&store, &[(b"one", b"there")], Commit::Durable);
    disk.switch.set_failing(true);
    let commit = |key: &[u8]| {
        let mut batch = Batch::new();
        batch.put(key, *b"perhaps");
        block_on(store.commit(batch, Commit::Durable))
    };
    assert_eq!(commit(b"two").unwrap_err().kind(), ErrorKind::Io);
    disk.switch.set_failing(false);
    assert!(commit(b"three").is_err());
    assert_eq!((get(&store, b"one"), get(&store, b"three")), (Some(b"there".to_vec()), None));
    drop(store);
    let store = open(&Disk::of(disk.disk.clone(), disk.options));
    assert_eq!((get(&store, b"one"), get(&store, b"three")), (Some(b"there".to_vec()), None));
}

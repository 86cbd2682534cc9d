//! The log beside the database: what a commit costs, what a crash leaves of it, and what damage to it is told.

use std::collections::BTreeMap;

use anystorage_api::ErrorKind;
use anystorage_conformance::simdisk::{Outcome, Rng, SimOpen};
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

/// What is in the log and in no page of redb was missed by a scan, or came again after it was removed.
#[test]
fn reads_see_what_is_logged_over_what_is_stored() {
    const STEPS: u32 = 3000;
    let first = crate::seed();
    println!("ANYSTORAGE_SEED={first} repeats this run");
    let mut random = Rng::new(first);
    let mut disk = Disk::new(RedbOptions::new());
    let mut store = open(&disk);
    let mut model = BTreeMap::new();
    let (mut scanned, mut reopened) = (0, 0);
    for step in 0..STEPS {
        match random.below(100) {
            0..40 => {
                let mut batch = Batch::new();
                for _ in 0..1 + random.below(4) {
                    let key = vec![7, random.below(40) as u8];
                    // Now and then more than the log holds.
                    let most = if random.below(60) == 0 { 600_000 } else { 3000 };
                    let value = (random.below(3) > 0).then(|| vec![step as u8; 1 + random.below(most) as usize]);
                    match &value {
                        Some(value) => model.insert(key.clone(), value.clone()),
                        None => model.remove(&key),
                    };
                    batch.push(key, value);
                }
                let durability = if random.below(8) == 0 { Commit::Relaxed } else { Commit::Durable };
                block_on(store.commit(batch, durability)).unwrap();
            }
            40..70 => {
                let key = [7, random.below(42) as u8];
                assert!(get(&store, &key) == model.get(&key[..]).cloned(), "{key:?} in step {step}");
            }
            70..98 => {
                let [from, to] = [0, 0].map(|_: u8| vec![7, random.below(42) as u8]);
                let limit = random.below(20) as usize;
                let found = block_on(store.scan(&from, &to, limit)).unwrap();
                let expected = model.iter().filter(|(key, _)| (&from..&to).contains(key)).take(limit);
                let expected: Vec<_> = expected.map(|(key, value)| (key.clone(), value.clone())).collect();
                assert!(found == expected, "{from:?} to {to:?}, {limit} of them, in step {step}");
                scanned += found.len();
            }
            _ => {
                // With what was relaxed before it.
                put(&store, &[(&[7, 0], &[1])], Commit::Durable);
                model.insert(vec![7, 0], vec![1]);
                if random.below(2) == 0 {
                    block_on(store.close()).unwrap();
                    drop(store);
                    disk = Disk::of(disk.disk.clone(), disk.options);
                } else {
                    disk = crash(&disk, store);
                }
                store = open(&disk);
                reopened += 1;
            }
        }
    }
    println!("{scanned} entries, opened {reopened} times again");
    assert!(scanned > 500 && reopened > 10, "{scanned}, {reopened}");
}

/// The commit that is to give redb all that was logged finds no space: nothing of that is lost, nor is the location.
#[test]
fn what_is_logged_outlives_a_full_disk() {
    use std::sync::atomic::Ordering;
    let disk = Disk::new(RedbOptions::new());
    let store = open(&disk);
    put(&store, &[(b"stored", &[7; 100_000])], Commit::Durable);
    for number in 0..40_u8 {
        put(&store, &[(&[1, number], &[number; 4000])], Commit::Durable);
    }
    disk.quota.store(disk.counted(), Ordering::Relaxed);
    let mut batch = Batch::new();
    batch.put(*b"large", vec![9; 8 << 20]);
    assert_eq!(block_on(store.commit(batch, Commit::Durable)).unwrap_err().kind(), ErrorKind::NoSpace);
    let check = |store: &RedbStore| {
        let found = block_on(store.scan(&[1], &[2], usize::MAX)).unwrap();
        let expected: Vec<_> = (0..40_u8).map(|number| (vec![1, number], vec![number; 4000])).collect();
        assert!(found == expected, "{} of 40", found.len());
        assert_eq!((get(store, b"large"), get(store, b"stored")), (None, Some(vec![7; 100_000])));
    };
    check(&store);
    let disk = crash(&disk, store);
    let store = open(&disk);
    check(&store);
    put(&store, &[(b"more", b"fits")], Commit::Durable);
    assert_eq!(get(&store, b"more"), Some(b"fits".to_vec()));
}

/// What is to be removed on a full disk needs room for what is logged as well, which redb has not got yet, or has in memory since a relaxed commit.
#[test]
fn a_full_disk_with_a_full_log_lets_go_of_what_is_removed() {
    lets_go_of_what_is_removed(false);
    lets_go_of_what_is_removed(true);
}

fn lets_go_of_what_is_removed(relaxed: bool) {
    use std::sync::atomic::Ordering;
    const LOGGED: u8 = 80;
    let large = |number: u8| (vec![2, number], vec![number; 60_000]);
    let filled = |count: u8| {
        let disk = Disk::new(RedbOptions::new());
        let store = open(&disk);
        let mut small = Batch::new();
        for number in 0..5000_u16 {
            small.put([vec![3], number.to_be_bytes().to_vec()].concat(), [5; 100]);
        }
        block_on(store.commit(small, Commit::Durable)).unwrap();
        for number in 0..count {
            let mut batch = Batch::new();
            let (key, value) = large(number);
            batch.put(key, value);
            // By redb: behind a relaxed commit nothing is logged.
            put(&store, &[(b"relaxed", &[number])], Commit::Relaxed);
            block_on(store.commit(batch, Commit::Durable)).unwrap();
        }
        let counted = disk.counted();
        (disk, store, counted)
    };
    // As many as fit until the file has to grow.
    let counts: Vec<u64> = (0..60).map(|count| filled(count).2).collect();
    let full = (40..59_u8).find(|count| counts[usize::from(*count) + 1] > counts[usize::from(*count)]).unwrap();
    let (disk, store, _) = filled(full);
    for number in 0..LOGGED {
        let [high, low] = (u16::from(number) * 60).to_be_bytes();
        put(&store, &[(&[1, number], &[number; 4000]), (&[3, high, low], &[6; 90])], Commit::Durable);
    }
    // Others have filled the rest of it.
    disk.quota.store(disk.counted(), Ordering::Relaxed);
    if relaxed {
        put(&store, &[(b"relaxed", &[7])], Commit::Relaxed);
    }
    for number in 0..full {
        let mut batch = Batch::new();
        batch.push(large(number).0, None);
        block_on(store.commit(batch, Commit::Durable)).unwrap_or_else(|error| panic!("the removal of {number}: {error}"));
    }
    put(&store, &[(b"again", &[9; 500_000])], Commit::Durable);
    let store = open(&crash(&disk, store));
    let found = block_on(store.scan(&[1], &[3], usize::MAX)).unwrap();
    assert!(found == (0..LOGGED).map(|number| (vec![1, number], vec![number; 4000])).collect::<Vec<_>>(), "{} of {LOGGED}", found.len());
    let small = block_on(store.scan(&[3], &[4], usize::MAX)).unwrap();
    assert_eq!((small.len(), small.iter().filter(|(_, value)| value.len() == 90).count()), (5000, LOGGED.into()));
    assert_eq!(get(&store, b"again"), Some(vec![9; 500_000]));
}

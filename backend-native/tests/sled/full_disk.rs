//! A disk that runs full, below the engine: a small `tmpfs` in a user namespace. Where that cannot be made, the test fails.

use std::path::Path;

use anystorage_api::ErrorKind;
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_native::sled::{SledOptions, SledStore};
use futures_lite::future::block_on;

use crate::own_process::{in_namespace, own_part, passes};

fn record(number: u64) -> (Vec<u8>, Vec<u8>) {
    let mut value = number.to_le_bytes().to_vec();
    value.resize(500, u8::try_from(number % 251).unwrap());
    (number.to_be_bytes().to_vec(), value)
}

/// Twenty records, of which the first has this number.
fn batch(first: u64) -> Batch {
    let mut batch = Batch::new();
    (first..first + 20).for_each(|number| {
        let (key, value) = record(number);
        batch.put(key, value);
    });
    batch
}

/// What is there is the records `from..to`, each with its bytes.
fn holds(store: &SledStore, from: u64, to: u64) {
    let found = block_on(store.scan(&[0], &[1], usize::MAX)).unwrap();
    let expected: Vec<_> = (from..to).map(record).collect();
    assert!(found == expected, "{} records are there, {} should be", found.len(), expected.len());
}

fn fill(root: &Path) {
    let store = SledStore::open(root, &SledOptions::new()).unwrap();
    let mut end = 0;
    let mut refused = 0;
    // Refused whole, again and again; smaller and larger ones; everything before stands.
    while refused < 5 {
        match block_on(store.commit(batch(end), Commit::Durable)) {
            Ok(()) => end += 20,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
                holds(&store, 0, end);
                refused += 1;
            }
        }
        assert!(end < 200_000, "the disk is not small");
    }
    let mut huge = Batch::new();
    (end..end + 20_000).map(record).for_each(|(key, value)| huge.put(key, value));
    assert_eq!(block_on(store.commit(huge, Commit::Durable)).unwrap_err().kind(), ErrorKind::NoSpace);
    holds(&store, 0, end);
    block_on(store.close()).unwrap();

    // Opened anew, still full; then most of it is removed, in small pieces, and there is room again.
    let store = SledStore::open(root, &SledOptions::new()).unwrap();
    holds(&store, 0, end);
    let kept = end / 10 * 9;
    for first in (0..kept).step_by(30) {
        let mut removal = Batch::new();
        (first..(first + 30).min(kept)).for_each(|number| removal.push(number.to_be_bytes().to_vec(), None));
        block_on(store.commit(removal, Commit::Durable)).unwrap_or_else(|error| panic!("removing {first} of {end}: {error}"));
    }
    holds(&store, kept, end);
    for first in (end..end + end / 4).step_by(20) {
        block_on(store.commit(batch(first), Commit::Durable)).unwrap_or_else(|error| panic!("room for {first} of {end}: {error}"));
    }
    let last = block_on(store.scan(&[0], &[1], usize::MAX)).unwrap().last().unwrap().0.clone();
    holds(&store, kept, u64::from_be_bytes(last.try_into().unwrap()) + 1);
    println!("{end} records of 500 bytes were taken before the disk was full");
}

#[test]
fn a_refused_commit_is_refused_whole_and_removing_makes_room() {
    if let Some(root) = own_part() {
        return fill(Path::new(&root));
    }
    let root = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=8m tmpfs \"$1\"";
    let test = "full_disk::a_refused_commit_is_refused_whole_and_removing_makes_room";
    let said = passes(in_namespace(mount, test, root.path()), "a full tmpfs in a user namespace");
    println!("{}", said.lines().find(|line| line.contains("were taken")).unwrap());
}

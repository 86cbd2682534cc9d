//! Every byte of every record changed in turn, every record removed, and records in each other's place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anystorage_api::{Attributes, Error, ErrorKind, Metadata, OpenOptions, Result, StorageBackend, StoragePath, Timestamp};
use anystorage_kv::KvOptions;
use anystorage_kv::testing::{Outcome, SimMedium};
use futures_lite::future::block_on;

use crate::{open, tiny};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn bytes(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at as u8).wrapping_mul(31) ^ (at >> 8) as u8 ^ seed | 1).collect()
}

/// Files with one block and several, with a hole, with so many runs that they get a node of their own, empty; directories, a link,
/// attributes.
pub(crate) fn plant(medium: &SimMedium, options: &KvOptions) {
    let backend = open(medium, options).unwrap();
    block_on(async {
        backend.create_dir(&path("d")).await?;
        backend.create_dir(&path("d/empty")).await?;
        backend.write(&path("d/small"), &bytes(1, 40)).await?;
        backend.write(&path("d/blocks"), &bytes(2, 400)).await?;
        backend.write(&path("none"), b"").await?;
        let sparse = backend.open(&path("sparse"), &OpenOptions::editing()).await?;
        sparse.write_at(5, b"start").await?;
        sparse.write_at(3_000_000, b"end").await?;
        let holes = backend.open(&path("holes"), &OpenOptions::editing()).await?;
        for at in 0..40 {
            holes.write_at(at * 64 * 3, &bytes(at as u8, 40)).await?;
        }
        backend.sync().await?;
        // Blocks of several versions.
        for at in [30, 100, 350] {
            backend.open(&path("d/blocks"), &OpenOptions::editing()).await?.write_at(at, &bytes(9, 20)).await?;
            backend.sync().await?;
        }
        backend.set_attributes(&path("d/small"), &Attributes::new().mode(0o640).accessed(Timestamp::new(5, 6))).await?;
        backend.open(&path("link"), &OpenOptions::editing()).await?;
        backend.set_attributes(&path("link"), &Attributes::new().link_target("d/small")).await?;
        backend.sync().await
    })
    .unwrap();
}

/// The same with changes that were spilled and that no sync covers, and with a removed file whose blocks are still there.
fn plant_pending(options: &KvOptions) -> SimMedium {
    let medium = SimMedium::new();
    plant(&medium, options);
    let backend = open(&medium, options).unwrap();
    block_on(async {
        backend.write(&path("gone"), &bytes(5, 64 * 300)).await?;
        backend.sync().await?;
        backend.remove_file(&path("gone")).await?;
        backend.sync().await?;
        backend.open(&path("d/blocks"), &OpenOptions::editing()).await?.write_at(0, &bytes(6, 5000)).await?;
        for number in 0..40 {
            backend.create_dir(&path(&format!("a directory with a name that takes room {number}"))).await?;
        }
        Ok::<(), Error>(())
    })
    .unwrap();
    drop(backend);
    medium.cut(Outcome::Everything)
}

/// What is at a path: metadata, and the names in a directory or the bytes of a file.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    metadata: Result<Metadata, ErrorKind>,
    names: Option<Result<Vec<String>, ErrorKind>>,
    bytes: Option<Result<Vec<u8>, ErrorKind>>,
}

async fn found(backend: &dyn StorageBackend, at: &StoragePath, is_directory: bool, is_file: bool) -> Found {
    let kind = |error: Error| error.kind();
    let names = async { Ok(backend.list(at, None, 1000).await.map_err(kind)?.into_iter().map(|entry| entry.name).collect()) };
    Found {
        metadata: backend.stat(at).await.map_err(kind),
        names: if is_directory { Some(names.await) } else { None },
        bytes: if is_file && at != &path("sparse") { Some(backend.read(at).await.map_err(kind)) } else { None },
    }
}

/// The ends of the sparse file, whose middle would take long.
async fn ends(backend: &dyn StorageBackend) -> Result<Vec<u8>, ErrorKind> {
    let read = async {
        let file = backend.open(&path("sparse"), &OpenOptions::reading()).await?;
        let mut ends = vec![0; 300];
        file.read_at(0, &mut ends[..150]).await?;
        file.read_at(3_000_003 - 150, &mut ends[150..]).await?;
        Ok(ends)
    };
    read.await.map_err(|error: Error| error.kind())
}

pub(crate) struct Everything {
    at: BTreeMap<StoragePath, Found>,
    ends: Result<Vec<u8>, ErrorKind>,
}

impl Everything {
    pub(crate) async fn of(backend: &dyn StorageBackend) -> Self {
        let mut at = BTreeMap::new();
        let mut left = vec![StoragePath::root()];
        while let Some(path) = left.pop() {
            let metadata = backend.stat(&path).await.unwrap();
            let found = found(backend, &path, metadata.is_dir(), metadata.is_file()).await;
            for name in found.names.iter().flatten().flatten() {
                left.push(path.join(name).unwrap());
            }
            at.insert(path, found);
        }
        Self { at, ends: ends(backend).await }
    }

    /// What `backend` shows of all this.
    pub(crate) async fn compare(&self, backend: &dyn StorageBackend, seen: &mut Seen) {
        for (path, expected) in &self.at {
            let found = found(backend, path, expected.names.is_some(), expected.bytes.is_some()).await;
            seen.result(path, &expected.metadata, found.metadata);
            if let (Some(expected), Some(found)) = (&expected.names, found.names) {
                match (expected, found) {
                    // A name less: the record that was there cannot be told from one that never was.
                    (Ok(expected), Ok(found)) if found.len() < expected.len() && found.iter().all(|name| expected.contains(name)) => {
                        seen.missing += 1;
                    }
                    (expected, found) => seen.result(path, expected, found),
                }
            }
            if let (Some(expected), Some(found)) = (&expected.bytes, found.bytes) {
                seen.result(path, expected, found);
            }
        }
        if self.at.contains_key(&path("sparse")) {
            seen.result(&path("sparse"), &self.ends, ends(backend).await);
        }
    }
}

/// How calls were answered.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    right: u64,
    corrupt: u64,
    missing: u64,
    pub(crate) wrong: Vec<String>,
}

impl Seen {
    fn result<T: PartialEq + fmt::Debug>(&mut self, path: &StoragePath, expected: &Result<T, ErrorKind>, found: Result<T, ErrorKind>) {
        match found {
            found if found == *expected => self.right += 1,
            Err(ErrorKind::Corrupt) => self.corrupt += 1,
            Err(ErrorKind::NotFound) => self.missing += 1,
            found => self.wrong.push(format!("{path:?}: {found:?}, not {expected:?}").chars().take(300).collect()),
        }
    }
}

/// What a record is.
fn kind(key: &[u8]) -> &'static str {
    match key {
        [b's'] => "superblock",
        [b'i', ..] => "inode",
        [b'e', ..] => "entry",
        [b'n', ..] => "node",
        [b'b', ..] => "block",
        [b'p', b's', ..] => "pending: spill",
        [b'p', b'w', ..] => "pending: shadow",
        [b'p', b'o', ..] => "pending: orphan",
        [b'p', b'a'] => "pending: mark",
        _ => "unknown",
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u64,
    right: u64,
    corrupt: u64,
    refused: u64,
    missing: u64,
}

struct Bench {
    options: KvOptions,
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    expected: Everything,
    counts: BTreeMap<(&'static str, &'static str), Count>,
    wrong: Vec<String>,
    /// Opening and reading has to leave every record as it is.
    is_settled: bool,
}

impl Bench {
    fn new(medium: &SimMedium, options: KvOptions, is_settled: bool) -> Self {
        let records = medium.records();
        let backend = open(&medium.cut(Outcome::Everything), &options).unwrap();
        let expected = block_on(Everything::of(&backend));
        Self { options, records, expected, counts: BTreeMap::new(), wrong: Vec::new(), is_settled }
    }

    fn damage(&mut self, how: &'static str, key: &[u8], change: impl FnOnce(&SimMedium)) {
        let medium = SimMedium::holding(self.records.clone());
        change(&medium);
        let before = medium.records();
        let count = self.counts.entry((kind(key), how)).or_default();
        count.all += 1;
        let mut seen = Seen::default();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match open(&medium, &self.options) {
            Ok(backend) => {
                block_on(self.expected.compare(&backend, &mut seen));
                true
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => false,
            Err(error) => {
                seen.wrong.push(format!("opening: {error}"));
                false
            }
        }));
        match outcome {
            Ok(false) => count.refused += 1,
            Ok(true) if seen.missing > 0 => count.missing += 1,
            Ok(true) if seen.corrupt > 0 => count.corrupt += 1,
            Ok(true) => count.right += 1,
            Err(_) => seen.wrong.push("it panicked".to_owned()),
        }
        if self.is_settled && medium.records() != before {
            seen.wrong.push("opening and reading changed what is stored".to_owned());
        }
        self.wrong.extend(seen.wrong.into_iter().map(|text| format!("{how} of {} {}: {text}", kind(key), hex(key))));
    }

    fn show(&self) {
        println!("{:16} {:14} {:>7} {:>7} {:>7} {:>7} {:>7}", "record", "damage", "all", "right", "corrupt", "refused", "missing");
        for ((kind, how), count) in &self.counts {
            let Count { all, right, corrupt, refused, missing } = count;
            println!("{kind:16} {how:14} {all:7} {right:7} {corrupt:7} {refused:7} {missing:7}");
        }
    }

    fn total(&self) -> u64 {
        self.counts.values().map(|count| count.all).sum()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(mut bench: Bench, all_pairs: bool) -> Bench {
    let records: Vec<(Vec<u8>, Vec<u8>)> = bench.records.clone().into_iter().collect();
    for (number, (key, value)) in records.iter().enumerate() {
        for at in 0..value.len() {
            bench.damage("a value's byte", key, |medium| {
                let mut value = value.clone();
                value[at] ^= 1 << ((at + number) % 8);
                medium.set(key, Some(&value));
            });
        }
        for at in 0..key.len() {
            bench.damage("a key's byte", key, |medium| {
                let mut other = key.clone();
                other[at] ^= 1 << ((at + number) % 8);
                medium.set(key, None);
                medium.set(&other, Some(value));
            });
        }
        for len in [0, 1, value.len() / 2, value.len() - 1] {
            if len > 0 {
                bench.damage("a cut", key, |medium| medium.set(key, Some(&value[..len])));
            }
        }
        bench.damage("a removal", key, |medium| medium.set(key, None));
        for (other, (other_key, other_value)) in records.iter().enumerate() {
            let swaps = other > number && (all_pairs || other == number + 1);
            if swaps && value != other_value {
                bench.damage("a swap", key, |medium| {
                    medium.set(key, Some(other_value));
                    medium.set(other_key, Some(value));
                });
            }
        }
    }
    bench.show();
    assert!(bench.wrong.is_empty(), "{} wrong answers: {:#?}", bench.wrong.len(), &bench.wrong[..bench.wrong.len().min(20)]);
    bench
}

#[test]
fn damage_to_any_record_is_corrupt_or_changes_nothing() {
    let medium = SimMedium::new();
    // `d/small` is kept apart.
    let options = tiny(64, 64 << 10).small_contents(64);
    plant(&medium, &options);
    let bench = run(Bench::new(&medium, options, true), true);
    let kinds: BTreeSet<&str> = bench.counts.keys().map(|(kind, _)| *kind).collect();
    for kind in ["superblock", "inode", "entry", "node", "block"] {
        assert!(kinds.contains(kind), "there is no {kind} in {kinds:?}");
    }
    println!("{} damages, {} records", bench.total(), bench.records.len());
    for ((kind, how), count) in &bench.counts {
        // What a record's own bytes say is checked; that a name is gone whose record is gone cannot be.
        assert!(count.missing == 0 || *kind == "entry" && ["a removal", "a key's byte"].contains(how), "{how} of {kind}: {count:?}");
    }
}

#[test]
fn damage_to_pending_records_loses_nothing_that_was_synced() {
    let options = tiny(64, 2048).small_contents(64);
    let medium = plant_pending(&options);
    let bench = run(Bench::new(&medium, options, false), false);
    let kinds: BTreeSet<&str> = bench.counts.keys().map(|(kind, _)| *kind).collect();
    for kind in ["pending: spill", "pending: shadow"] {
        assert!(kinds.contains(kind), "there is no {kind} in {kinds:?}");
    }
    println!("{} damages, {} records", bench.total(), bench.records.len());
}

//! What must not grow: memory with the size of a sync, opening with what is stored, what is stored with what was there once.

use anystorage_api::{Error, OpenOptions, StorageBackend, StoragePath};
use anystorage_conformance::durability_model::{DurabilityModel, Node, Promise, Tree};
use anystorage_conformance::simdisk::Rng;
use anystorage_conformance::workload::Workload;
use anystorage_kv::testing::{Outcome, SimMedium};
use anystorage_kv::{Commit, KvOptions};
use futures_lite::future::block_on;

use crate::{observe, open, tiny};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// Block and memory as in use, so that opening is what it is for users.
fn usual() -> KvOptions {
    tiny(16 << 10, 8 << 20)
}

/// A location with so many files, in directories of 1,000.
fn with_files(count: usize) -> SimMedium {
    let medium = SimMedium::new();
    let backend = open(&medium, &usual()).unwrap();
    block_on(async {
        for number in 0..count {
            if number % 1000 == 0 {
                backend.create_dir(&path(&format!("{}", number / 1000))).await?;
            }
            backend.write(&path(&format!("{}/{number}", number / 1000)), &[7; 40]).await?;
        }
        backend.sync().await?;
        // Nothing pending is left for the opening to do.
        backend.sync().await?;
        backend.close().await
    })
    .unwrap();
    medium.cut(Outcome::Everything)
}

#[test]
fn opening_asks_as_little_of_a_large_location_as_of_a_small_one() {
    let calls = |count| {
        let medium = with_files(count);
        let backend = open(&medium, &usual()).unwrap();
        let opening = (medium.gets(), medium.scans(), medium.commits());
        block_on(backend.read(&path(&format!("0/{}", count.min(1000) / 2)))).unwrap();
        let reading = (medium.gets(), medium.scans(), medium.commits());
        (medium.records().len(), opening, reading)
    };
    let (small, large) = (calls(100), calls(100_000));
    println!("{} records: opened with {:?} gets, scans, commits, one file read with {:?}", small.0, small.1, small.2);
    println!("{} records: opened with {:?}, one file read with {:?}", large.0, large.1, large.2);
    assert!(large.0 > 300_000, "{}", large.0);
    assert_eq!((small.1, small.2), (large.1, large.2));
    assert!(small.1.0 + small.1.1 < 10, "{small:?}");
}

/// Memory itself is measured elsewhere. Here: no commit is larger than what may be in memory, however much is synced.
#[test]
fn no_commit_is_larger_than_memory_may_be() {
    const MEMORY: usize = 64 << 10;
    let largest = |files: u64, bytes: usize, name: &str, sync_each: bool| {
        let medium = SimMedium::new();
        let backend = open(&medium, &tiny(1 << 10, MEMORY)).unwrap();
        block_on(async {
            for number in 0..files {
                let file = backend.open(&path(&format!("{name}{number}")), &OpenOptions::editing()).await?;
                for at in (0..bytes).step_by(7 << 10) {
                    file.write_at(at as u64, &vec![number as u8 | 1; (7 << 10).min(bytes - at)]).await?;
                }
                if sync_each {
                    file.sync().await?;
                }
            }
            backend.sync().await?;
            for number in 0..files {
                backend.rename(&path(&format!("{name}{number}")), &path(&format!("moved {number}"))).await?;
            }
            backend.sync().await?;
            for number in 0..files {
                backend.remove_file(&path(&format!("moved {number}"))).await?;
            }
            backend.sync().await
        })
        .unwrap();
        let log = medium.log();
        let largest = log.iter().max_by_key(|commit| commit.bytes).copied().unwrap();
        let relaxed = log.iter().filter(|commit| commit.durability == Commit::Relaxed).count();
        println!("{files} files of {bytes} bytes: {} commits, {relaxed} relaxed, the largest: {largest}", log.len());
        (largest.bytes, relaxed)
    };
    let long = "a name that is rather long, as names of files often are when somebody who likes to write gives them ";
    for (files, bytes, name, sync_each) in
        [(1, 4 << 20, "large", true), (1, 4 << 20, "large", false), (3_000, 0, long, false), (300, 9_000, "", false)]
    {
        let (largest, relaxed) = largest(files, bytes, name, sync_each);
        assert!(relaxed > 20, "{relaxed}");
        assert!(largest <= 2 * MEMORY, "{largest}");
    }
}

/// Cuts leave spilled blocks, half deleted files and shadows behind. All of it goes.
#[test]
fn nothing_is_left_of_what_was_removed_after_many_cuts() {
    let seed = crate::seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let mut rng = Rng::new(seed);
    let mut most = 0;
    for _ in 0..20 {
        let options = tiny(128, 1536);
        let mut medium = SimMedium::new();
        let mut tree = Tree::new();
        for _ in 0..8 {
            medium.stop_before(usize::try_from(rng.below(60)).unwrap());
            if let Ok(backend) = open(&medium, &options) {
                let mut model = DurabilityModel::holding(Promise::AtomicSync, &tree);
                let _ = block_on(Workload::new(rng.bits(), 60).play(&backend, &mut model));
            }
            medium = medium.cut(Outcome::Random(rng.bits()));
            tree = observe(&medium, &options).unwrap();
            medium = medium.cut(Outcome::Random(rng.bits()));
        }
        most = most.max(medium.records().len());
        let backend = open(&medium, &options).unwrap();
        block_on(async {
            let mut all: Vec<_> = tree.iter().collect();
            all.reverse();
            for (path, node) in all {
                match node {
                    Node::Directory => backend.remove_dir(path).await?,
                    Node::File(_) => backend.remove_file(path).await?,
                }
            }
            for _ in 0..2 {
                backend.create_dir(&path("last")).await?;
                backend.sync().await?;
                backend.remove_dir(&path("last")).await?;
                backend.sync().await?;
            }
            Ok::<(), Error>(())
        })
        .unwrap();
        let left: Vec<Vec<u8>> = medium.records().into_keys().collect();
        assert_eq!(left.len(), 2, "the superblock and the root, and nothing else: {left:02x?}");
    }
    println!("of at most {most} records");
    assert!(most > 50, "{most}");
}

//! A database over the key-value engine, over a simulated store whose power is cut at every commit.
//!
//! The failure that is feared: a transaction of which redb said that it is durable is gone after a power cut, or one is there by half.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;

use anystorage_api::{Blocking, Durability};
use anystorage_conformance::simdisk::{Rng, Survey, Sweep};
use anystorage_databases::records::{commit, commits};
use anystorage_kv::testing::{SimMedium, SimStore};
use anystorage_kv::{KvBackend, KvOptions};
use anystorage_redb_face::{DatabaseFile, Databases};
use futures_lite::future::block_on;
use redb::StorageBackend;

use crate::{create, path};

const FEWEST_STATES: u64 = 2_000;

fn on(medium: &SimMedium) -> anystorage_api::Result<Databases<KvBackend<SimStore>>> {
    let options = KvOptions::new().durability(Durability::PowerLoss).immediate(true).salt(7);
    // So little that most of a transaction goes to the store before it is synced.
    let options = options.block_size(4096).dirty_bytes(32 << 10).cache_bytes(64 << 10);
    Databases::on(Blocking::new(block_on(KvBackend::open(medium.open()?, options))?)?)
}

/// Commits until it is done or the power is off; how many commits were acknowledged.
fn play(medium: &SimMedium, first: u64, count: u64, wrap: impl Fn(DatabaseFile) -> Box<dyn StorageBackend>) -> u64 {
    let mut made = first - 1;
    let outcome = (|| {
        let database = create(Wrapped(wrap(on(medium)?.open(&path("db"))?)))?;
        for number in first..first + count {
            commit(&database, number)?;
            made = number;
        }
        // A process that is gone closes nothing.
        std::mem::forget(database);
        anystorage_databases::Outcome::Ok(())
    })();
    assert!(outcome.is_ok() || medium.is_off(), "{outcome:?}");
    made
}

/// At least what was acknowledged, and at most one more.
fn check(medium: &SimMedium, acknowledged: u64) -> Result<(), String> {
    let count = (|| commits(&create(on(medium)?.open(&path("db"))?)?))();
    match count {
        Ok(count) if (acknowledged..=acknowledged + 1).contains(&count) => Ok(()),
        Ok(count) => Err(format!("{count} commits, where {acknowledged} were acknowledged")),
        Err(error) => Err(format!("after {acknowledged} commits: {error}")),
    }
}

fn sweep(seed: u64, wrap: fn(DatabaseFile) -> Box<dyn StorageBackend>) -> Result<Survey, String> {
    // A database with some commits, and a load on top.
    let first = 1 + seed % 5;
    let image = SimMedium::new();
    play(&image, 1, first - 1, wrap);
    let prepare = || image.cut(anystorage_kv::testing::Outcome::Everything);
    Sweep::new(seed)
        .run(prepare, |medium| play(medium, first, 12, wrap), |medium, made| check(medium, *made))
        .map_err(|why| why.to_string())
}

#[test]
fn acknowledged_commits_survive_every_cut_whole() {
    let first = seed();
    println!("ANYSTORAGE_SEED={first} repeats this run");
    let mut seeds = Rng::new(first);
    let mut total = Survey::default();
    while total.states < FEWEST_STATES {
        total += sweep(seeds.bits(), |file| Box::new(file)).unwrap_or_else(|failure| panic!("{failure}"));
    }
    println!("{} commits of the store, {} cuts, {} states", total.operations, total.positions, total.states);
}

#[test]
fn a_sync_that_is_left_out_shows() {
    let caught = (0..8).find_map(|seed| sweep(seed, |file| Box::new(Unsynced(file))).err());
    println!("{}", caught.expect("not caught"));
}

#[derive(Debug)]
struct Wrapped(Box<dyn StorageBackend>);

#[derive(Debug)]
struct Unsynced(DatabaseFile);

macro_rules! forwarded {
    ($($kind:ident $sync:expr;)*) => {
        $(impl StorageBackend for $kind {
            fn len(&self) -> io::Result<u64> {
                self.0.len()
            }

            fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
                self.0.read(offset, out)
            }

            fn set_len(&self, len: u64) -> io::Result<()> {
                self.0.set_len(len)
            }

            fn sync_data(&self) -> io::Result<()> {
                let sync: fn(&Self) -> io::Result<()> = $sync;
                sync(self)
            }

            fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
                self.0.write(offset, data)
            }

            fn close(&self) -> io::Result<()> {
                self.0.close()
            }
        })*
    };
}

forwarded! {
    Wrapped |file| file.0.sync_data();
    Unsynced |_| Ok(());
}

/// `ANYSTORAGE_SEED`, or another one each time.
fn seed() -> u64 {
    match std::env::var("ANYSTORAGE_SEED") {
        Ok(text) => text.parse().expect("ANYSTORAGE_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

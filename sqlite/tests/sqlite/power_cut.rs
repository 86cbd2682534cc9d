//! SQLite over the real engines over simulated disks, with the power cut at every operation: the database is sound, every acknowledged
//! commit is there, and none is half there. With flushes that do nothing, some cut shows it.
//!
//! `ANYSTORAGE_SQLITE_STATES` sets how many states are checked at least for each engine and journal (300; of the pool 1,250),
//! `ANYSTORAGE_SQLITE_TRANSACTIONS` how many transactions are cut, `ANYSTORAGE_SEED` repeats a run, but for the random numbers that SQLite puts
//! into its journals.

use std::hash::{BuildHasher, Hasher, RandomState};

use anystorage_api::StorageBackend;
use anystorage_conformance::simdisk::{Call, Medium, Operation, Outcome, Rng, SimDisk, Survey, Sweep};
use anystorage_databases::ledger::Ledger;
use anystorage_kv::testing::SimMedium;
use anystorage_kv::{KvBackend, KvOptions};
use anystorage_native::files::FilesBackend;
use anystorage_sqlite::Journal;
use futures_lite::future::block_on;

use crate::engines::{number, settings, vfs};

#[path = "../../../backend-native/tests/power_cut/host.rs"]
mod host;
#[path = "../../../backend-pool/tests/pool/disk.rs"]
#[allow(dead_code, reason = "what damages it is for the tests of the pool")]
mod pool;

pub(crate) use host::SimHost;

const JOURNALS: [Journal; 4] = [Journal::Wal, Journal::Delete, Journal::Truncate, Journal::Persist];

/// `ANYSTORAGE_SEED`, or another one each time; printed.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("ANYSTORAGE_SEED") {
        Ok(text) => text.parse().expect("ANYSTORAGE_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    seed
}

/// What the workload knows when the power goes off.
#[derive(Clone, Copy, Debug)]
struct Known {
    acknowledged: u64,
    begun: u64,
}

/// A medium on which an engine is opened.
trait Host: Medium + Clone {
    fn engine(&self) -> anystorage_api::Result<Box<dyn StorageBackend>>;
    fn is_off(&self) -> bool;
}

impl Host for SimDisk {
    fn engine(&self) -> anystorage_api::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(FilesBackend::over(SimHost(self.clone()))))
    }
    fn is_off(&self) -> bool {
        self.is_off()
    }
}

impl Host for SimMedium {
    /// With memory for less than a large transaction, so that some are spilled.
    fn engine(&self) -> anystorage_api::Result<Box<dyn StorageBackend>> {
        let options = KvOptions::new().durability(anystorage_api::Durability::PowerLoss).immediate(true).salt(7);
        let options = options.block_size(4096).dirty_bytes(24 << 10).cache_bytes(64 << 10);
        Ok(Box::new(block_on(KvBackend::open(self.open()?, options))?))
    }
    fn is_off(&self) -> bool {
        self.is_off()
    }
}

/// A disk with a pool on it, which has a file for the database, its journal, and some that wait for the table.
#[derive(Clone)]
struct PoolDisk(SimDisk);

impl PoolDisk {
    const FILES: usize = 6;

    fn new() -> Self {
        Self(SimDisk::new())
    }
}

impl Medium for PoolDisk {
    type Outcome = Outcome;
    type Operation = Operation;

    fn log(&self) -> Vec<Operation> {
        self.0.log()
    }
    fn operations(&self) -> usize {
        self.0.operations()
    }
    fn stop_before(&self, operation: usize) {
        self.0.stop_before(operation);
    }
    fn outcomes(&self, seeds: &[u64]) -> Vec<Outcome> {
        self.0.outcomes(seeds)
    }
    fn cut(&self, outcome: Outcome) -> Self {
        Self(self.0.cut(outcome))
    }
}

impl Host for PoolDisk {
    fn engine(&self) -> anystorage_api::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(pool::Disk::of(self.0.clone(), Self::FILES).open()?))
    }
    fn is_off(&self) -> bool {
        self.0.is_off()
    }
}

/// Opens the database, which has `before` transactions, and commits so many transactions more, until the power is off.
fn play(medium: &impl Host, journal: Journal, before: u64, transactions: u64) -> Known {
    let mut known = Known { acknowledged: before, begun: before };
    let engine = match medium.engine() {
        Ok(engine) => engine,
        Err(error) => {
            assert!(medium.is_off(), "{error}");
            return known;
        }
    };
    let vfs = vfs(engine);
    let played = (|| {
        let mut ledger = Ledger::open(&vfs, &settings(journal))?;
        assert_eq!(ledger.committed()?, before, "{journal:?}");
        for number in before + 1..=before + transactions {
            known.begun = number;
            ledger.commit(number)?;
            known.acknowledged = number;
        }
        // Closing plays the log back and removes it.
        ledger.close()
    })();
    assert!(played.is_ok() || medium.is_off(), "{journal:?}: {played:?}, {:?}", vfs.last_error());
    vfs.unregister().unwrap();
    known
}

/// Whether what the cut left is what was promised, and whether one can go on with it.
fn check(medium: &impl Host, journal: Journal, known: &Known) -> Result<(), String> {
    let vfs = vfs(medium.engine().map_err(|error| format!("the engine does not open: {error}"))?);
    let outcome = (|| {
        let told = |error: rusqlite::Error| format!("{error}, {:?}", vfs.last_error());
        let mut ledger = Ledger::open(&vfs, &settings(journal)).map_err(told)?;
        let found = ledger.check().map_err(|error| error.to_string())?;
        if found < known.acknowledged {
            return Err(format!("{} transactions were acknowledged, and {found} are there", known.acknowledged));
        }
        if found > known.begun {
            return Err(format!("{} transactions were begun, and {found} are there", known.begun));
        }
        ledger.commit(found + 1).map_err(told)?;
        ledger.check().map(drop).map_err(|error| error.to_string())
    })();
    drop(vfs.unregister());
    outcome
}

/// Transactions that are there when the sweep begins.
const BEFORE: u64 = 2;

/// Transactions of the sweep.
fn transactions() -> u64 {
    number("ANYSTORAGE_SQLITE_TRANSACTIONS", 3)
}

/// Sweeps over a few transactions on a database that has some already.
fn sweep<M: Host>(
    new: impl Fn() -> M,
    everything: M::Outcome,
    journal: Journal,
    sweep: Sweep,
    configure: impl Fn(&M),
) -> Result<Survey, String> {
    let image = new();
    play(&image, journal, 0, BEFORE);
    let prepare = || {
        let medium = image.cut(everything);
        configure(&medium);
        medium
    };
    let swept = sweep.run(prepare, |medium| play(medium, journal, BEFORE, transactions()), |medium, known| check(medium, journal, known));
    swept.map_err(|failure| failure.to_string())
}

/// As many sweeps as give the states that are wanted.
fn survives<M: Host>(engine: &str, new: impl Fn() -> M + Copy, everything: M::Outcome, fewest: u64) {
    let states = number("ANYSTORAGE_SQLITE_STATES", fewest);
    let mut seeds = Rng::new(seed());
    for journal in JOURNALS {
        let mut total = Survey::default();
        while total.states < states {
            let one = Sweep::new(seeds.bits()).random_outcomes(1);
            total += sweep(new, everything, journal, one, |_| {}).unwrap_or_else(|reason| panic!("{engine}, {journal:?}: {reason}"));
        }
        println!("{engine}, {}: {} operations, {} cuts, {} states", journal.as_str(), total.operations, total.positions, total.states);
    }
}

/// With TRUNCATE some cuts, few of thousands, left half of a transaction: SQLite commits by cutting its journal, and a journal that was found
/// half cut was rolled back as far as it went.
#[test]
fn a_journal_is_over_before_it_is_cut() {
    let disk = SimDisk::new();
    play(&disk, Journal::Truncate, 0, 3);
    let log = disk.log();
    let cuts: Vec<usize> = (0..log.len()).filter(|at| log[*at].call == Call::SetLen && log[*at].path.ends_with("-journal")).collect();
    assert!(cuts.len() >= 3, "{log:?}");
    for at in cuts {
        let before: Vec<Call> =
            log[at - 2..at].iter().filter(|operation| operation.path == log[at].path).map(|operation| operation.call).collect();
        assert_eq!(before, [Call::Write, Call::SyncFile], "{:?}", &log[at - 2..=at]);
    }
}

#[test]
fn every_cut_of_files_leaves_a_sound_database_with_every_commit() {
    survives("files", SimDisk::new, Outcome::Everything, 300);
}

/// What a cut tears there is the table of names, too, and files that a name is about to lead to, which had another one before.
#[test]
fn every_cut_of_a_pool_leaves_a_sound_database_with_every_commit() {
    survives("pool", PoolDisk::new, Outcome::Everything, 1_250);
}

/// With WAL every commit was lost: see `a_journal_that_was_removed_stays_away_from_what_is_committed_after_it`.
#[test]
fn every_cut_of_a_store_leaves_a_sound_database_with_every_commit() {
    survives("kv", SimMedium::new, anystorage_kv::testing::Outcome::Everything, 300);
}

#[test]
fn flushes_that_do_nothing_are_found() {
    for journal in JOURNALS {
        let files = sweep(SimDisk::new, Outcome::Everything, journal, Sweep::new(1).random_outcomes(1), |disk| {
            disk.leave_out_syncs(|call| call.operation.call == Call::SyncFile);
        });
        println!("files, {}: {}", journal.as_str(), files.expect_err("not caught").lines().next().unwrap());
        let pool = sweep(PoolDisk::new, Outcome::Everything, journal, Sweep::new(1).random_outcomes(1), |disk| {
            disk.0.leave_out_syncs(|call| call.operation.call == Call::SyncFile);
        });
        println!("pool, {}: {}", journal.as_str(), pool.expect_err("not caught").lines().next().unwrap());
        let everything = anystorage_kv::testing::Outcome::Everything;
        let kv = sweep(SimMedium::new, everything, journal, Sweep::new(1).random_outcomes(1), |medium| medium.relax(|_, _| true));
        println!("kv, {}: {}", journal.as_str(), kv.expect_err("not caught").lines().next().unwrap());
    }
}

//! Every persistence case across a process that ends and across a SIGKILL, every case of a full disk on a tmpfs, and SIGKILL in the middle
//! of a mixed load, again and again.
//!
//! `ANYSTORAGE_KILL_SEED` repeats a load, `ANYSTORAGE_KILLS` sets another number of kills. `--nocapture` shows the counts.

use std::fmt::Debug;
use std::path::Path;
use std::str::FromStr;

use anystorage_api::{Result, StorageBackend};
use anystorage_conformance::kill_loop::{KillLoop, Phase};
use anystorage_conformance::process::{Processes, run_child_if_asked};
use anystorage_conformance::table;
use anystorage_native::redb::{self, RedbOptions};
use futures_lite::future::block_on;

use crate::process_cases;
use crate::unsynced::{self, Unsynced};

/// Where children begin.
#[test]
fn child_entry() {
    run_child_if_asked(|address| async move { open(&address) });
}

#[test]
fn persistence_cases_hold_across_processes_and_kills() {
    process_cases::persistence_cases_hold(&processes(), &table::REDB, |directory| address("redb", directory, 0));
}

#[test]
fn cases_of_a_full_disk_hold_in_a_small_place() {
    process_cases::full_disk_cases_hold(&processes(), &table::REDB);
}

#[test]
fn kills_lose_nothing_that_was_synced_and_leave_every_file_at_a_sync() {
    let kills = from_environment("ANYSTORAGE_KILLS", 200);
    let here = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let report = kill_loop().kills(kills).run(|number| address("redb", here.path(), number)).unwrap();
    println!("{report}");
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.kills, kills);
    assert_eq!(Phase::ALL.map(|phase| report.by_phase.of(phase)).iter().sum::<u32>(), kills);
    assert!(report.percent(Phase::Sync) >= 30.0, "too few kills hit a sync; are its files on a disk that has to be waited for? {report}");
    assert!(report.by_phase.write > 0 && report.bytes_compared > 0 && report.syncs > 0, "{report}");
}

/// Durable commits that are made relaxed are lost with the process.
#[test]
fn a_store_whose_durable_commits_are_relaxed_is_found() {
    let here = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let report = kill_loop().kills(600).until_violation().run(|number| address("unsynced", here.path(), number)).unwrap();
    println!("{report}");
    let violation = report.violations.first().unwrap_or_else(|| panic!("not found in {} kills", report.kills));
    assert!(violation.line.is_some_and(|line| [1, 2, 3, 4].contains(&line)), "found something else: {violation}");
}

fn kill_loop() -> KillLoop {
    KillLoop::new(processes(), |address| async move { open(&address) }).seed(from_environment("ANYSTORAGE_KILL_SEED", 0x5eed))
}

fn processes() -> Processes {
    let small = |directory: &Path| address("redb", directory, 0);
    Processes::this_test_program("processes::child_entry").unwrap().with_small_places(small)
}

fn address(engine: &str, directory: &Path, number: u32) -> String {
    format!("{engine}:{}/{number}/location", directory.to_str().unwrap())
}

/// Opens an address: the engine, a colon and the file.
fn open(address: &str) -> Result<Box<dyn StorageBackend>> {
    let (engine, file) = address.split_once(':').unwrap();
    Ok(match engine {
        "unsynced" => Box::new(unsynced::open(file)?),
        _ => Box::new(redb::open(file, &RedbOptions::new())?),
    })
}

fn from_environment<T: FromStr<Err: Debug>>(name: &str, otherwise: T) -> T {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Kept apart from the kills: without a flush there is nothing that strace could count, either.
#[test]
fn a_store_whose_durable_commits_are_relaxed_asks_for_no_flush() {
    let directory = tempfile::tempdir().unwrap();
    let switch = anystorage_native::faults::FlushSwitch::default();
    let store = Unsynced::new(directory.path().join("location"), &switch);
    let flushes = |switch: &anystorage_native::faults::FlushSwitch, backend: &dyn StorageBackend| {
        let before = switch.asked();
        block_on(async {
            backend.write(&crate::support::path("f"), &[7; 1000]).await.unwrap();
            backend.sync().await.unwrap();
        });
        switch.asked() - before
    };
    let broken = unsynced::over(store).unwrap();
    assert_eq!(flushes(&switch, &broken), 0);
    let switch = anystorage_native::faults::FlushSwitch::default();
    let right = redb::open_with_switch(directory.path().join("right"), &RedbOptions::new(), &switch).unwrap();
    assert_eq!(flushes(&switch, &right), 2);
}

//! Every persistence case behind a mirror across a process that ends and across a SIGKILL, every case of a full disk on a tmpfs, and SIGKILL
//! in the middle of a mixed load, again and again: over files, where a write-back can be cut anywhere, and over redb, where it is one point.
//!
//! `ANYSTORAGE_KILL_SEED` repeats a load, `ANYSTORAGE_KILLS` sets another number of kills. `--nocapture` shows the counts.

use std::fmt::Debug;
use std::path::Path;
use std::str::FromStr;

use anystorage_api::{Capabilities, Result, StorageBackend};
use anystorage_conformance::case::{Case, Need, Run};
use anystorage_conformance::crossing::Elsewhere;
use anystorage_conformance::kill_loop::{KillLoop, Phase};
use anystorage_conformance::process::{Processes, run_child_if_asked};
use anystorage_conformance::suite::SMALL_BYTES;
use anystorage_conformance::{list, table};
use anystorage_layers::{Mirror, MirrorOptions};
use anystorage_native::files::FilesBackend;
use anystorage_native::redb::{self, RedbOptions};
use futures_lite::future::block_on;

use crate::lying::Lying;

/// Where children begin.
#[test]
fn child_entry() {
    run_child_if_asked(|address| async move { open(&address).await });
}

#[test]
fn persistence_cases_hold_over_files_across_processes_and_kills() {
    persistence_cases_hold("files", &table::FILES);
}

#[test]
fn persistence_cases_hold_over_redb_across_processes_and_kills() {
    persistence_cases_hold("redb", &table::REDB);
}

fn persistence_cases_hold(engine: &str, offered: &Capabilities) {
    let (mut runs, mut failures) = (0, Vec::new());
    for case in cases(offered).filter(|case| matches!(case.run, Run::Persistence { .. }) && !case.needs.contains(&Need::SmallPlace)) {
        for crossing in processes(engine).crossings() {
            let root = tempfile::tempdir().unwrap();
            let address = address(engine, root.path(), 0);
            let verdict = block_on(async {
                let carry = processes(engine).before(*crossing, case, &address).await?;
                processes(engine).after(*crossing, case, &address, &carry).await
            });
            runs += 1;
            failures.extend(verdict.err().map(|broken| format!("{}@{}: {broken}", case.name, crossing.as_str())));
        }
    }
    println!("{engine}: {runs} runs of persistence cases, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(runs > 0);
}

#[test]
fn cases_of_a_full_disk_hold_in_a_small_place() {
    for (engine, offered) in [("files", table::FILES), ("redb", table::REDB)] {
        let (mut runs, mut failures) = (0, Vec::new());
        for case in cases(&offered).filter(|case| case.needs.contains(&Need::SmallPlace)) {
            runs += 1;
            let verdict = block_on(processes(engine).in_small_place(case, SMALL_BYTES));
            failures.extend(verdict.err().map(|broken| format!("{}: {broken}", case.name)));
        }
        println!("{engine}: {runs} cases of a full disk, {} failed", failures.len());
        assert!(failures.is_empty(), "{engine}: {}", failures.join("\n"));
        assert!(runs > 0);
    }
}

#[test]
fn kills_lose_nothing_that_was_synced_to_files() {
    kills_lose_nothing("files");
}

#[test]
fn kills_lose_nothing_that_was_synced_to_redb_and_leave_every_file_at_a_sync() {
    kills_lose_nothing("redb");
}

fn kills_lose_nothing(engine: &str) {
    let kills = from_environment("ANYSTORAGE_KILLS", 100);
    let here = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let report = kill_loop().kills(kills).run(|number| address(engine, here.path(), number)).unwrap();
    println!("{engine}: {report}");
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.kills, kills);
    assert!(report.percent(Phase::Sync) >= 30.0, "too few kills hit a sync; are its files on a disk that has to be waited for? {report}");
    assert!(report.bytes_compared > 0 && report.syncs > 0, "{report}");
}

/// A mirror whose syncs write nothing back loses everything with the process.
#[test]
fn a_mirror_that_writes_nothing_back_is_found() {
    let here = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let report = kill_loop().kills(600).until_violation().run(|number| address("lying", here.path(), number)).unwrap();
    println!("{report}");
    let violation = report.violations.into_iter().next().expect("it was not found");
    assert!(violation.line.is_some_and(|line| [1, 2, 4].contains(&line)), "found something else: {violation}");
}

fn kill_loop() -> KillLoop {
    let processes = Processes::this_test_program("processes::child_entry").unwrap();
    KillLoop::new(processes, |address| async move { open(&address).await }).seed(from_environment("ANYSTORAGE_KILL_SEED", 0x5eed))
}

fn processes(engine: &str) -> Processes {
    let engine = engine.to_owned();
    Processes::this_test_program("processes::child_entry").unwrap().with_small_places(move |directory| address(&engine, directory, 0))
}

fn address(engine: &str, directory: &Path, number: u32) -> String {
    format!("{engine}:{}/{number}", directory.to_str().unwrap())
}

/// Opens an address: the engine, a colon and where it is.
async fn open(address: &str) -> Result<Box<dyn StorageBackend>> {
    let (engine, root) = address.split_once(':').unwrap();
    let below: Box<dyn StorageBackend> = match engine {
        "redb" => Box::new(redb::open(root, &RedbOptions::new())?),
        _ => Box::new(FilesBackend::open(root)?),
    };
    let mirror: Box<dyn StorageBackend> = Box::new(Mirror::open(below, MirrorOptions::new()).await?);
    Ok(if engine == "lying" { Box::new(Lying(mirror)) } else { mirror })
}

fn cases(offered: &Capabilities) -> impl Iterator<Item = &'static Case> {
    list::cases().iter().filter(move |case| case.needs.iter().all(|need| need.met_by(offered) != Some(false)))
}

fn from_environment<T: FromStr<Err: Debug>>(name: &str, otherwise: T) -> T {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

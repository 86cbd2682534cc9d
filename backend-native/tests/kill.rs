//! SIGKILL in the middle of a mixed load on files, again and again: nothing synced is lost, and what was not synced is there, old, new or
//! torn, and nothing else (contract lines 1, 2, 4 and 7). And the same loop over engines with a known flaw, which it has to find.
//!
//! `ANYSTORAGE_KILL_SEED` repeats a load, `ANYSTORAGE_KILLS` sets another number of kills. `--nocapture` shows the counts.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod broken;

use std::fmt::Debug;
use std::path::Path;
use std::str::FromStr;

use anystorage_api::{Result, StorageBackend};
use anystorage_conformance::kill_loop::{KillLoop, KillViolation, Phase};
use anystorage_conformance::process::{Processes, run_child_if_asked};
use anystorage_native::files::FilesBackend;
use broken::{BrokenFiles, Flaw};
use tempfile::TempDir;

/// Where children begin.
#[test]
fn child_entry() {
    run_child_if_asked(|address| async move { open(&address) });
}

#[test]
fn files_lose_nothing_that_was_synced() {
    let kills = from_environment("ANYSTORAGE_KILLS", 200);
    let here = directory();
    let report = kill_loop().kills(kills).run(|number| address("files", here.path(), number)).unwrap();
    println!("{report}");
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.kills, kills);
    assert_eq!(Phase::ALL.map(|phase| report.by_phase.of(phase)).iter().sum::<u32>(), kills);
    assert!(report.percent(Phase::Sync) >= 30.0, "too few kills hit a sync; are its files on a disk that has to be waited for? {report}");
    assert!(report.by_phase.write > 0 && report.bytes_compared > 0 && report.syncs > 0, "{report}");
}

/// A sync that acknowledges what is still in the memory of the process loses it with the process.
#[test]
fn a_sync_that_lies_is_found() {
    assert_found(Flaw::LyingSync, &[1, 2, 4]);
}

/// A whole-file write that truncates and writes in place leaves half a file.
#[test]
fn a_write_in_place_is_found() {
    assert_found(Flaw::WriteInPlace, &[4]);
}

/// A rename that removes what it replaces before it renames leaves neither.
#[test]
fn a_rename_that_removes_first_is_found() {
    assert_found(Flaw::RemovingRename, &[4]);
}

/// A lock that is a file stays when its holder is killed.
#[test]
fn a_lock_that_outlives_its_holder_is_found() {
    assert_found(Flaw::LockFile, &[7]);
}

/// An operation that fails although it must succeed is no kill, and a broken promise all the same; a crash too.
#[test]
fn what_fails_or_crashes_under_the_load_is_found() {
    for (flaw, told) in [(Flaw::FailingRename, "input/output error"), (Flaw::PanickingRename, "this rename panics")] {
        let violation = first_violation(flaw);
        assert_eq!(violation.line, None, "{violation}");
        assert!(violation.text.contains(told), "{violation}");
    }
}

fn assert_found(flaw: Flaw, lines: &[u8]) {
    let violation = first_violation(flaw);
    assert!(violation.line.is_some_and(|line| lines.contains(&line)), "found something else: {violation}");
}

fn first_violation(flaw: Flaw) -> KillViolation {
    let here = directory();
    let report = kill_loop().kills(600).until_violation().run(|number| address(flaw.as_str(), here.path(), number)).unwrap();
    println!("{}: {report}", flaw.as_str());
    report.violations.into_iter().next().unwrap_or_else(|| panic!("{} was not found in {} kills", flaw.as_str(), report.kills))
}

fn kill_loop() -> KillLoop {
    let processes = Processes::this_test_program("child_entry").unwrap();
    KillLoop::new(processes, |address| async move { open(&address) }).seed(from_environment("ANYSTORAGE_KILL_SEED", 0x5eed))
}

/// Where the build is, and so on a disk: in memory, where temporary files often are, no sync lasts long enough to be hit.
fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn address(engine: &str, directory: &Path, number: u32) -> String {
    format!("{engine}:{}/{number}", directory.to_str().unwrap())
}

/// Opens an address: the engine, a colon and the root directory.
fn open(address: &str) -> Result<Box<dyn StorageBackend>> {
    let (engine, root) = address.split_once(':').unwrap();
    Ok(match Flaw::named(engine) {
        Some(flaw) => Box::new(BrokenFiles::open(Path::new(root), flaw)?),
        None => Box::new(FilesBackend::open(root)?),
    })
}

fn from_environment<T: FromStr<Err: Debug>>(name: &str, otherwise: T) -> T {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

//! Chromium's databases, of IndexedDB's records and of the names in OPFS, after a kill that came in the middle of a record, and when their bytes
//! are damaged.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser, Context};

use crate::world::{Page, Place, World, browser, compare, engines, label, write};

const IDB: Place = ("idb", Context::Worker);

/// The logs of LevelDB in a profile, below directories of this name, the newest last.
fn logs(directory: &Path, of: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(logs(&path, of));
        } else if path.extension().is_some_and(|ending| ending == "log") && path.components().any(|part| part.as_os_str() == of) {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

fn newest_log(profile: &Path) -> PathBuf {
    logs(profile, "IndexedDB").pop().expect("Chromium keeps IndexedDB in LevelDB")
}

/// Chromium keeps the names of OPFS in a LevelDB as well. What a process writes to its log behind a torn record is passed over by the next
/// one, as far as the block goes, unless something else is there first.
#[test]
fn names_that_come_after_one_that_a_kill_tore_are_there() {
    if browser() != Browser::Chromium {
        println!("{} has no LevelDB", browser().as_str());
        return;
    }
    for place in engines().filter(|(engine, _)| engine.starts_with("opfs")) {
        come_after_what_was_torn(place, None);
    }
}

/// Where there is no room for one long name, many short ones come first.
#[test]
fn so_are_they_in_an_origin_that_is_all_but_full() {
    if browser() != Browser::Chromium {
        println!("{} has no LevelDB", browser().as_str());
        return;
    }
    come_after_what_was_torn(("opfs", Context::Worker), Some(40_000));
}

/// Makes locations after kills that tore names. `room`, in bytes, is what the origin may take beside what it has when they are first opened.
fn come_after_what_was_torn(place: Place, room: Option<u64>) {
    // A new location, and names behind its own, to be torn.
    let make = |page: &Page, round: u64| {
        page.act(place, &label(place, &round.to_string()), &[write("first", 5000, round), Act::Sync]).unwrap();
        page.act(("opfs", Context::Worker), &format!("torn-{round}"), &[write("last", 5000, round), Act::Sync]).unwrap();
    };
    let mut world = World::new(Storage::Usual);
    make(&world.page(), 0);
    for round in 1..3 {
        world = world.killed_and_started_after(|profile| {
            let names = logs(profile, "Paths");
            assert_eq!(names.len(), 1, "the log of the origin's names: {names:?}");
            let before = format!("torn-{}", round - 1);
            let written = fs::read(&names[0]).unwrap();
            assert!(written.windows(before.len()).any(|part| part == before.as_bytes()), "{before} is not in {names:?}");
            tear(&names[0], 100);
        });
        let page = world.page();
        if let Some(room) = room {
            let taken = world.session.run("return navigator.storage.estimate().then(({ usage }) => usage);", &[]).unwrap();
            world.set_quota(taken.as_u64().unwrap() + room);
            let long = world.session.run(LONG_NAME, &[]).unwrap();
            assert_eq!(long, "QuotaExceededError", "there is room for a long name beside {taken} bytes");
            // What comes first comes at the first opening; files need more room.
            page.act(place, &label(place, &round.to_string()), &[]).unwrap();
            world.set_quota(1 << 30);
        }
        make(&page, round);
    }
    world = world.killed_and_started();
    let page = world.page();
    for round in 0..3 {
        page.act(place, &label(place, &round.to_string()), &[compare("first", 5000, round)]).unwrap();
    }
}

/// What becomes of a name that is longer than a block of the log.
const LONG_NAME: &str = r#"
    return navigator.storage.getDirectory()
        .then((root) => root.getFileHandle("x".repeat(33000), { create: true }).then(() => root.removeEntry("x".repeat(33000))))
        .then(() => "made", ({ name }) => name);
"#;

/// Takes the end of the last record away from a log, in which at least so many bytes are.
fn tear(log: &Path, least: u64) {
    let log = OpenOptions::new().write(true).open(log).unwrap();
    let len = log.metadata().unwrap().len();
    assert!(len > least, "what was written is in the newest log, which has {len} bytes");
    log.set_len(len - 5).unwrap();
}

/// The kernel may have written half of a record when the process ends. Chromium reads over that once, writes on behind it, and takes the
/// database for damaged the next time, unless it was made to begin another log meanwhile.
#[test]
fn a_record_that_a_kill_tore_costs_nothing_that_was_synced() {
    if browser() != Browser::Chromium {
        println!("{} has no LevelDB", browser().as_str());
        return;
    }
    let mut world = World::new(Storage::Usual);
    world.page().act(IDB, "torn", &[write("first", 5000, 1), Act::Sync, write("second", 5000, 2), Act::Sync]).unwrap();
    for round in 0..3 {
        world = world.killed_and_started_after(|profile| {
            tear(&newest_log(profile), 5000);
        });
        // Synced behind the record that was torn, and not cut: only its own last bytes are.
        let file = format!("round {round}");
        let synced = [compare("first", 5000, 1), write(&file, 5000, round), Act::Sync, write("last", 5000, 3), Act::Sync];
        world.page().act(IDB, "torn", &synced).unwrap();
    }
    world = world.killed_and_started();
    let kept: Vec<Act> = (0..3).map(|round| compare(&format!("round {round}"), 5000, round)).collect();
    world.page().act(IDB, "torn", &[compare("first", 5000, 1)]).unwrap();
    world.page().act(IDB, "torn", &kept).unwrap();
}

/// Chromium deletes a database that it finds damaged, and makes a new one as if there had been none. That is told, once.
#[test]
fn what_chromium_deleted_as_damaged_is_told() {
    if browser() != Browser::Chromium {
        println!("{} has no LevelDB", browser().as_str());
        return;
    }
    let mut world = World::new(Storage::Usual);
    world.page().act(IDB, "damaged", &[write("first", 5000, 1), Act::Sync, write("second", 5000, 2), Act::Sync]).unwrap();
    world = world.killed_and_started_after(|profile| {
        let log = newest_log(profile);
        let mut bytes = fs::read(&log).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&log, bytes).unwrap();
    });
    let page = world.page();
    let refusal = page.act(IDB, "damaged", &[]).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::Corrupt.as_str(), "{refusal:?}");
    assert!(refusal.text.contains("deleted"), "{refusal:?}");
    page.act(IDB, "damaged", &[write("first", 5000, 3), Act::Sync, compare("first", 5000, 3), Act::Close]).unwrap();
}

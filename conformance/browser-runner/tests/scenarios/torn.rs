//! Chromium's database of IndexedDB after a kill that came in the middle of a record, and when its bytes are damaged.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser, Context};

use crate::world::{Place, World, browser, compare, write};

const IDB: Place = ("idb", Context::Worker);

/// The logs of LevelDB in a profile, the newest last.
fn logs(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(logs(&path));
        } else if path.extension().is_some_and(|ending| ending == "log") && path.components().any(|part| part.as_os_str() == "IndexedDB") {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

fn newest_log(profile: &Path) -> PathBuf {
    logs(profile).pop().expect("Chromium keeps IndexedDB in LevelDB")
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
            let log = OpenOptions::new().write(true).open(newest_log(profile)).unwrap();
            let len = log.metadata().unwrap().len();
            assert!(len > 5000, "what was synced is in the newest log, which has {len} bytes");
            log.set_len(len - 5).unwrap();
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

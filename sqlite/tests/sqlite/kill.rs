//! SIGKILL in the middle of transactions, again and again: the database is sound, every acknowledged commit is there, and none is half
//! there. A kill does not lose the operating system's page cache: this proves recovery, and `power_cut` that a sync is one.
//!
//! `ANYSTORAGE_SQLITE_KILLS` sets how many kills there are for each engine and journal, `ANYSTORAGE_SEED` repeats when they come.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anystorage_conformance::simdisk::Rng;
use anystorage_databases::ledger::Ledger;
use anystorage_sqlite::Journal;

use crate::engines::{DURABLE, directory, number, open_engine, settings, vfs};
use crate::power_cut::seed;

/// Set in the process that is to be killed: engine, journal and directory.
const PART: &str = "ANYSTORAGE_SQLITE_VICTIM";

/// Where children begin. Each transaction is announced before it begins and after it has ended.
#[test]
fn child_entry() {
    let Ok(part) = std::env::var(PART) else { return };
    let (engine, rest) = part.split_once(':').unwrap();
    let (journal, place) = rest.split_once(':').unwrap();
    let journal = if journal == "wal" { Journal::Wal } else { Journal::Delete };
    let vfs = vfs(open_engine(engine, Path::new(place)));
    let mut ledger = Ledger::open(&vfs, &settings(journal)).unwrap();
    let say = |word: &str, number: u64| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "victim {word} {number}").unwrap();
        out.flush().unwrap();
    };
    for number in ledger.committed().unwrap() + 1.. {
        say("begins", number);
        ledger.commit(number).unwrap();
        say("committed", number);
    }
}

#[test]
fn a_kill_loses_no_commit_and_halves_none() {
    let kills = number("ANYSTORAGE_SQLITE_KILLS", 4);
    let mut rng = Rng::new(seed());
    for engine in DURABLE {
        for journal in [Journal::Wal, Journal::Delete] {
            let place = directory();
            let (mut within, mut commits) = (0, 0);
            for kill in 0..kills {
                let (begun, acknowledged) = killed(engine, journal, place.path(), &mut rng);
                within += u64::from(begun > acknowledged);
                // Half of the time a recovery is left to the next victim, which may be killed as it recovers.
                if kill % 2 == 0 || kill + 1 == kills {
                    let vfs = vfs(open_engine(engine, place.path()));
                    let mut ledger = Ledger::open(&vfs, &settings(journal)).unwrap();
                    let found = ledger.check().unwrap_or_else(|reason| panic!("{engine}, {journal:?}: {reason}"));
                    assert!(
                        (acknowledged..=begun.max(acknowledged)).contains(&found),
                        "{engine}, {journal:?}: {acknowledged} acknowledged, {found} found"
                    );
                    commits = found;
                    drop(ledger);
                    vfs.unregister().unwrap();
                }
            }
            println!("{engine}, {}: {kills} kills, {within} of them within a transaction, {commits} commits", journal.as_str());
            assert!(commits > 0 && within > 0, "{engine}, {journal:?}: no kill came at the right time");
        }
    }
}

/// Starts a child, kills it, and tells the last transaction that it began and the last that it committed.
fn killed(engine: &str, journal: Journal, place: &Path, rng: &mut Rng) -> (u64, u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["kill::child_entry", "--exact", "--nocapture", "--test-threads=1"])
        .env(PART, format!("{engine}:{}:{}", journal.as_str(), place.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut begun, mut committed) = (0, 0);
    let mut hear = |line: std::io::Result<String>| {
        let line = line.unwrap();
        let words: Vec<&str> = line.rsplit("victim ").next().unwrap().split(' ').collect();
        match words[..] {
            ["begins", number] => begun = number.parse().unwrap(),
            ["committed", number] => committed = number.parse().unwrap(),
            _ => return false,
        }
        true
    };
    let wanted = 1 + rng.below(60);
    let mut heard = 0;
    while heard < wanted {
        heard += u64::from(hear(lines.next().expect("the child ended by itself")));
    }
    thread::sleep(Duration::from_micros(rng.below(3_000)));
    child.kill().unwrap();
    // What it had written to the pipe before.
    for line in lines {
        hear(line);
    }
    child.wait().unwrap();
    (begun, committed)
}

//! A process that commits is killed, again and again.
//!
//! The failure that is feared: the next process finds a database that does not open, or in which an acknowledged commit is missing.
//! `ANYSTORAGE_KILLS` says how often for each engine; 10 if it is not set.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anystorage_api::{Blocking, StorageBackend};
use anystorage_conformance::simdisk::Rng;
use anystorage_databases::records::{commit, commits};
use anystorage_native::files::FilesBackend;
use anystorage_native::redb::{self as redb_engine, RedbOptions};
use anystorage_native::sled::{self as sled_engine, SledOptions};
use anystorage_redb_face::Databases;

use crate::{create, path};

const PLACE: &str = "ANYSTORAGE_TEST_PLACE";
const ENGINE: &str = "ANYSTORAGE_TEST_ENGINE";
const FIRST: &str = "first:";
const MADE: &str = "made:";

fn engine(name: &str, place: &Path) -> anystorage_api::Result<Blocking<Box<dyn StorageBackend>>> {
    Blocking::new(match name {
        "files" => Box::new(FilesBackend::open(place.join("files"))?) as Box<dyn StorageBackend>,
        "sled" => Box::new(sled_engine::open(place.join("sled"), &SledOptions::new())?),
        _ => Box::new(redb_engine::open(place.join("redb"), &RedbOptions::new())?),
    })
}

/// Run by itself in the child: commits until it is killed, and says so of each commit.
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn child() {
    let (Ok(name), Some(place)) = (std::env::var(ENGINE), std::env::var_os(PLACE)) else { return };
    let databases = Databases::on(engine(&name, Path::new(&place)).unwrap()).unwrap();
    let database = create(databases.open(&path("db")).unwrap()).unwrap();
    let found = commits(&database).unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\n{FIRST}{found}").unwrap();
    for number in found + 1.. {
        commit(&database, number).unwrap();
        writeln!(out, "{MADE}{number}").unwrap();
        out.flush().unwrap();
    }
}

fn killed(name: &str) {
    let kills: u32 = std::env::var("ANYSTORAGE_KILLS").map_or(10, |text| text.parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    let mut random = Rng::new(u64::from(std::process::id()));
    let mut acknowledged = 0;
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--ignored", "--nocapture"])
            .envs([(ENGINE, name.as_ref()), (PLACE, place.path().as_os_str())])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let found: u64 = lines.find_map(|line| line.strip_prefix(FIRST)?.parse().ok()).expect("the child found no database that opens");
        assert!((acknowledged..=acknowledged + 1).contains(&found), "{name}, kill {kill}: {found} commits of {acknowledged}");
        acknowledged = found;
        let more = random.below(12);
        let mut made = lines.filter_map(|line| line.strip_prefix(MADE)?.parse().ok());
        for _ in 0..more {
            acknowledged = made.next().unwrap();
        }
        // In the middle of the next commit, or wherever it is.
        std::thread::sleep(std::time::Duration::from_micros(random.below(2_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it was gone.
        acknowledged = made.last().unwrap_or(acknowledged);
    }
    let databases = Databases::on(engine(name, place.path()).unwrap()).unwrap();
    let mut database = create(databases.open_existing(&path("db")).unwrap()).unwrap();
    assert!(database.check_integrity().unwrap());
    let found = commits(&database).unwrap();
    assert!((acknowledged..=acknowledged + 1).contains(&found), "{name}: {found} commits of {acknowledged}");
    println!("{name}: {kills} kills, {acknowledged} commits acknowledged, all there");
}

#[test]
fn on_files() {
    killed("files");
}

#[test]
fn on_sled() {
    killed("sled");
}

#[test]
fn on_redb() {
    killed("redb");
}

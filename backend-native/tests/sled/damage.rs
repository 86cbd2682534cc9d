//! Flipped bits in sled's own files: what an opening and reading everything comes to, in a process of its own each time, since sled may
//! hang or abort.
//!
//! `ANYSTORAGE_SEED` repeats a run with other flips. `--nocapture` shows the counts.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anystorage_api::{ErrorKind, StorageBackend, StoragePath};
use anystorage_conformance::simdisk::Rng;
use anystorage_native::sled::{self, SledOptions};
use futures_lite::future::block_on;

use crate::own_process::{again, own_part};

/// How many flips are tried in each file.
const FLIPS: u64 = 100;

/// A process that says nothing for so long has hung.
const LONGEST: Duration = Duration::from_secs(20);

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// The bytes of a file in a version, so that an old one is told from a wrong one.
fn content(number: u64, version: u64) -> Vec<u8> {
    (0..3000 + 4000 * number).map(|at| u8::try_from((at * 31 + number * 7 + version * 101 + at / 251) % 256).unwrap()).collect()
}

const FILES: u64 = 6;

/// A small location that was opened three times, and everything in it written twice: the second time after the last opening.
fn build(root: &Path, close: bool) {
    for version in [0, 0, 1] {
        let backend = sled::open(root, &SledOptions::new()).unwrap();
        block_on(async {
            for number in 0..FILES {
                backend.write(&path(&format!("{number}")), &content(number, version)).await.unwrap();
                backend.sync().await.unwrap();
            }
            if close || version == 0 {
                backend.close().await.unwrap();
            }
        });
    }
}

/// Opens and reads everything, in one word.
fn outcome(root: &Path) -> &'static str {
    let told = |kind| if kind == ErrorKind::Corrupt { "corrupt" } else { "another error" };
    let backend = match sled::open(root, &SledOptions::new()) {
        Ok(backend) => backend,
        Err(error) => return told(error.kind()),
    };
    let mut worst = "right";
    for number in 0..FILES {
        match block_on(backend.read(&path(&format!("{number}")))) {
            Ok(bytes) if bytes == content(number, 1) => {}
            Ok(bytes) if bytes == content(number, 0) => worst = "an old state",
            Ok(_) => return "wrong bytes",
            Err(error) if error.kind() == ErrorKind::NotFound => worst = "a file is gone",
            Err(error) => return told(error.kind()),
        }
    }
    worst
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Looks at every directory that it is told, until there are no more.
fn looks() {
    for root in std::io::stdin().lines().map_while(Result::ok) {
        println!("outcome: {}", outcome(Path::new(&root)));
        std::io::stdout().flush().unwrap();
    }
}

/// A process that looks, and what it says.
struct Looker {
    child: Child,
    said: std::sync::mpsc::Receiver<String>,
}

impl Looker {
    fn start(directory: &Path, test: &str) -> Self {
        let mut child = again(test, directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (sender, said) = channel();
        std::thread::spawn(move || lines.filter(|line| line.contains("outcome: ")).try_for_each(|line| sender.send(line)));
        Self { child, said }
    }

    /// The outcome of a directory; none if the process has to be replaced after it.
    fn look(&mut self, root: &Path) -> (String, bool) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{}", root.display()).unwrap();
        match self.said.recv_timeout(LONGEST) {
            Ok(line) => (line.split_once("outcome: ").unwrap().1.to_owned(), true),
            Err(RecvTimeoutError::Timeout) => ("hang".to_owned(), false),
            Err(RecvTimeoutError::Disconnected) => ("crash".to_owned(), false),
        }
    }

    fn end(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

type Counts = BTreeMap<&'static str, BTreeMap<String, u32>>;

/// What flips in a location come to that was closed, or left as by a kill.
fn count(directory: &Path, close: bool, test: &str) -> Counts {
    let seed = std::env::var("ANYSTORAGE_SEED").map_or(0x5eed, |text| text.parse().unwrap());
    let mut rng = Rng::new(seed);
    let whole = directory.join("whole");
    build(&whole, close);
    let mut counts = Counts::new();
    let mut looker = Looker::start(directory, test);
    let snapshot = std::fs::read_dir(&whole).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let snapshot = snapshot.filter(|name| name.starts_with("snap.")).max().unwrap();
    for (kind, name, flips) in [("db", "db", 3 * FLIPS), ("snap", &*snapshot, FLIPS), ("conf", "conf", FLIPS / 2)] {
        let len = std::fs::metadata(whole.join(name)).unwrap().len();
        for flip in 0..flips {
            let root = directory.join(format!("{kind}{flip}"));
            copy(&whole, &root);
            let mut bytes = std::fs::read(root.join(name)).unwrap();
            bytes[usize::try_from(rng.below(len)).unwrap()] ^= 1 << rng.below(8);
            std::fs::write(root.join(name), bytes).unwrap();
            let (outcome, alive) = looker.look(&root);
            *counts.entry(kind).or_default().entry(outcome).or_default() += 1;
            if !alive {
                std::mem::replace(&mut looker, Looker::start(directory, test)).end();
            }
            std::fs::remove_dir_all(&root).unwrap();
        }
    }
    looker.end();
    println!("seed {seed}, closed: {close}: {counts:?}");
    counts
}

fn total(counts: &Counts, outcome: &str) -> u32 {
    counts.values().filter_map(|counts| counts.get(outcome)).sum()
}

/// Of a location that was closed, damage is `Corrupt`, or was where nothing is.
#[test]
fn a_closed_location_never_reads_as_something_else() {
    if own_part().is_some() {
        return looks();
    }
    let directory = tempfile::tempdir().unwrap();
    let counts = count(directory.path(), true, "damage::a_closed_location_never_reads_as_something_else");
    for wrong in ["wrong bytes", "an old state", "a file is gone", "another error"] {
        assert_eq!(total(&counts, wrong), 0, "{wrong}: {counts:?}");
    }
    assert!(total(&counts, "corrupt") > 0 && total(&counts, "right") > 0, "{counts:?}");
}

/// Of one that was not, sled takes damage for the end of its log: what comes out may be old, but is whole.
#[test]
fn a_location_that_was_not_closed_never_reads_as_wrong_bytes() {
    if own_part().is_some() {
        return looks();
    }
    let directory = tempfile::tempdir().unwrap();
    let counts = count(directory.path(), false, "damage::a_location_that_was_not_closed_never_reads_as_wrong_bytes");
    assert_eq!(total(&counts, "wrong bytes"), 0, "{counts:?}");
    assert!(total(&counts, "corrupt") > 0, "{counts:?}");
}

//! Bytes of the store's own file, flipped one at a time: a process of its own opens the location and reads everything, and what came of it
//! is counted by kind. `ANYSTORAGE_SEED` repeats the choice of bytes, `--nocapture` shows the counts.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use anystorage_api::{Error, ErrorKind, StorageBackend};
use anystorage_native::redb::{self, RedbMode, RedbOptions};
use futures_lite::future::block_on;

use crate::own_process::{again, own_part};
use crate::support::{fresh, path, seed};

/// No opening takes this long. It is no measure: a process that needs longer is counted as one that hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// The bytes that redb keeps of the file itself. The first of them have no checksum: each of those is flipped.
const HEADER: usize = 320;
const UNPROTECTED: usize = 32;

/// How many of the others.
const OTHERS: usize = 300;

/// The worst that came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Right,
    Corrupt,
    CaughtPanic,
    /// The byte that says the version of redb's format.
    OtherVersion,
    OtherError,
    NotFound,
    WrongData,
    Panic,
    Abort,
    Hang,
}

const ALL: [Outcome; 10] = [
    Outcome::Right,
    Outcome::Corrupt,
    Outcome::CaughtPanic,
    Outcome::OtherVersion,
    Outcome::OtherError,
    Outcome::NotFound,
    Outcome::WrongData,
    Outcome::Panic,
    Outcome::Abort,
    Outcome::Hang,
];

fn planted() -> BTreeMap<String, Vec<u8>> {
    let bytes = |number: usize, len: usize| (0..len).map(|at| (at * 7 + number) as u8).collect::<Vec<u8>>();
    let mut files: BTreeMap<_, _> = (0..40).map(|number| (format!("d/{number:02}"), bytes(number, 300 * number))).collect();
    files.insert("large".to_owned(), bytes(99, 120_000));
    files
}

fn plant(file: &Path) {
    let backend = redb::open(file, &RedbOptions::new()).unwrap();
    block_on(async {
        backend.create_dir(&path("d")).await.unwrap();
        for (name, bytes) in planted() {
            backend.write(&path(&name), &bytes).await.unwrap();
            backend.sync().await.unwrap();
        }
        backend.close().await.unwrap();
    });
}

fn of_error(error: &Error) -> Outcome {
    match error.kind() {
        ErrorKind::Corrupt if error.to_string().contains("cannot have written") => Outcome::CaughtPanic,
        ErrorKind::Corrupt => Outcome::Corrupt,
        ErrorKind::NotFound => Outcome::NotFound,
        ErrorKind::Unsupported => Outcome::OtherVersion,
        _ => Outcome::OtherError,
    }
}

fn read_everything(file: &Path) -> (Outcome, String) {
    let backend = match redb::open(file, &RedbOptions::new().mode(RedbMode::ReadWrite)) {
        Ok(backend) => backend,
        Err(error) => return (of_error(&error), format!("open: {error}")),
    };
    let mut worst = (Outcome::Right, String::new());
    let mut count = |outcome, text: String| {
        if outcome > worst.0 {
            worst = (outcome, text);
        }
    };
    block_on(async {
        for (directory, names) in [("", vec!["d".to_owned(), "large".to_owned()]), ("d", (0..40).map(|n| format!("{n:02}")).collect())] {
            match backend.list(&path(directory), None, 1000).await {
                Err(error) => count(of_error(&error), format!("list {directory:?}: {error}")),
                Ok(entries) => {
                    let seen: Vec<_> = entries.iter().map(|entry| entry.name.as_str().to_owned()).collect();
                    if seen != names {
                        let is_short = seen.iter().all(|name| names.contains(name));
                        count(if is_short { Outcome::NotFound } else { Outcome::WrongData }, format!("list {directory:?}: {seen:?}"));
                    }
                }
            }
        }
        for (name, bytes) in planted() {
            match backend.read(&path(&name)).await {
                Ok(seen) if seen == bytes => {}
                Ok(seen) => count(Outcome::WrongData, format!("{name}: {} bytes", seen.len())),
                Err(error) => count(of_error(&error), format!("{name}: {error}")),
            }
        }
        if let Err(error) = backend.close().await {
            count(of_error(&error), format!("close: {error}"));
        }
    });
    worst
}

/// The outcome of one process.
fn outcome(file: &Path) -> (Outcome, String) {
    let mut child = again("damage::flipped_bytes_of_the_file_are_counted_by_what_came_of_them", file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = String::new();
        // What of it was no text is no outcome.
        let _ = stdout.read_to_string(&mut said);
        let _ = tell.send(said);
    });
    let Ok(said) = told.recv_timeout(LIMIT) else {
        child.kill().unwrap();
        child.wait().unwrap();
        return (Outcome::Hang, String::new());
    };
    let status = child.wait().unwrap();
    let line = said.lines().find_map(|line| line.strip_prefix("outcome "));
    match (status.success(), line.and_then(|line| line.split_once(' '))) {
        (true, Some((name, text))) => (ALL.into_iter().find(|outcome| format!("{outcome:?}") == name).unwrap(), text.to_owned()),
        _ if status.code().is_some() => (Outcome::Panic, said),
        _ => (Outcome::Abort, format!("{status}: {said}")),
    }
}

#[test]
fn flipped_bytes_of_the_file_are_counted_by_what_came_of_them() {
    if let Some(file) = own_part() {
        let (outcome, text) = read_everything(Path::new(&file));
        println!("\noutcome {outcome:?} {}", text.replace('\n', " "));
        return;
    }
    let (_directory, file) = fresh();
    plant(&file);
    let whole = fs::read(&file).unwrap();
    let seed = seed();
    // In turn another bit, and bytes that spread over the file.
    let step = (whole.len() - HEADER) / OTHERS;
    let first = HEADER + usize::try_from(seed).unwrap() % step;
    let places = (0..UNPROTECTED).chain((UNPROTECTED..HEADER).step_by(4)).chain((first..whole.len()).step_by(step));
    let mut counts = BTreeMap::<Outcome, (u32, u32)>::new();
    let mut examples = BTreeMap::new();
    for (number, at) in places.enumerate() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << ((number + usize::try_from(seed % 8).unwrap()) % 8);
        fs::write(&file, &damaged).unwrap();
        let (outcome, text) = outcome(&file);
        let count = counts.entry(outcome).or_default();
        if at < HEADER {
            count.0 += 1
        } else {
            count.1 += 1
        }
        examples.entry(outcome).or_insert_with(|| format!("byte {at}: {text}"));
    }
    println!("a file of {} bytes; of its header, of the rest:", whole.len());
    for outcome in ALL {
        let (header, rest) = counts.get(&outcome).copied().unwrap_or_default();
        println!("  {:<12} {header:>5} {rest:>5}  {}", format!("{outcome:?}"), examples.get(&outcome).map_or("", String::as_str));
    }
    let counted = |outcome| counts.contains_key(&outcome);
    for never in [Outcome::OtherError, Outcome::WrongData, Outcome::Panic, Outcome::Abort, Outcome::Hang] {
        assert!(!counted(never), "{never:?}: {}", examples[&never]);
    }
    assert!(counted(Outcome::Right) && counted(Outcome::Corrupt));
    assert_eq!(counts.get(&Outcome::OtherVersion).copied().unwrap_or_default().1, 0, "only the header tells a version");
    // A key that is damaged inside redb's tree is not found under its name, or hides what is behind it. That is the one thing that no checksum of ours sees.
    let (header, rest) = counts.get(&Outcome::NotFound).copied().unwrap_or_default();
    assert!(header == 0 && usize::try_from(rest).unwrap() * 50 < OTHERS, "{}", examples[&Outcome::NotFound]);
}

//! The log is rebuilt on a full disk: killed in the middle of it, again and again, and stopped at every step of the swap.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_native::sled::{SledOptions, SledStore};
use futures_lite::future::block_on;

use crate::own_process::{again, in_namespace, own_part, passes};

const RECORDS: u64 = 3000;
const AT_ONCE: u64 = 100;

/// Set in the process that writes and is killed.
const WRITER: &str = "ANYSTORAGE_REBUILD_WRITER";

fn open(root: &Path) -> SledStore {
    SledStore::open(root, &SledOptions::new()).unwrap()
}

fn key(number: u64) -> Vec<u8> {
    [&[1][..], &number.to_be_bytes()].concat()
}

fn value(round: u64, number: u64) -> Vec<u8> {
    let mut value = round.to_le_bytes().to_vec();
    value.resize(500, u8::try_from((round + number) % 251).unwrap());
    value
}

/// Writes the records of a round, from one on, in batches, each with a mark of how far it came.
fn write_round(store: &SledStore, round: u64, from: u64, mut written: impl FnMut(u64)) {
    for first in (from..RECORDS).step_by(usize::try_from(AT_ONCE).unwrap()) {
        let mut batch = Batch::new();
        (first..first + AT_ONCE).for_each(|number| batch.put(key(number), value(round, number)));
        let count = round * RECORDS + first + AT_ONCE;
        batch.put(vec![2], count.to_le_bytes());
        block_on(store.commit(batch, Commit::Durable)).unwrap();
        written(count);
    }
}

/// Checks that exactly the commits up to the mark are there, and returns the mark.
fn holds(store: &SledStore) -> u64 {
    let Some(mark) = block_on(store.get(&[2])).unwrap() else { return 0 };
    let count = u64::from_le_bytes(mark.try_into().unwrap());
    let found = block_on(store.scan(&[1], &[2], usize::MAX)).unwrap();
    let round = |number: u64| (count + RECORDS - 1 - number) / RECORDS;
    let expected: Vec<_> = (0..RECORDS.min(count)).map(|number| (key(number), value(round(number) - 1, number))).collect();
    assert!(found == expected, "the records are not those of {count}");
    count
}

fn kill_writers(root: &Path) {
    let inode = || fs::metadata(root.join("db")).map(|metadata| metadata.ino()).ok();
    let (mut known, mut rebuilt, mut hit, mut last) = (None, 0, 0, 0);
    for kill in 0..40_usize {
        let mut command = again("rebuild::kills_while_the_log_is_rebuilt_lose_nothing", root);
        let mut child = command.env(WRITER, "yes").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let counts = lines.filter_map(|line| line.unwrap().rsplit_once("written ").map(|(_, count)| count.parse::<u64>().unwrap()));
        for (number, count) in counts.enumerate() {
            last = count;
            // Half of them as soon as a copy is seen.
            if number > 5 + kill * 7 % 60 && (kill % 2 == 0 || root.join("rebuilt").exists() || number > 400) {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        hit += u32::from(root.join("rebuilt").exists());
        let store = open(root);
        assert!(holds(&store) >= last, "kill {kill}: {last} was durable");
        block_on(store.close()).unwrap();
        rebuilt += u32::from(known.is_some() && known != inode());
        known = inode();
    }
    println!("40 kills, {hit} of them in the middle of rebuilding; the log was another one after {rebuilt}");
    assert!(rebuilt > 0, "nothing was rebuilt");
}

#[test]
fn kills_while_the_log_is_rebuilt_lose_nothing() {
    let Some(root) = own_part() else {
        let root = tempfile::tempdir().unwrap();
        let mount = "mount -t tmpfs -o size=7500k tmpfs \"$1\"";
        let said = passes(in_namespace(mount, "rebuild::kills_while_the_log_is_rebuilt_lose_nothing", root.path()), "a small tmpfs");
        println!("{}", said.lines().find(|line| line.contains("40 kills")).unwrap());
        return;
    };
    let root = Path::new(&root);
    if std::env::var_os(WRITER).is_none() {
        return kill_writers(root);
    }
    let store = open(root);
    let begun = holds(&store);
    for round in begun / RECORDS.. {
        let from = if round == begun / RECORDS { begun % RECORDS } else { 0 };
        write_round(&store, round, from, |count| {
            println!("written {count}");
            std::io::stdout().flush().unwrap();
        });
    }
}

/// What it does, and how.
type Step = (&'static str, fn(&Path));

/// The steps of the swap, done by hand up to each of them: the old records before the mark, the new ones from it on.
#[test]
fn a_swap_that_stopped_at_any_step_is_finished_or_undone() {
    let steps: [Step; 5] = [
        ("the copy is whole", |_| {}),
        ("the mark", |root| drop(File::create(root.join("rebuilt.done")).unwrap())),
        ("old snapshots are removed", |root| {
            for entry in fs::read_dir(root).unwrap().map(Result::unwrap) {
                if entry.file_name().to_str().unwrap().starts_with("snap.") {
                    fs::remove_file(entry.path()).unwrap();
                }
            }
        }),
        ("the log is moved", |root| fs::rename(root.join("rebuilt/db"), root.join("db")).unwrap()),
        ("the copy is removed", |root| fs::remove_dir_all(root.join("rebuilt")).unwrap()),
    ];
    for stop in 0..steps.len() {
        let directory = tempfile::tempdir().unwrap();
        let (root, other) = (directory.path().join("location"), directory.path().join("other"));
        for (root, round) in [(&root, 0), (&other, 1)] {
            let store = open(root);
            write_round(&store, round, 0, |_| {});
            block_on(store.close()).unwrap();
        }
        fs::create_dir(root.join("rebuilt")).unwrap();
        for name in ["db", "conf"] {
            fs::copy(other.join(name), root.join("rebuilt").join(name)).unwrap();
        }
        fs::create_dir(root.join("rebuilt/blobs")).unwrap();
        steps[..=stop].iter().for_each(|(_, step)| step(&root));
        for _ in 0..2 {
            let store = open(&root);
            assert_eq!(holds(&store), if stop == 0 { RECORDS } else { 2 * RECORDS }, "after {}", steps[stop].0);
            block_on(store.close()).unwrap();
            assert!(!root.join("rebuilt").exists() && !root.join("rebuilt.done").exists(), "after {}", steps[stop].0);
        }
    }
}

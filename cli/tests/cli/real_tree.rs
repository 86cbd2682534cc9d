//! A real tree, copied into a store and back, and the same with kills in between.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::command::{PROGRAM, Ran, anystorage, ran, url};
use crate::tree::{self, BYTES, FILES, Item, Manifest, Random, build_real_tree, manifest};

fn copy(from: &Path, to: &Path) -> serde_json::Value {
    let report = anystorage(["--format", "json", "cp", &url(from), &url(to)]).ok().json();
    assert_eq!(report["complete"], true);
    report
}

fn is_part(name: &str) -> bool {
    name.contains(".anystorage-cp-") && name.ends_with(".part") && !name.ends_with(".anystorage-cp-.part")
}

/// Whatever has its name is whole: a kill leaves files of the source, and part files, and nothing between.
fn assert_every_named_file_is_whole(source: &Manifest, destination: &Path) -> (usize, usize) {
    let (mut whole, mut parts) = (0, 0);
    for (path, item) in manifest(destination) {
        if is_part(&path.to_string_lossy()) {
            parts += 1;
            continue;
        }
        assert_eq!(source.get(&path), Some(&item), "{path:?} after a kill");
        whole += usize::from(matches!(item, Item::File { .. }));
    }
    (whole, parts)
}

/// What a kill waits for: a line of the program's own log, which it writes as it goes.
#[derive(Debug)]
pub enum Moment {
    /// So many files have got their names.
    Files(u64),
    /// So many bytes of the large file were read.
    InLargeFile(u64),
    /// So many of the syncs on the way are done.
    Synced(u64),
    /// The last sync has begun.
    InSync,
}

/// Copies, and kills the program at that moment. Gives what it said if it was faster.
pub fn copy_and_kill(from: &str, to: &str, moment: &Moment) -> Option<Ran> {
    let mut child = Command::new(PROGRAM)
        .args(["-vvv", "cp", from, to])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut files = 0;
    let (mut at_large, mut syncs) = (0, 0);
    let mut reached = false;
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        if log.read_line(&mut line).unwrap() == 0 {
            break;
        }
        files += u64::from(line.contains("] copied "));
        syncs += u64::from(line.contains("] synced on the way"));
        if let Some(offset) = line.split("read up to byte ").nth(1) {
            at_large = offset.trim().parse().unwrap();
        }
        reached = match moment {
            Moment::Files(count) => files >= *count,
            Moment::InLargeFile(offset) => at_large >= *offset,
            Moment::Synced(count) => syncs >= *count,
            Moment::InSync => line.contains("syncing at the end"),
        };
        if reached {
            break;
        }
    }
    if reached {
        // SIGKILL, by the id of the child that was started here.
        child.kill().unwrap();
    }
    drop(log);
    let output = child.wait_with_output().unwrap();
    (!reached).then(|| ran(output))
}

#[test]
fn copied_into_a_store_and_back_it_is_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    let (files, bytes) = build_real_tree(&original);
    assert!(files >= FILES && bytes >= BYTES, "{files} files, {bytes} bytes");
    let expected = manifest(&original);
    let all_files = expected.values().filter(|item| matches!(item, Item::File { .. })).count() as u64;
    let all_bytes: u64 = expected.values().map(|item| if let Item::File { len, .. } = item { *len } else { 0 }).sum();

    let (store, back) = (directory.path().join("store"), directory.path().join("back"));
    let start = Instant::now();
    let into = copy(&original, &store);
    let seconds_in = start.elapsed().as_secs_f64();
    assert_eq!((into["files"].as_u64(), into["bytes"].as_u64()), (Some(all_files), Some(all_bytes)));
    tree::assert_same(&expected, &manifest(&store));
    let start = Instant::now();
    copy(&store, &back);
    let seconds_out = start.elapsed().as_secs_f64();
    tree::assert_same(&expected, &manifest(&back));
    tree::assert_same(&expected, &manifest(&original));

    // Once more: everything is there, so nothing is copied.
    let again = copy(&original, &store);
    assert_eq!((again["files"].as_u64(), again["skipped_equal"].as_u64()), (Some(0), Some(all_files)));
    assert_eq!(again["skipped_bytes"].as_u64(), Some(all_bytes));
    println!("{all_files} files, {:.1} MB: {seconds_in:.1} s in, {seconds_out:.1} s out", all_bytes as f64 / 1e6);
}

#[test]
fn killed_midway_and_run_again_it_is_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    build_real_tree(&original);
    let expected = manifest(&original);
    let files = expected.values().filter(|item| matches!(item, Item::File { .. })).count() as u64;
    let store = directory.path().join("store");

    let mut random = Random::seeded("killed_midway_and_run_again_it_is_the_same");
    let mut moments = vec![Moment::InLargeFile((8 << 20) + random.below(48 << 20))];
    // What one run has copied, the next skips: each gets another part of what is left. The program runs ahead of its reader by what a
    // pipe holds, some four hundred files; so large a part is out of the question that one of the moments never comes.
    moments.extend((0..4).map(|_| Moment::Files(1 + random.below(files / 10))));
    let mut kills = 0;
    for moment in &moments {
        match copy_and_kill(&url(&original), &url(&store), moment) {
            None => {
                kills += 1;
                let (whole, parts) = assert_every_named_file_is_whole(&expected, &store);
                println!("killed at {moment:?}: {whole} files whole, {parts} part files");
            }
            Some(ran) => {
                ran.ok();
            }
        }
    }
    assert_eq!(kills, moments.len(), "a moment was not reached before the copy was done");

    let report = copy(&original, &store);
    assert!(report["skipped_equal"].as_u64().unwrap() > 0 && report["files"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(report["failed"], serde_json::json!([]));
    tree::assert_same(&expected, &manifest(&store));
    println!("{kills} kills, then {} files copied and {} skipped", report["files"], report["skipped_equal"]);
}

/// Killed when all files have their names and the last sync runs, nothing is missing and nothing is copied again.
#[test]
fn killed_in_the_last_sync_everything_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let (original, store) = (directory.path().join("original"), directory.path().join("store"));
    fs::create_dir(&original).unwrap();
    let mut random = Random::of(5);
    for number in 0..200 {
        random.write(&original.join(number.to_string()), 64 << 10);
    }
    assert!(copy_and_kill(&url(&original), &url(&store), &Moment::InSync).is_none());
    let report = copy(&original, &store);
    assert_eq!((report["files"].as_u64(), report["skipped_equal"].as_u64()), (Some(0), Some(200)));
    tree::assert_same(&manifest(&original), &manifest(&store));
}

/// A file that no program gets to the end of before it is killed: its log of the way there is longer than a pipe holds. It is a hole.
fn endless(file: &Path) {
    fs::File::create(file).unwrap().set_len(4 << 30).unwrap();
}

/// A file that is being replaced is the old one, whole, until it is the new one.
#[test]
fn killed_while_a_file_is_replaced_the_old_one_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let (original, store) = (directory.path().join("original"), directory.path().join("store"));
    fs::create_dir(&original).unwrap();
    fs::create_dir(&store).unwrap();
    endless(&original.join("file"));
    Random::of(6).write(&store.join("file"), 1 << 20);
    let old = tree::digest(&store.join("file"));
    assert!(copy_and_kill(&url(&original), &url(&store), &Moment::InLargeFile(10 << 20)).is_none());
    assert_eq!(tree::digest(&store.join("file")), old);
    fs::write(original.join("file"), "new").unwrap();
    copy(&original, &store);
    tree::assert_same(&manifest(&original), &manifest(&store));
}

/// A part file whose source was deleted between the runs stayed for ever.
#[test]
fn part_files_that_nobody_needs_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let (original, store) = (directory.path().join("original"), directory.path().join("store"));
    fs::create_dir(&original).unwrap();
    endless(&original.join("doomed"));
    fs::write(original.join("kept"), "kept").unwrap();
    assert!(copy_and_kill(&url(&original), &url(&store), &Moment::InLargeFile(2 << 20)).is_none());
    assert!(manifest(&store).keys().any(|name| is_part(&name.to_string_lossy())), "the kill left no part file");
    fs::remove_file(original.join("doomed")).unwrap();
    let report = copy(&original, &store);
    assert_eq!(report["parts_removed"].as_u64(), Some(1));
    tree::assert_same(&manifest(&original), &manifest(&store));
}

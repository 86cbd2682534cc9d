//! What the suite does not see: that the store is one by itself, that a kill loses nothing, who may open it, which error is which, and what
//! is flushed when. Every store should have such tests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use anystorage_api::StorageBackend;
use anystorage_conformance::kill_loop::KillLoop;
use anystorage_conformance::process::{Processes, run_child_if_asked};
use anystorage_conformance::subject::{self, Subject};
use anystorage_kv::testing::check_store;
use futures_lite::future::block_on;
use tempfile::TempDir;

use super::*;

/// Databases that go with the subject.
pub(crate) fn in_temporary_files() -> impl Subject {
    let directory = directory();
    subject::from_fn("sqlite", move |place| {
        let path = directory.path().join(place);
        async move { open(&path).await }
    })
}

/// Beside the build, and so on a disk: in memory, where temporary files often are, a sync is over before a kill can hit it.
fn directory() -> TempDir {
    tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap()
}

/// `ANYSTORAGE_SEED`, or another one each time; printed, so that a failure can be repeated.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = std::env::var("ANYSTORAGE_SEED").map_or(u64::from(now.subsec_nanos()), |seed| seed.parse().unwrap());
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    seed
}

fn commit(table: &Table, key: &str, value: &[u8], durability: Commit) -> Result<()> {
    let mut batch = Batch::new();
    batch.put(key, value);
    block_on(table.commit(batch, durability))
}

#[test]
fn the_table_is_a_store() {
    let directory = directory();
    let path = directory.path().join("table");
    block_on(check_store(|| async { Table::open(&path) }, seed(), 20)).unwrap();
}

/// Where the children of the next test begin.
#[test]
fn child_entry() {
    run_child_if_asked(|address| async move { Ok(Box::new(open(Path::new(&address)).await?) as Box<dyn StorageBackend>) });
}

#[test]
fn a_kill_loses_nothing_that_was_synced() {
    let directory = directory();
    let kills = std::env::var("ANYSTORAGE_KILLS").map_or(40, |kills| kills.parse().unwrap());
    let processes = Processes::this_test_program("tests::child_entry").unwrap();
    let opened = |address: String| async move { Ok(Box::new(open(Path::new(&address)).await?) as Box<dyn StorageBackend>) };
    let location = |number| directory.path().join(format!("{number}")).to_str().unwrap().to_owned();
    let report = KillLoop::new(processes, opened).seed(seed()).kills(kills).run(location).unwrap();
    println!("{report}");
    assert!(report.violations.is_empty() && report.kills == kills && report.syncs > 0, "{report}");
}

#[test]
fn a_database_that_is_open_or_damaged_or_none_is_refused() {
    let directory = directory();
    let path = directory.path().join("table");
    let table = Table::open(&path).unwrap();
    assert_eq!(Table::open(&path).unwrap_err().kind(), ErrorKind::Locked);
    block_on(table.close()).unwrap();
    fs::write(directory.path().join("other"), [0x2a; 8192]).unwrap();
    assert_eq!(Table::open(&directory.path().join("other")).unwrap_err().kind(), ErrorKind::Corrupt);
    let other_type = Table::open(&directory.path().join("type")).unwrap();
    let put = "INSERT INTO kv VALUES (x'61', 'text')";
    other_type.call(Operation::Write, |db| db.execute(put, [])).unwrap();
    assert_eq!(block_on(other_type.get(b"a")).unwrap_err().kind(), ErrorKind::Corrupt);
    fs::remove_file(directory.path().join("table-wal")).unwrap();
    fs::write(&path, &fs::read(&path).unwrap()[..100]).unwrap();
    assert_eq!(Table::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_commit_for_which_there_is_no_space_is_not_made() {
    let directory = directory();
    let table = Table::open(&directory.path().join("table")).unwrap();
    commit(&table, "a", b"old", Commit::Durable).unwrap();
    table.call(Operation::Write, |db| db.query_row("PRAGMA max_page_count = 100", [], |_| Ok(()))).unwrap();
    let mut batch = Batch::new();
    batch.put("a", "new");
    batch.put("b", vec![7; 1 << 20]);
    assert_eq!(block_on(table.commit(batch, Commit::Relaxed)).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(block_on(table.get(b"a")).unwrap().as_deref(), Some(b"old".as_slice()));
    commit(&table, "b", &[7; 1 << 16], Commit::Durable).unwrap();
}

/// The calls between two marks that flush something, as names of files; and how many calls there were before the first mark.
fn flushes(trace: &str, from: &str) -> (usize, Vec<String>) {
    let is_flush = |line: &&str| line.contains("sync(");
    let at = trace.lines().position(|line| line.contains(&format!("/mark/{from}\""))).unwrap();
    let between = trace.lines().skip(at + 1).take_while(|line| !line.contains("/mark/")).filter(is_flush);
    let file = |line: &str| line.split(['<', '>']).nth(1).and_then(|path| path.rsplit('/').next()).unwrap().to_owned();
    (trace.lines().take(at).filter(is_flush).count(), between.map(file).collect())
}

const PART: &str = "ANYSTORAGE_TEST_TABLE";

/// Commits with marks between them, which show up in a trace of its system calls as the removal of files that are not there.
fn traced(path: &Path) {
    let mark = |name: &str| assert!(fs::remove_file(format!("/mark/{name}")).is_err());
    let table = Table::open(path).unwrap();
    commit(&table, "a", b"1", Commit::Durable).unwrap();
    mark("relaxed");
    commit(&table, "b", b"2", Commit::Relaxed).unwrap();
    mark("durable");
    commit(&table, "c", b"3", Commit::Durable).unwrap();
    mark("changes nothing");
    commit(&table, "c", b"3", Commit::Durable).unwrap();
    mark("empty");
    block_on(table.commit(Batch::new(), Commit::Durable)).unwrap();
    mark("large");
    commit(&table, "large", &[7; 20 << 20], Commit::Relaxed).unwrap();
    mark("after large");
    println!("the next commit: {:?}", commit(&table, "d", b"4", Commit::Relaxed).map_err(|error| error.kind()));
    mark("close");
    block_on(table.close()).unwrap();
    mark("end");
}

/// Runs a test of this program once more, in a process of its own with a table at `path`: its output.
fn again(mut command: Command, test: &str, path: &Path) -> String {
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(PART, path);
    let output = command.output().unwrap_or_else(|error| panic!("{:?} cannot be started: {error}", command.get_program()));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && shown.contains("1 passed"), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    shown
}

#[test]
fn another_process_is_refused_while_this_one_lives() {
    if let Some(path) = std::env::var_os(PART).map(PathBuf::from) {
        println!("the other one: {:?}", Table::open(&path).map(drop).map_err(|error| error.kind()));
        return;
    }
    let directory = directory();
    let path = directory.path().join("table");
    let other = || {
        let test = "tests::another_process_is_refused_while_this_one_lives";
        again(Command::new(std::env::current_exe().unwrap()), test, &path)
    };
    let table = Table::open(&path).unwrap();
    assert!(other().contains("the other one: Err(Locked)"));
    drop(table);
    assert!(other().contains("the other one: Ok(())"));
}

/// The commits of `traced` under strace with these arguments: what they show, and the trace.
fn under_strace(path: &Path, arguments: &[&str]) -> (String, String) {
    let log = path.with_extension("trace");
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-y",
        "-qq",
        "-s",
        "300",
        "-e",
        "signal=none",
        "-e",
        "trace=unlink,unlinkat,fsync,fdatasync,sync_file_range,syncfs",
    ]);
    command.args(arguments).arg("-o").arg(&log).arg(std::env::current_exe().unwrap());
    let shown = again(command, "tests::durable_commits_flush_and_relaxed_ones_do_not", path);
    (shown, fs::read_to_string(log).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn durable_commits_flush_and_relaxed_ones_do_not() {
    if let Some(path) = std::env::var_os(PART).map(PathBuf::from) {
        return traced(&path);
    }
    let directory = directory();
    let (shown, trace) = under_strace(&directory.path().join("one"), &[]);
    assert_eq!(flushes(&trace, "relaxed").1, [""; 0]);
    assert_eq!(flushes(&trace, "durable").1, ["one-wal"]);
    assert_eq!(flushes(&trace, "changes nothing").1, ["one-wal"]);
    assert_eq!(flushes(&trace, "empty").1, ["one-wal"]);
    assert_eq!(flushes(&trace, "large").1, [""; 0]);
    // The log has grown too long: flushed, moved into the database, flushed there, begun again with a header that is flushed.
    let (before, moving) = flushes(&trace, "after large");
    assert_eq!(moving, ["one-wal", "one", "one-wal"]);
    assert_eq!(flushes(&trace, "close").1, [""; 0]);
    assert!(shown.contains("the next commit: Ok(())"), "{shown}");
    // What no flush could be told is an error of the commit that needed it.
    let inject = format!("inject=fsync,fdatasync:error=EIO:when={}+", before + 1);
    let (shown, _) = under_strace(&directory.path().join("two"), &["-e", &inject]);
    assert!(shown.contains("the next commit: Err(Io)"), "{shown}");
}

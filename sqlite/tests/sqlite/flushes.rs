//! One sync for each durable commit, and so one real flush where the engine's sync is one, as `strace` sees it.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use anystorage_sqlite::Journal;

use crate::engines::{directory, open_engine, settings, vfs};

/// Set where the test runs as its own other process: the engine, a colon and the directory.
const PART: &str = "ANYSTORAGE_SQLITE_TRACED";

/// Real flushes of a sync of each engine. A commit of redb has two, since it also writes which pages are free, so that opening after a kill is
/// quick.
const FLUSHES: [(&str, usize); 3] = [("files", 1), ("sled", 1), ("redb", 2)];

/// Commits that are counted.
const COMMITS: usize = 20;

/// Shows up in the trace as the removal of a file that is not there.
fn mark(name: &str) {
    assert!(std::fs::remove_file(format!("/anystorage-mark/{name}")).is_err());
}

fn traced(part: OsString) {
    let part = part.into_string().unwrap();
    let (engine, place) = part.split_once(':').unwrap();
    let vfs = vfs(open_engine(engine, Path::new(place)));
    for journal in [Journal::Wal, Journal::Delete, Journal::Truncate, Journal::Persist] {
        let database = vfs.open_with(&format!("{}.db", journal.as_str()), &settings(journal)).unwrap();
        database.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO t (text) VALUES ('first')").unwrap();
        mark(journal.as_str());
        for _ in 0..COMMITS {
            database.execute("INSERT INTO t (text) VALUES ('a row')", []).unwrap();
        }
        mark("end");
    }
}

/// Calls that make bytes last.
const FLUSH: [&str; 3] = ["fsync(", "fdatasync(", "syncfs("];

/// Of one frame of the log, its head and its page, in bytes.
const FRAME: usize = 24 + 4096;

/// How many of these calls there are in the trace between the mark and the next one.
fn count(trace: &str, from: &str, calls: &[&str]) -> usize {
    let lines = trace.lines().skip_while(|line| !line.contains(&format!("/anystorage-mark/{from}\""))).skip(1);
    let between = lines.take_while(|line| !line.contains("/anystorage-mark/"));
    // A call that another thread interrupts has two lines.
    between.filter(|line| calls.iter().any(|call| line.contains(call))).count()
}

#[test]
fn a_durable_commit_of_a_row_is_one_sync() {
    if let Some(part) = std::env::var_os(PART) {
        return traced(part);
    }
    for (engine, of_a_sync) in FLUSHES {
        let place = directory();
        let log = place.path().join("trace");
        let root = place.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "signal=none", "-e", "trace=fsync,fdatasync,syncfs,unlink,unlinkat,pwrite64", "-o"]).arg(&log);
        command.arg(std::env::current_exe().unwrap());
        command.args(["flushes::a_durable_commit_of_a_row_is_one_sync", "--exact", "--nocapture", "--test-threads=1"]);
        command.env(PART, format!("{engine}:{}", root.display()));
        let Output { status, stdout, stderr } = command.output().expect("strace is there");
        let told = format!("{}\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success() && told.contains("1 passed"), "{engine}: {told}");
        let trace = std::fs::read_to_string(&log).unwrap();
        let counts = ["wal", "delete", "truncate", "persist"].map(|mode| (mode, count(&trace, mode, &FLUSH) as f64 / COMMITS as f64));
        println!("{engine}: flushes for each commit: {counts:?}");
        assert_eq!(count(&trace, "wal", &FLUSH), COMMITS * of_a_sync, "{engine}");
        if engine == "files" {
            // SQLite writes the head of a frame and its page by themselves.
            let writes = [&*format!(" {FRAME}, "), "pwrite64("].map(|call| count(&trace, "wal", &[call]));
            assert_eq!(writes, [COMMITS; 2], "a commit of a row is one write: {trace}");
        }
        for (mode, each) in &counts[1..] {
            assert!(*each >= 2.0, "{engine}, {mode}: a rollback journal cannot do with {each}");
        }
    }
}

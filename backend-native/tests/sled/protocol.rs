//! The flushes of one sync, as `strace` sees them: sled itself asks for none.

use std::path::Path;

use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
use anystorage_native::sled::{self, SledOptions};
use futures_lite::future::block_on;

use crate::own_process::{own_part, passes, wrapped};

/// Shows up in the trace as the removal of a file that is not there.
fn mark(name: &str) {
    assert!(std::fs::remove_file(format!("/anystorage-mark/{name}")).is_err());
}

fn traced(root: &Path, options: &SledOptions) {
    block_on(async {
        mark("open");
        let backend = sled::open(root, options).unwrap();
        let path = StoragePath::parse("file").unwrap();
        mark("create");
        let file = backend.open(&path, &OpenOptions::editing()).await.unwrap();
        mark("write");
        file.write_at(0, &[7; 4096]).await.unwrap();
        mark("sync");
        file.sync().await.unwrap();
        mark("sync the rest");
        backend.sync().await.unwrap();
        mark("clean");
        file.sync().await.unwrap();
        backend.sync().await.unwrap();
        mark("overwrite");
        file.write_at(0, &[8; 4096]).await.unwrap();
        mark("sync again");
        file.sync().await.unwrap();
        mark("sync all");
        file.write_at(9000, &[9; 100]).await.unwrap();
        backend.sync().await.unwrap();
        mark("end");
    });
}

/// The files that were flushed between two marks.
fn flushed(trace: &str, from: &str, root: &str) -> Vec<String> {
    let lines = trace.lines().skip_while(|line| !line.contains(&format!("/anystorage-mark/{from}\""))).skip(1);
    let lines = lines.take_while(|line| !line.contains("/anystorage-mark/"));
    let calls = lines.filter(|line| line.contains("fsync(") || line.contains("fdatasync("));
    calls.map(|line| line.split_once('<').unwrap().1.split_once('>').unwrap().0.trim_start_matches(root).to_owned()).collect()
}

fn trace(test: &str) -> (String, String) {
    let directory = tempfile::tempdir().unwrap();
    let (root, log) = (directory.path().join("root"), directory.path().join("trace"));
    let strace = ["strace", "-f", "-y", "-qq", "-s", "300", "-e", "signal=none", "-e", "trace=unlink,fsync,fdatasync,sync_file_range"];
    let strace: Vec<&str> = strace.into_iter().chain(["-o", log.to_str().unwrap()]).collect();
    passes(wrapped(&strace, test, &root), "the trace of the engine's system calls");
    (std::fs::read_to_string(&log).unwrap(), root.to_str().unwrap().to_owned())
}

/// What was synced survives a power cut: that rests on one flush of the log, after sled wrote to it, and on those of the opening.
#[test]
fn one_sync_is_one_flush_of_the_log() {
    if let Some(root) = own_part() {
        return traced(Path::new(&root), &SledOptions::new());
    }
    let (trace, root) = trace("protocol::one_sync_is_one_flush_of_the_log");
    let flushed = |from| flushed(&trace, from, &root);
    println!(
        "flushes: open {:?}, sync {:?}, sync again {:?}, sync all {:?}",
        flushed("open"),
        flushed("sync"),
        flushed("sync again"),
        flushed("sync all")
    );
    let opening = flushed("open");
    for needed in ["/conf", "/blobs", "", "/db", "/anystorage"] {
        assert!(opening.iter().any(|name| name == needed), "{needed:?} is not among what an opening flushes: {opening:?}");
    }
    // What leads to the log comes before its first bytes.
    let first = |name: &str| opening.iter().position(|flushed| flushed == name);
    assert!(first("/conf") < first("/db") && first("/blobs") < first("/db"), "{opening:?}");
    assert_eq!(flushed("write"), [""; 0]);
    assert_eq!(flushed("clean"), [""; 0]);
    for sync in ["sync", "sync again", "sync all"] {
        assert_eq!(flushed(sync), ["/db"], "{sync}");
    }
}

/// The same count over a store that leaves the flush out finds it: nothing is flushed, whatever sled did.
#[test]
fn a_sync_without_the_flush_is_found() {
    if let Some(root) = own_part() {
        return traced(Path::new(&root), &SledOptions::new().flushing(false));
    }
    let (trace, root) = trace("protocol::a_sync_without_the_flush_is_found");
    for sync in ["sync", "sync again", "sync all"] {
        assert_eq!(flushed(&trace, sync, &root), [""; 0], "{sync}");
    }
    assert!(trace.contains("sync_file_range"), "sled did not even write");
}

//! The system calls of one sync, as `strace` sees them on the real engine.

use std::path::Path;

use anystorage_api::{OpenOptions, StorageBackend};
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_native::redb::{self, RedbOptions};
use futures_lite::future::block_on;

use crate::own_process::{own_part, passes, wrapped};
use crate::support::{path, store};

/// Shows up in the trace as the removal of a file that is not there.
fn mark(name: &str) {
    assert!(std::fs::remove_file(format!("/anystorage-mark/{name}")).is_err());
}

fn traced(root: &Path) {
    block_on(async {
        mark("create");
        let backend = redb::open(root.join("a/b/location"), &RedbOptions::new()).unwrap();
        mark("change");
        backend.create_dir(&path("d")).await.unwrap();
        let file = backend.open(&path("d/f"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, &[7; 40_000]).await.unwrap();
        mark("sync of a file");
        file.sync().await.unwrap();
        mark("rest");
        backend.sync().await.unwrap();
        mark("clean");
        file.sync().await.unwrap();
        backend.sync().await.unwrap();
        mark("change again");
        for number in 0..100 {
            backend.write(&path(&format!("d/{number}")), &[9; 10_000]).await.unwrap();
        }
        mark("sync of everything");
        backend.sync().await.unwrap();
        mark("end");
        drop((file, backend));
        let store = store(root.join("store"));
        let batch = |value: u8| {
            let mut batch = Batch::new();
            batch.put([1], [value; 100]);
            batch
        };
        mark("relaxed");
        store.commit(batch(1), Commit::Relaxed).await.unwrap();
        mark("durable");
        store.commit(batch(2), Commit::Durable).await.unwrap();
        mark("nothing");
        store.commit(Batch::new(), Commit::Durable).await.unwrap();
        mark("over");
    });
}

/// The calls between two marks, in words.
fn steps(trace: &str, from: &str) -> Vec<String> {
    let lines = trace.lines().skip_while(|line| !line.contains(&format!("/anystorage-mark/{from}\""))).skip(1);
    lines.take_while(|line| !line.contains("/anystorage-mark/")).filter_map(step).collect()
}

fn step(line: &str) -> Option<String> {
    let call = line.split_once(' ').filter(|(pid, _)| pid.bytes().all(|byte| byte.is_ascii_digit())).map_or(line, |(_, call)| call.trim());
    let (name, arguments) = call.split_once('(')?;
    // `5<PATH>`: where the descriptor leads.
    let at = arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
    Some(format!("{name} {}", at.rsplit('/').next()?))
}

/// Pages first and flushed, then the header and flushed: what makes a sync last, and opening after a crash quick.
#[test]
fn a_sync_is_two_flushes_and_nothing_else_is_flushed() {
    if let Some(root) = own_part() {
        return traced(Path::new(&root));
    }
    let directory = tempfile::tempdir().unwrap();
    let (root, log) = (directory.path().join("root"), directory.path().join("trace"));
    let calls = "trace=unlink,fsync,fdatasync,sync_file_range,syncfs,msync,write,pwrite64,pwritev,ftruncate,mkdir,mkdirat";
    let strace = ["strace", "-f", "-y", "-qq", "-s", "300", "-e", "signal=none", "-e", calls, "-o", log.to_str().unwrap()];
    std::fs::create_dir(&root).unwrap();
    let test = "protocol::a_sync_is_two_flushes_and_nothing_else_is_flushed";
    passes(wrapped(&strace, test, &root), "the trace of the engine's system calls");
    let trace = std::fs::read_to_string(&log).unwrap();
    let flushes = |from: &str| steps(&trace, from).into_iter().filter(|step| step.contains("sync")).collect::<Vec<_>>();
    for (sync, file) in [("sync of a file", "location"), ("sync of everything", "location"), ("durable", "store")] {
        let mut steps = steps(&trace, sync);
        println!("{sync}: {} calls", steps.len());
        // Growing the file has a flush of its own.
        while let Some(at) = steps.iter().position(|step| step.starts_with("ftruncate")) {
            assert_eq!(steps[at + 1], format!("fdatasync {file}"));
            steps.drain(at..at + 2);
        }
        let (write, flush) = (format!("pwrite64 {file}"), format!("fdatasync {file}"));
        let pages = steps.iter().take_while(|step| **step == write).count();
        assert!(pages > 1, "{sync}: {steps:?}");
        assert_eq!(steps[pages..], [flush.clone(), write, flush], "{sync}");
    }
    assert_eq!(flushes("clean"), [""; 0]);
    assert_eq!(flushes("change"), [""; 0]);
    assert_eq!(flushes("change again"), [""; 0]);
    assert_eq!(steps(&trace, "relaxed"), [""; 0]);
    assert_eq!(steps(&trace, "nothing"), [""; 0]);
    // Each new directory and the new file are durable in the directory above before anything is written.
    let mut create = steps(&trace, "create");
    create.retain(|step| !step.starts_with("mkdir"));
    assert_eq!(create[..3], ["fsync root", "fsync a", "fsync b"], "{create:?}");
}

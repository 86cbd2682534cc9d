//! The order of the system calls of one `write` and one `sync`, as `strace` sees them on the real engine.

use std::path::Path;

use anystorage_api::{OpenOptions, StorageBackend};
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;

use crate::own_process::{own_part, passes, wrapped};
use crate::support::path;

/// Shows up in the trace as the removal of a file that is not there.
fn mark(name: &str) {
    assert!(std::fs::remove_file(format!("/anystorage-mark/{name}")).is_err());
}

fn traced(root: &Path) {
    block_on(async {
        let backend = FilesBackend::open(root).unwrap();
        backend.create_dir(&path("d")).await.unwrap();
        backend.sync().await.unwrap();
        mark("write new");
        backend.write(&path("d/f"), b"first").await.unwrap();
        mark("write over");
        backend.write(&path("d/f"), b"second").await.unwrap();
        mark("create");
        backend.create_dir(&path("d/e")).await.unwrap();
        let file = backend.open(&path("d/e/g"), &OpenOptions::editing()).await.unwrap();
        mark("write_at");
        file.write_at(0, b"bytes").await.unwrap();
        mark("sync");
        file.sync().await.unwrap();
        mark("clean");
        file.sync().await.unwrap();
        backend.sync().await.unwrap();
        mark("overwrite");
        file.write_at(0, b"BYTES").await.unwrap();
        mark("sync bytes");
        file.sync().await.unwrap();
        mark("change all");
        file.write_at(0, b"bytes").await.unwrap();
        file.close().await.unwrap();
        backend.create_dir(&path("h")).await.unwrap();
        mark("sync all");
        backend.sync().await.unwrap();
        mark("rename over");
        let file = backend.open(&path("d/i"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"bytes").await.unwrap();
        backend.rename(&path("d/i"), &path("d/f")).await.unwrap();
        mark("end");
    });
}

/// The calls that change or flush something, between two marks, in words; temporary names as `TEMP`.
fn steps(trace: &str, from: &str, root: &str) -> Vec<String> {
    let lines = trace.lines().skip_while(|line| !line.contains(&format!("/anystorage-mark/{from}\""))).skip(1);
    lines.take_while(|line| !line.contains("/anystorage-mark/")).filter_map(|line| step(line, root)).collect()
}

fn step(line: &str, root: &str) -> Option<String> {
    let call = line.split_once(' ').filter(|(pid, _)| pid.bytes().all(|byte| byte.is_ascii_digit())).map_or(line, |(_, call)| call.trim());
    let (name, arguments) = call.split_once('(')?;
    // `5<PATH>`: where the descriptor leads.
    let at = |text: &str| {
        let path = text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path.to_owned()).unwrap();
        hide(path.strip_prefix(root).unwrap_or(&path))
    };
    let quoted = |index: usize| hide(arguments.split('"').nth(2 * index + 1).unwrap());
    Some(match name {
        "openat2" | "openat" if arguments.contains("O_CREAT") => {
            assert!(arguments.contains("O_EXCL"), "a file is created without O_EXCL: {line}");
            format!("create {}", quoted(0))
        }
        "openat2" | "openat" | "close" | "fcntl" | "fstat" | "statx" | "newfstatat" => return None,
        "renameat" | "renameat2" | "rename" => format!("rename {} to {}", quoted(0), quoted(1)),
        "mkdirat" | "unlinkat" => format!("{name} {}", quoted(0)),
        _ => format!("{name} {}", at(arguments)),
    })
}

fn hide(path: &str) -> String {
    match path.split_once(".anystorage-~") {
        Some((before, name)) => {
            assert_eq!(name.len(), 16, "{path}");
            format!("{before}TEMP")
        }
        None => path.to_owned(),
    }
}

/// A crash after a `write` that returned may lose nothing, and a crash during it may tear nothing: that rests on this order alone.
#[test]
fn files_are_flushed_before_their_names_and_names_before_the_return() {
    if let Some(root) = own_part() {
        return traced(Path::new(&root));
    }
    let directory = tempfile::tempdir().unwrap();
    let (root, log) = (directory.path().join("root"), directory.path().join("trace"));
    let calls = "trace=openat,openat2,rename,renameat,renameat2,unlink,unlinkat,mkdirat,fsync,fdatasync,sync_file_range,syncfs,\
                 write,pwrite64,pwritev,ftruncate,fchmod,link,linkat";
    let strace = ["strace", "-f", "-y", "-qq", "-s", "300", "-e", "signal=none", "-e", calls, "-o", log.to_str().unwrap()];
    let test = "protocol::files_are_flushed_before_their_names_and_names_before_the_return";
    passes(wrapped(&strace, test, &root), "the trace of the engine's system calls");
    let trace = std::fs::read_to_string(&log).unwrap();
    let steps = |from| steps(&trace, from, root.to_str().unwrap());
    assert_eq!(steps("write new"), ["create d/TEMP", "pwrite64 /d/TEMP", "fsync /d/TEMP", "rename TEMP to f", "fsync /d"]);
    assert_eq!(
        steps("write over"),
        ["create d/TEMP", "fchmod /d/TEMP", "pwrite64 /d/TEMP", "fsync /d/TEMP", "rename TEMP to f", "fsync /d"]
    );
    assert_eq!(steps("write_at"), ["pwrite64 /d/e/g"]);
    assert_eq!(steps("sync"), ["fsync /d/e/g", "fsync /d/e", "fsync /d"]);
    assert_eq!(steps("clean"), [""; 0]);
    assert_eq!(steps("sync bytes"), ["fsync /d/e/g"]);
    assert_eq!(steps("sync all"), ["fsync /d/e/g", "fsync "]);
    assert_eq!(steps("rename over"), ["create d/i", "pwrite64 /d/i", "fsync /d/i", "rename i to f"]);
}

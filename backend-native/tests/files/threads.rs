//! Calls from several threads at once, as the `Offload` layer makes them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anystorage_api::{OpenOptions, StorageBackend};
use anystorage_native::files::fault::FlushFaults;
use anystorage_native::files::{FilesBackend, HostDisk};
use futures_lite::future::block_on;

use crate::support::{Over, path};

/// The outer one took the temporary files of the inner one for leftovers of a crash, and three `write`s in ten failed with `NotFound`.
#[test]
fn an_instance_above_does_not_take_away_the_temporary_files_of_one_below() {
    const WRITES: u32 = 1000;
    let root = tempfile::tempdir().unwrap();
    let notes = root.path().join("notes");
    let outer = FilesBackend::open(root.path()).unwrap();
    let inner = FilesBackend::open(&notes).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let end = Over(&over);
        let listing: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut lists = 0_u32;
                    while !over.load(Ordering::Relaxed) {
                        let listed = block_on(outer.list(&path("notes"), None, 10)).unwrap();
                        assert!(listed.iter().all(|entry| entry.name == "f"), "{listed:?}");
                        lists += 1;
                    }
                    lists
                })
            })
            .collect();
        let failed: Vec<_> = (0..WRITES).filter_map(|number| block_on(inner.write(&path("f"), &number.to_le_bytes())).err()).collect();
        drop(end);
        assert!(failed.is_empty(), "{} of {WRITES} writes failed, the first so: {}", failed.len(), failed[0]);
        for lister in listing {
            assert!(lister.join().unwrap() > 0);
        }
    });
    assert_eq!(block_on(inner.read(&path("f"))).unwrap(), (WRITES - 1).to_le_bytes());
    assert_eq!(std::fs::read_dir(&notes).unwrap().count(), 1, "a temporary file is left");
}

/// Large enough that the host copies it page by page: without order, a reader would see two writers' bytes.
const BLOCK: usize = 1 << 20;

#[test]
fn a_read_sees_one_write_whole_and_never_two_mixed() {
    const WRITES: usize = 1000;
    let root = tempfile::tempdir().unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    let options = OpenOptions::editing();
    block_on(async { backend.open(&path("f"), &options).await.unwrap().write_at(0, &vec![0; BLOCK]).await.unwrap() });
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let end = Over(&over);
        let reading: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let file = block_on(backend.open(&path("f"), &OpenOptions::reading())).unwrap();
                    let mut seen = BTreeSet::new();
                    let mut buf = vec![0; BLOCK];
                    while !over.load(Ordering::Relaxed) {
                        assert_eq!(block_on(file.read_at(0, &mut buf)).unwrap(), BLOCK);
                        // Few samples, so that most of the time is spent in reads that meet writes.
                        let samples: BTreeSet<u8> = buf.iter().step_by(BLOCK / 64).copied().collect();
                        assert_eq!(samples.len(), 1, "two writes mixed: {samples:?}");
                        seen.extend(samples);
                    }
                    seen.len()
                })
            })
            .collect();
        let writing: Vec<_> = [1_u8, 2]
            .map(|writer| {
                let (backend, options) = (&backend, &options);
                scope.spawn(move || {
                    let file = block_on(backend.open(&path("f"), options)).unwrap();
                    let data: Vec<Vec<u8>> = (0..4).map(|number| vec![writer * 10 + number; BLOCK]).collect();
                    for round in 0..WRITES {
                        block_on(file.write_at(0, &data[round % data.len()])).unwrap();
                    }
                })
            })
            .into_iter()
            .collect();
        let written: Vec<_> = writing.into_iter().map(|writer| writer.join()).collect();
        drop(end);
        assert!(written.iter().all(Result::is_ok));
        for reader in reading {
            assert!(reader.join().unwrap() > 0);
        }
    });
}

#[test]
fn replacements_of_one_path_are_whole_and_leave_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    block_on(backend.write(&path("f"), &[0; 10_000])).unwrap();
    thread::scope(|scope| {
        for writer in 1..=3_u8 {
            let backend = &backend;
            scope.spawn(move || {
                for round in 0..30 {
                    block_on(backend.write(&path("f"), &vec![writer; 10_000 + round])).unwrap();
                    let seen = block_on(backend.read(&path("f"))).unwrap();
                    assert!(seen.iter().all(|byte| *byte == seen[0]));
                    block_on(backend.list(&path(""), None, 10)).unwrap();
                }
            });
        }
    });
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
}

/// A flush goes by path. A directory that moves between the choice and the flush must not be forgotten for that: at the end nothing may be
/// left dirty, and no sync may have failed.
#[test]
fn syncs_go_on_while_directories_move() {
    const MOVES: usize = 300;
    let root = tempfile::tempdir().unwrap();
    let (disk, switch) = FlushFaults::new(HostDisk::open(root.path()).unwrap());
    let backend = FilesBackend::over(disk);
    block_on(backend.create_dir(&path("a"))).unwrap();
    let file = block_on(backend.open(&path("a/f"), &OpenOptions::editing())).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _end = Over(&over);
            for round in 0..MOVES {
                let (from, to) = if round % 2 == 0 { ("a", "b") } else { ("b", "a") };
                block_on(backend.rename(&path(from), &path(to))).unwrap();
                // Something new in the directory that moves, and another one where it was.
                drop(block_on(backend.open(&path(&format!("{to}/{round}")), &OpenOptions::editing())).unwrap());
                block_on(backend.create_dir(&path(from))).unwrap();
                block_on(backend.remove_dir(&path(from))).unwrap();
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    block_on(file.write_at(0, b"bytes")).unwrap();
                    block_on(file.sync()).unwrap();
                    block_on(backend.sync()).unwrap();
                }
            });
        }
    });
    block_on(backend.sync()).unwrap();
    let (files, directories) = (switch.files(), switch.directories());
    block_on(backend.sync()).unwrap();
    assert_eq!((switch.files(), switch.directories()), (files, directories), "something was left dirty for ever");
    assert_eq!(block_on(backend.list(&path("a"), None, 1000)).unwrap().len(), MOVES + 1);
}

//! Files that are something else, maps that are damaged, and a file that is full of extents.

use std::io;

use anystorage_api::{ErrorKind, StorageBackend, StoragePath};
use anystorage_conformance::simdisk::SimOpen;
use anystorage_redb::{RedbMode, RedbOptions, StoreFile};
use futures_lite::future::block_on;

use crate::disk::Disk;

/// Of the map, twice.
const AREA: usize = 256 << 10;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn with_bytes(bytes: &[u8]) -> Disk {
    let disk = Disk::new(RedbOptions::new());
    let file = disk.disk.open("packed", SimOpen::ReadWrite).unwrap();
    file.write_at(0, bytes).unwrap();
    disk
}

fn bytes_of(disk: &Disk) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(disk.counted()).unwrap()];
    let file = disk.disk.open("packed", SimOpen::Read).unwrap();
    assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
    bytes
}

/// A location with two files, of which the second was synced last.
fn location() -> Disk {
    let disk = Disk::new(RedbOptions::new());
    let backend = disk.open().unwrap();
    for (name, len) in [("plan", 600_000), ("more", 900_000)] {
        block_on(backend.write(&path(name), &vec![name.as_bytes()[0]; len])).unwrap();
        block_on(backend.sync()).unwrap();
    }
    // A tab that is gone closes nothing; its lock goes.
    std::mem::forget(backend);
    Disk::of(disk.disk.clone(), disk.options)
}

fn refused(disk: &Disk, mode: RedbMode) -> ErrorKind {
    match Disk::of(disk.disk.clone(), disk.options.mode(mode)).open() {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.kind(),
    }
}

#[test]
fn what_is_something_else_stays_as_it_is() {
    let database = {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plain.redb");
        let database = redb::Database::create(&file).unwrap();
        drop(database);
        std::fs::read(file).unwrap()
    };
    let mut zeros_first = vec![0; 20 << 20];
    zeros_first.extend_from_slice(b"what somebody has kept");
    for bytes in [b"a note".to_vec(), vec![7; 100 << 10], vec![7; 3 << 20], database, zeros_first] {
        let disk = with_bytes(&bytes);
        for mode in [RedbMode::ReadWriteCreate, RedbMode::ReadWrite] {
            assert_eq!(refused(&disk, mode), ErrorKind::Corrupt, "{} bytes", bytes.len());
            assert!(bytes_of(&disk) == bytes, "{} bytes were changed", bytes.len());
        }
    }
}

#[test]
fn either_map_is_enough_and_without_both_nothing_is_touched() {
    let before = bytes_of(&location());
    for damaged in [&[0_usize][..], &[1], &[0, 1]] {
        for at in [0, 17, 30, 60] {
            let mut bytes = before.clone();
            for area in damaged {
                bytes[area * AREA + at] ^= 8;
            }
            let disk = with_bytes(&bytes);
            if damaged.len() == 2 {
                assert_eq!(refused(&disk, RedbMode::ReadWriteCreate), ErrorKind::Corrupt);
                assert!(bytes_of(&disk) == bytes, "a damaged location was changed");
                continue;
            }
            let backend = disk.open().unwrap();
            for (name, len) in [("plan", 600_000), ("more", 900_000)] {
                let found = block_on(backend.read(&path(name))).unwrap();
                assert!(found == vec![name.as_bytes()[0]; len], "{name}, after damage to {damaged:?} at {at}");
            }
        }
    }
}

/// Cut short, as by somebody who copied half of it.
#[test]
fn a_location_without_its_end_is_not_begun_anew() {
    let before = bytes_of(&location());
    for len in [100 << 10, AREA, AREA + 100, 2 * AREA, 3 * AREA] {
        let disk = with_bytes(&before[..len]);
        assert_eq!(refused(&disk, RedbMode::ReadWriteCreate), ErrorKind::Corrupt, "{len} bytes");
        assert!(bytes_of(&disk) == before[..len], "{len} bytes were changed");
    }
}

/// redb asks for twelve gibibytes when it has eight; and where there is no more to be had, that is a lack of space.
#[test]
fn a_file_holds_twelve_gibibytes_and_says_when_it_is_full() {
    let disk = Disk::new(RedbOptions::new());
    let file = disk.file().unwrap();
    let (most, page) = (12 << 30, 4096);
    file.set_len(most + page).unwrap();
    file.write(most, &vec![7; 4096]).unwrap();
    file.flush().unwrap();
    assert!(disk.counted() < 8 << 20, "{}", disk.counted());
    for refused in [file.set_len(17 << 30), file.write(17 << 30, &[7])] {
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
    drop(file);
    let file = disk.file().unwrap();
    let mut found = vec![0; 4096];
    file.read(most, &mut found).unwrap();
    assert_eq!((file.len().unwrap(), found), (most + page, vec![7; 4096]));
}

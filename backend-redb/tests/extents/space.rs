//! How much of the quota a location takes.

use anystorage_api::{ErrorKind, StorageBackend, StoragePath};
use anystorage_redb::RedbOptions;
use futures_lite::future::block_on;

use crate::disk::Disk;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// redb by itself doubles the file: 40 MiB would take 65.
#[test]
fn a_file_takes_what_is_written_and_a_little_more() {
    let disk = Disk::new(RedbOptions::new().block_size(Some((16 << 10) - 256)));
    let backend = disk.open().unwrap();
    for number in 0..40 {
        block_on(backend.write(&path(&format!("{number}")), &vec![7; 1 << 20])).unwrap();
        block_on(backend.sync()).unwrap();
    }
    let counted = disk.counted();
    println!("40 MiB take {counted} bytes");
    assert!((40 << 20..48 << 20).contains(&counted), "{counted}");
    block_on(backend.close()).unwrap();
}

/// A file may be as long as it is to be, and its holes have no room: writes there are refused, which for those that wait is when they are flushed.
/// redb is opened again then, which may need room itself; where there is none it is read alone, until the location is opened again.
#[test]
fn a_disk_without_room_for_holes_is_full_and_loses_nothing() {
    for waiting in [4 << 20, 0] {
        let options = RedbOptions::new().block_size(Some((16 << 10) - 256)).relaxed_bytes(1 << 20);
        let disk = Disk::new(options).waiting(waiting);
        let mut backend = disk.open().unwrap();
        let content = |number: u32| vec![number as u8 + 1; 150_000];
        let name = |number: u32| path(&number.to_string());
        let (mut synced, mut refused, mut stopped) = (0, 0, 0);
        // Little room, and then room again.
        for round in 0..12 {
            disk.blocks.leave(Some(60 + 40 * round));
            let why = loop {
                let written = block_on(backend.write(&name(synced), &content(synced)));
                if let Err(error) = written.and_then(|()| block_on(backend.sync())) {
                    break error;
                }
                synced += 1;
                assert!(synced < 1000, "it is never full");
            };
            for number in 0..synced {
                assert_eq!(block_on(backend.read(&name(number))).unwrap(), content(number), "{waiting}, round {round}: {number}");
            }
            disk.blocks.leave(None);
            match why.kind() {
                ErrorKind::NoSpace => refused += 1,
                _ => {
                    assert!(why.to_string().contains("until the location is opened again"), "{waiting}, round {round}: {why}");
                    stopped += 1;
                    drop(backend);
                    backend = disk.open().unwrap();
                }
            }
            block_on(backend.write(&name(synced), &content(synced))).unwrap();
            block_on(backend.sync()).unwrap_or_else(|error| panic!("{waiting}, round {round}: {error}"));
            synced += 1;
        }
        println!("{waiting} bytes wait: {synced} files, {refused} times full, {stopped} times until it was opened again");
        assert!(refused > stopped);
        drop(backend);
        let backend = disk.open().unwrap();
        for number in 0..synced {
            assert_eq!(block_on(backend.read(&name(number))).unwrap(), content(number), "{waiting}: {number}");
        }
    }
}

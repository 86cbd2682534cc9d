//! How much of the quota a location takes.

use anystorage_api::{StorageBackend, StoragePath};
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

//! What is no location of ours: a clear error, and not one byte changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ::redb::{Database, MultimapTableDefinition, TableDefinition};
use anystorage_api::{ErrorKind, Operation, StorageBackend};
use anystorage_kv::Commit;
use anystorage_native::redb::{self, RedbMode, RedbOptions};
use futures_lite::future::block_on;

use crate::support::{fresh, get, path, put, refused, store};

/// Opening it in both modes is refused with this kind, the error says `what` and where, and the file stays as it is.
#[track_caller]
fn refuses(file: &Path, kind: ErrorKind, what: &str) {
    let before = fs::read(file).unwrap();
    for mode in [RedbMode::ReadWriteCreate, RedbMode::ReadWrite] {
        let error = redb::open(file, &RedbOptions::new().mode(mode)).unwrap_err();
        assert_eq!((error.kind(), error.operation()), (kind, Operation::OpenLocation), "{error}");
        let said = error.to_string();
        assert!(said.contains(what) && said.contains(file.to_str().unwrap()), "{said}");
        assert!(fs::read(file).unwrap() == before, "{what}: the file was changed");
    }
}

#[test]
fn files_that_are_something_else_are_named_and_left_as_they_are() {
    let (_directory, file) = fresh();
    let mut sqlite = b"SQLite format 3\0".to_vec();
    sqlite.resize(8192, 3);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.resize(3000, 200);
    let mut noise: Vec<u8> = (0..5000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    noise[0] = 0;
    for (bytes, kind, what) in [
        (b"notes\nfor later\n".to_vec(), ErrorKind::InvalidInput, "a text file"),
        (sqlite, ErrorKind::InvalidInput, "an SQLite database"),
        (png, ErrorKind::InvalidInput, "a PNG image"),
        (noise, ErrorKind::Corrupt, "no redb database"),
        (vec![0; 5 << 20], ErrorKind::Corrupt, "no redb database"),
        (b"x".to_vec(), ErrorKind::InvalidInput, "a text file"),
    ] {
        fs::write(&file, bytes).unwrap();
        refuses(&file, kind, what);
    }
}

#[test]
fn a_redb_database_of_another_program_is_left_as_it_is() {
    for multimap in [false, true] {
        let (_directory, file) = fresh();
        let database = Database::create(&file).unwrap();
        let transaction = database.begin_write().unwrap();
        if multimap {
            transaction.open_multimap_table(MultimapTableDefinition::<u64, u64>::new("theirs")).unwrap().insert(1, 2).unwrap();
        } else {
            transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap().insert(1, 2).unwrap();
        }
        transaction.commit().unwrap();
        // As a crash would leave it.
        fs::copy(&file, file.with_extension("crashed")).unwrap();
        drop(database);
        refuses(&file, ErrorKind::InvalidInput, "theirs");
        refuses(&file.with_extension("crashed"), ErrorKind::InvalidInput, "theirs");
    }
}

#[test]
fn our_table_with_other_types_is_left_as_it_is() {
    let (_directory, file) = fresh();
    let database = Database::create(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u64, u64>::new("anystorage")).unwrap().insert(1, 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    refuses(&file, ErrorKind::Corrupt, "damaged");
}

#[test]
fn a_location_that_was_cut_or_whose_beginning_is_damaged_is_left_as_it_is() {
    let (_directory, file) = fresh();
    let backend = redb::open(&file, &RedbOptions::new()).unwrap();
    block_on(async {
        for number in 0..20 {
            backend.write(&path(&format!("f{number}")), &vec![number; 90_000]).await.unwrap();
        }
        backend.sync().await.unwrap();
        backend.close().await.unwrap();
    });
    drop(backend);
    let whole = fs::read(&file).unwrap();
    for len in [1, 9, 300, 4096, 5000, 8192, 100_000, whole.len() - 4096, whole.len() - 1] {
        fs::write(&file, &whole[..len]).unwrap();
        let kind = if len == 1 { ErrorKind::InvalidInput } else { ErrorKind::Corrupt };
        refuses(&file, kind, "");
    }
    let mut damaged = whole.clone();
    damaged[3] ^= 0x10;
    fs::write(&file, &damaged).unwrap();
    refuses(&file, ErrorKind::Corrupt, "damaged");
    // Each bit of the flags that tell which commit is in force, which no checksum of redb covers.
    for bit in 0..8 {
        let mut damaged = whole.clone();
        damaged[9] ^= 1 << bit;
        fs::write(&file, &damaged).unwrap();
        // A location that is taken for one that was left open is recovered, and is right.
        if bit != 1 {
            refuses(&file, ErrorKind::Corrupt, "damaged");
        }
    }
    fs::write(&file, &whole).unwrap();
    let backend = redb::open(&file, &RedbOptions::new()).unwrap();
    assert_eq!(block_on(backend.read(&path("f7"))).unwrap(), vec![7; 90_000]);
}

/// Whatever redb had written of a new file when it was killed, the next opening begins again.
#[test]
fn a_creation_that_was_cut_short_is_made_again() {
    let (_directory, file) = fresh();
    let database = Database::create(&file).unwrap();
    let begun = fs::read(&file).unwrap();
    drop(database);
    let whole = fs::read(&file).unwrap();
    let mut zeros = begun.clone();
    zeros.fill(0);
    // Before the magic is written, the file is not marked as open either.
    let mut no_magic = begun.clone();
    no_magic[..9].fill(0);
    no_magic[9] &= !2;
    for bytes in [Vec::new(), zeros, no_magic, begun, whole] {
        fs::write(&file, &bytes).unwrap();
        assert_eq!(refused(redb::open(&file, &RedbOptions::new().mode(RedbMode::ReadWrite))), ErrorKind::NotFound);
        assert!(fs::read(&file).unwrap() == bytes, "opening without creating changed {} bytes", bytes.len());
        let first = store(&file);
        put(&first, b"a", b"1", Commit::Durable).unwrap();
        drop(first);
        assert_eq!(get(&store(&file), b"a").unwrap().unwrap(), b"1");
    }
}

#[test]
fn directories_missing_files_and_missing_permissions_are_told_apart() {
    let (directory, file) = fresh();
    let existing = RedbOptions::new().mode(RedbMode::ReadWrite);
    let error = redb::open(directory.path(), &RedbOptions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IsADirectory, "{error}");
    assert!(error.to_string().contains("name a file in it"), "{error}");
    for missing in [file.clone(), directory.path().join("a/b/c.redb")] {
        let error = redb::open(&missing, &existing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    redb::open(directory.path().join("a/b/c.redb"), &RedbOptions::new()).unwrap();
    redb::open(directory.path().join("a/b/c.redb"), &existing).unwrap();
    fs::write(&file, b"").unwrap();
    assert_eq!(refused(redb::open(file.join("below"), &RedbOptions::new())), ErrorKind::NotADirectory);
    assert_eq!(refused(redb::open(&file, &existing)), ErrorKind::NotFound);
    assert_eq!(fs::metadata(&file).unwrap().len(), 0);
    fs::remove_file(&file).unwrap();
    let status = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(status.success());
    let error = redb::open(&file, &RedbOptions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("not a regular file"), "{error}");
    // Root may do everything: without root's powers only where the test runs as somebody else.
    fs::remove_file(&file).unwrap();
    drop(store(&file));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().write(true).open(&file).is_err() {
        assert_eq!(refused(redb::open(&file, &RedbOptions::new())), ErrorKind::PermissionDenied);
    }
}

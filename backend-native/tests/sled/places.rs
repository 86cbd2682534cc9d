//! Directories that are something else, or damaged, or held: said what it is, and left as it was.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use anystorage_api::{Error, ErrorKind, Operation, StorageBackend, StoragePath};
use anystorage_native::sled::{self, Mode, SledOptions};
use futures_lite::future::block_on;

use crate::own_process::{again, own_part};

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// Everything below a directory, with its bytes.
fn bytes_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.insert(format!("{name}/"), Vec::new());
            found.extend(bytes_below(&entry.path()).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            found.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// Opening it is refused with an error that names it, and changes nothing.
#[track_caller]
fn refused(root: &Path, kind: ErrorKind, says: &str) -> Error {
    let before = bytes_below(root.parent().unwrap());
    let error = sled::open(root, &SledOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (kind, Operation::OpenLocation), "{error}");
    let text = error.to_string();
    assert!(text.contains(says) && text.contains(root.to_str().unwrap()), "{text}");
    assert!(bytes_below(root.parent().unwrap()) == before, "a refused opening changed something");
    error
}

fn populate(root: &Path) {
    let backend = sled::open(root, &SledOptions::new()).unwrap();
    block_on(async {
        backend.write(&path("file"), b"bytes").await.unwrap();
        backend.sync().await.unwrap();
        backend.close().await.unwrap();
    });
}

#[test]
fn other_things_are_told_and_left() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("letter"), b"dear").unwrap();
    refused(&root, ErrorKind::InvalidInput, "letter");

    let file = directory.path().join("file");
    std::fs::write(&file, b"bytes").unwrap();
    for place in [file.clone(), file.join("below")] {
        let error = sled::open(&place, &SledOptions::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotADirectory, "{error}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"bytes");
}

#[test]
fn a_sled_database_of_another_program_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let database = ::sled::open(&root).unwrap();
    database.open_tree("theirs").unwrap().insert("key", "value").unwrap();
    database.flush().unwrap();
    drop(database);
    refused(&root, ErrorKind::InvalidInput, "another program");
}

#[test]
fn a_missing_location_is_made_only_where_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b");
    let existing = SledOptions::new().mode(Mode::ReadWrite);
    assert_eq!(sled::open(&root, &existing).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    std::fs::create_dir_all(&root).unwrap();
    assert_eq!(sled::open(&root, &existing).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
    populate(&root);
    let backend = sled::open(&root, &existing).unwrap();
    assert_eq!(block_on(backend.read(&path("file"))).unwrap(), b"bytes");
}

#[test]
fn damaged_and_missing_files_are_told_and_left() {
    let directory = tempfile::tempdir().unwrap();
    for (name, damage) in [("conf", 5_usize), ("conf", 20), ("anystorage", 2), ("anystorage", 18)] {
        let root = directory.path().join(format!("{name}{damage}")).join("root");
        populate(&root);
        let mut bytes = std::fs::read(root.join(name)).unwrap();
        bytes[damage] ^= 1;
        std::fs::write(root.join(name), bytes).unwrap();
        refused(&root, ErrorKind::Corrupt, name);
    }
    for name in ["conf", "db"] {
        let root = directory.path().join(format!("no {name}")).join("root");
        populate(&root);
        std::fs::remove_file(root.join(name)).unwrap();
        refused(&root, ErrorKind::Corrupt, name);
    }
    let root = directory.path().join("newer").join("root");
    populate(&root);
    std::fs::write(root.join("anystorage"), b"anystorage sled 2\n").unwrap();
    refused(&root, ErrorKind::Unsupported, "newer");
}

/// A kill while sled writes a snapshot leaves one that is not whole, which sled takes for the newest, and finds damaged.
#[test]
fn a_snapshot_that_was_not_finished_does_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    populate(&root);
    populate(&root);
    std::fs::write(root.join("snap.7FFFFFFFFFFFFFFF.generating"), b"half").unwrap();
    let backend = sled::open(&root, &SledOptions::new()).unwrap();
    assert_eq!(block_on(backend.read(&path("file"))).unwrap(), b"bytes");
    assert!(!root.join("snap.7FFFFFFFFFFFFFFF.generating").exists());
}

/// A kill while the location was being made leaves some of its files, which may be torn.
#[test]
fn a_creation_that_was_cut_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    for (number, files) in [
        vec![("anystorage", &b""[..])],
        vec![("anystorage", b"anystor")],
        vec![("anystorage", b"anystorage sled 1\n"), ("conf", b"segment_size: 5242")],
        vec![("anystorage", b"anystorage sled 1\n"), ("conf", &[0; 60]), ("db", b"")],
    ]
    .into_iter()
    .enumerate()
    {
        let root = directory.path().join(number.to_string());
        std::fs::create_dir(&root).unwrap();
        for (name, bytes) in files {
            std::fs::write(root.join(name), bytes).unwrap();
        }
        populate(&root);
        let backend = sled::open(&root, &SledOptions::new()).unwrap();
        assert_eq!(block_on(backend.read(&path("file"))).unwrap(), b"bytes");
    }
}

#[test]
fn a_second_opening_in_the_same_process_is_locked_until_close() {
    let directory = tempfile::tempdir().unwrap();
    let first = sled::open(directory.path().join("root"), &SledOptions::new()).unwrap();
    let error = sled::open(directory.path().join("root"), &SledOptions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains("this process"), "{error}");
    block_on(first.close()).unwrap();
    sled::open(directory.path().join("root"), &SledOptions::new()).unwrap();
}

#[test]
fn another_process_is_locked_out_until_the_holder_is_killed() {
    if let Some(root) = own_part() {
        let _backend = sled::open(root, &SledOptions::new()).unwrap();
        println!("held");
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let mut child = again("places::another_process_is_locked_out_until_the_holder_is_killed", &root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("held")), "the holder ended before it held");
    let error = sled::open(&root, &SledOptions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains(&child.id().to_string()), "{error} does not name process {}", child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    sled::open(&root, &SledOptions::new()).unwrap();
}

/// A program that opens the same directory through sled itself, knowing nothing of the engine.
#[test]
fn a_program_that_holds_the_database_through_sled_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    populate(&root);
    // A child that another test has just begun shares every descriptor, and with it the lock, until it runs its own program.
    let wait = |_| std::thread::sleep(std::time::Duration::from_millis(20));
    let _theirs = (0..500).find_map(|_| ::sled::open(&root).map_err(wait).ok()).unwrap();
    let error = sled::open(&root, &SledOptions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
}

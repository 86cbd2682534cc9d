//! Which locations there are, who may open them, and what else a database may be.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};
use anystorage_idb::{IdbMode, IdbOptions, MAX_NAME_LEN};
use futures_lite::future::zip;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{connect, database, disconnect, fresh, path, refused};

#[wasm_bindgen_test]
async fn a_missing_location_is_not_created_unless_asked_for() {
    let name = fresh("missing");
    let existing = IdbOptions::new().mode(IdbMode::ReadWrite);
    for _ in 0..2 {
        let (kind, text) = refused(anystorage_idb::open(&name, &existing).await);
        assert_eq!(kind, ErrorKind::NotFound, "{text}");
        assert!(!anystorage_idb::list().await.unwrap().contains(&name));
    }
    anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap().close().await.unwrap();
    assert!(anystorage_idb::list().await.unwrap().contains(&name));
    anystorage_idb::open(&name, &existing).await.unwrap().close().await.unwrap();
}

#[wasm_bindgen_test]
async fn locations_are_removed_unless_they_are_open() {
    let name = fresh("removed");
    assert_eq!(refused(anystorage_idb::remove(&name).await).0, ErrorKind::NotFound);
    let backend = anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap();
    backend.write(&path("file"), b"bytes").await.unwrap();
    backend.sync().await.unwrap();
    assert_eq!(refused(anystorage_idb::remove(&name).await).0, ErrorKind::Locked);
    assert_eq!(backend.read(&path("file")).await.unwrap(), b"bytes");
    backend.close().await.unwrap();
    anystorage_idb::remove(&name).await.unwrap();
    assert!(!anystorage_idb::list().await.unwrap().contains(&name));
    let again = anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap();
    assert_eq!(again.list(&path(""), None, 10).await.unwrap(), []);
}

/// A script that has a connection open, and does not let go, holds up the deletion, which the browser makes when it can.
#[wasm_bindgen_test]
async fn a_removal_that_is_held_up_says_so() {
    let name = fresh("removed later");
    anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap().close().await.unwrap();
    let stubborn = connect(&database(&name), 1).await;
    let (kind, text) = refused(anystorage_idb::remove(&name).await);
    assert_eq!(kind, ErrorKind::Locked);
    assert!(text.contains("will be deleted by the browser when nobody has it open"), "{text}");
    disconnect(&stubborn).await;
    let (kind, _) = refused(anystorage_idb::open(&name, &IdbOptions::new().mode(IdbMode::ReadWrite)).await);
    assert_eq!(kind, ErrorKind::NotFound);
}

#[wasm_bindgen_test]
async fn another_programs_database_is_left_alone() {
    let name = fresh("foreign");
    let connection = connect(&database(&name), 1).await;
    let (kind, text) = refused(anystorage_idb::open(&name, &IdbOptions::new()).await);
    assert_eq!(kind, ErrorKind::InvalidInput, "{text}");
    disconnect(&connection).await;
}

#[wasm_bindgen_test]
async fn names_are_anything_but_empty_or_very_long() {
    assert_eq!(refused(anystorage_idb::open("", &IdbOptions::new()).await).0, ErrorKind::InvalidInput);
    assert_eq!(refused(anystorage_idb::remove("").await).0, ErrorKind::InvalidInput);
    let long = "\u{e9}".repeat(MAX_NAME_LEN / 2 + 1);
    assert_eq!(refused(anystorage_idb::open(&long, &IdbOptions::new()).await).0, ErrorKind::InvalidInput);
    let mut backends = Vec::new();
    let odd = ["a", "a/b", "A", "a b", "../a", "\u{1f980}", "e\u{301}", "\u{e9}", "-", "'\"\\<>", "a\0b", &"x".repeat(MAX_NAME_LEN - 20)]
        .map(fresh);
    for name in &odd {
        let backend = anystorage_idb::open(name, &IdbOptions::new()).await.unwrap();
        backend.write(&path("name"), name.as_bytes()).await.unwrap();
        backends.push(backend);
    }
    for (backend, name) in backends.iter().zip(&odd) {
        assert_eq!(backend.read(&path("name")).await.unwrap(), name.as_bytes());
    }
}

/// Two instances race for one location again and again: one gets it, and what it syncs is there for the next.
#[wasm_bindgen_test]
async fn of_two_instances_one_has_the_location() {
    let name = fresh("raced for");
    let options = IdbOptions::new();
    for round in 0..20_u64 {
        let (first, second) = zip(anystorage_idb::open(&name, &options), anystorage_idb::open(&name, &options)).await;
        let winner = match (first, second) {
            (Ok(winner), Err(error)) | (Err(error), Ok(winner)) => {
                assert_eq!(error.kind(), ErrorKind::Locked);
                winner
            }
            (Ok(_), Ok(_)) => panic!("both have it"),
            (Err(first), Err(second)) => panic!("none has it: {first}; {second}"),
        };
        let log = winner.open(&path("log"), &OpenOptions::editing()).await.unwrap();
        assert_eq!(log.stat().await.unwrap().len, round);
        log.write_at(round, b"x").await.unwrap();
        log.sync().await.unwrap();
        if round % 2 == 0 {
            winner.close().await.unwrap();
        }
    }
}

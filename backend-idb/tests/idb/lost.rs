//! The browser takes a connection away: WebKit does so to tabs in the background.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};
use anystorage_browser_host::global;
use anystorage_idb::faults::{CommitFault, CommitFaults};
use anystorage_idb::{IdbBackend, IdbOptions};
use futures_lite::future::zip;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{database, delete, fresh, path, refused, spoil};

/// Nothing is cached: every read asks the browser.
async fn open(name: &str) -> (IdbBackend, CommitFaults) {
    let faults = CommitFaults::default();
    let backend = anystorage_idb::open_with_faults(name, &IdbOptions::new().cache_bytes(0), &faults).await.unwrap();
    (backend, faults)
}

#[wasm_bindgen_test]
async fn reads_and_commits_go_on_over_another_connection() {
    let name = fresh("lost");
    let (backend, _) = open(&name).await;
    let file = backend.open(&path("file"), &OpenOptions::editing()).await.unwrap();
    for round in 0..5_u8 {
        file.write_at(0, &[round; 50_000]).await.unwrap();
        backend.store().inner().lose_connection();
        file.sync().await.unwrap();
        backend.store().inner().lose_connection();
        assert_eq!(backend.read(&path("file")).await.unwrap(), [round; 50_000]);
        backend.store().inner().lose_connection();
        // Many at a time, which all find out.
        let (first, second) = zip(backend.list(&path(""), None, 10), backend.read(&path("file"))).await;
        assert_eq!((first.unwrap().len(), second.unwrap().len()), (1, 50_000));
    }
    drop(file);
    backend.close().await.unwrap();
    let (again, _) = open(&name).await;
    assert_eq!(again.read(&path("file")).await.unwrap(), [4; 50_000]);
}

/// The connection goes in the middle of a commit: whether that was made is looked up, and nobody notices.
#[wasm_bindgen_test]
async fn the_outcome_of_a_commit_is_found_out() {
    let name = fresh("lost in a commit");
    let (backend, faults) = open(&name).await;
    let faulty = [CommitFault::LostBefore, CommitFault::LostAfter, CommitFault::LostAfter, CommitFault::LostBefore];
    for (round, fault) in (0..).zip(faulty) {
        backend.write(&path("file"), &[round; 50_000]).await.unwrap();
        backend.write(&path(&format!("file {round}")), b"bytes").await.unwrap();
        faults.next(fault);
        backend.sync().await.unwrap();
        assert_eq!(faults.count(), u64::from(round) + 1, "the fault was not met");
        assert_eq!(backend.read(&path("file")).await.unwrap(), [round; 50_000], "{fault:?}");
    }
    backend.close().await.unwrap();
    let (again, _) = open(&name).await;
    assert_eq!(again.list(&path(""), None, 10).await.unwrap().len(), 5);
    assert_eq!(again.read(&path("file")).await.unwrap(), [3; 50_000]);
}

/// The very first commit of an instance has no other before it.
#[wasm_bindgen_test]
async fn the_first_commit_can_be_lost_too() {
    let name = fresh("first commit");
    for fault in [CommitFault::LostBefore, CommitFault::LostAfter] {
        let (backend, faults) = open(&name).await;
        backend.write(&path("file"), format!("{fault:?}").as_bytes()).await.unwrap();
        faults.next(fault);
        backend.sync().await.unwrap();
        backend.close().await.unwrap();
        let (again, _) = open(&name).await;
        assert_eq!(again.read(&path("file")).await.unwrap(), format!("{fault:?}").as_bytes());
    }
}

/// Clearing the data of the site takes the connection and the database.
#[wasm_bindgen_test]
async fn a_database_that_is_gone_is_not_made_anew() {
    let name = fresh("cleared");
    let (backend, _) = open(&name).await;
    backend.write(&path("file"), b"bytes").await.unwrap();
    backend.sync().await.unwrap();
    backend.store().inner().lose_connection();
    assert_eq!(delete(&database(&name)).await, "deleted");
    for _ in 0..2 {
        let (kind, text) = refused(backend.read(&path("file")).await);
        assert_eq!(kind, ErrorKind::Disconnected);
        assert!(text.contains("its data were deleted"), "{text}");
    }
    assert!(!anystorage_idb::list().await.unwrap().contains(&name));
    backend.close().await.unwrap();
}

/// A database that came back without commits that were made is not the one that the instance has in mind.
#[wasm_bindgen_test]
async fn a_database_that_is_not_as_it_was_left_is_refused() {
    let name = fresh("set back");
    let (backend, _) = open(&name).await;
    backend.write(&path("file"), b"bytes").await.unwrap();
    backend.sync().await.unwrap();
    backend.store().inner().lose_connection();
    spoil(&database(&name), &JsValue::from_str("nothing")).await;
    for _ in 0..2 {
        let (kind, text) = refused(backend.read(&path("file")).await);
        assert_eq!(kind, ErrorKind::Disconnected);
        assert!(text.contains("not as it was left"), "{text}");
    }
    drop(backend);
    global::sleep(1.0).await;
    assert_eq!(refused(anystorage_idb::open(&name, &IdbOptions::new()).await).0, ErrorKind::Corrupt);
}

//! Somebody else deletes or upgrades the database while an instance has it open: they must not have to wait for it.

use anystorage_api::{ErrorKind, StorageBackend};
use anystorage_idb::IdbOptions;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{connect, database, delete, disconnect, fresh, path, refused};

#[wasm_bindgen_test]
async fn a_deletion_goes_through_and_the_instance_says_so() {
    let name = fresh("deleted");
    let options = IdbOptions::new().cache_bytes(0);
    let backend = anystorage_idb::open(&name, &options).await.unwrap();
    backend.write(&path("file"), b"bytes").await.unwrap();
    backend.sync().await.unwrap();
    assert_eq!(delete(&database(&name)).await, "deleted");
    for _ in 0..2 {
        let (kind, text) = refused(backend.read(&path("file")).await);
        assert_eq!(kind, ErrorKind::Disconnected, "{text}");
        assert!(text.contains("another tab or script deleted or upgraded"), "{text}");
        assert_eq!(refused(backend.write(&path("new"), b"bytes").await).0, ErrorKind::Disconnected);
        assert_eq!(refused(backend.list(&path(""), None, 10).await).0, ErrorKind::Disconnected);
    }
    // It still holds the location, until it is closed.
    assert_eq!(refused(anystorage_idb::open(&name, &options).await).0, ErrorKind::Locked);
    backend.close().await.unwrap();
    let again = anystorage_idb::open(&name, &options).await.unwrap();
    assert_eq!(again.list(&path(""), None, 10).await.unwrap(), []);
}

/// What was under way is finished first: the deletion waits for it. Where the browser asks for the database before the commit has begun, nothing
/// is under way yet, and that is tried again.
#[wasm_bindgen_test]
async fn a_commit_under_way_is_finished_before_a_deletion() {
    for _ in 0..20 {
        let name = fresh("deleted in a commit");
        let backend = anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap();
        backend.write(&path("file"), &[1; 1 << 20]).await.unwrap();
        let (synced, deleted) = futures_lite::future::zip(backend.sync(), delete(&database(&name))).await;
        assert_eq!(deleted, "deleted");
        if let Err(error) = synced {
            assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
            backend.close().await.unwrap();
            continue;
        }
        backend.write(&path("file"), &[2; 1 << 20]).await.unwrap();
        assert_eq!(refused(backend.sync().await).0, ErrorKind::Disconnected);
        assert_eq!(refused(backend.sync().await).0, ErrorKind::Disconnected);
        backend.close().await.unwrap();
        return;
    }
    panic!("no commit was finished");
}

#[wasm_bindgen_test]
async fn an_upgrade_goes_through_and_its_database_is_not_taken_for_ours() {
    let name = fresh("upgraded");
    let options = IdbOptions::new().cache_bytes(0);
    let backend = anystorage_idb::open(&name, &options).await.unwrap();
    backend.write(&path("file"), b"bytes").await.unwrap();
    backend.sync().await.unwrap();
    let connection = connect(&database(&name), 2).await;
    assert_eq!(refused(backend.read(&path("file")).await).0, ErrorKind::Disconnected);
    drop(backend);
    let (kind, text) = refused(anystorage_idb::open(&name, &options).await);
    assert_eq!(kind, ErrorKind::Unsupported, "{text}");
    disconnect(&connection).await;
}

/// A deletion that waits for a connection which does not close holds up everybody who opens the database, without telling them.
#[wasm_bindgen_test]
async fn an_open_that_is_held_up_is_locked_and_works_later() {
    let name = fresh("held up");
    let stubborn = connect(&database(&name), 1).await;
    assert_eq!(delete(&database(&name)).await, "blocked");
    let (kind, text) = refused(anystorage_idb::open(&name, &IdbOptions::new()).await);
    assert_eq!(kind, ErrorKind::Locked, "{text}");
    let (kind, text) = refused(anystorage_idb::remove(&name).await);
    assert_eq!(kind, ErrorKind::Locked, "{text}");
    disconnect(&stubborn).await;
    // What was asked for before and came too late has been closed, and is in nobody's way.
    let backend = anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap();
    backend.write(&path("file"), b"bytes").await.unwrap();
    backend.close().await.unwrap();
    assert_eq!(delete(&database(&name)).await, "deleted");
}

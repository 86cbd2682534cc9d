//! Databases in a dedicated worker of a browser, over OPFS packed and the pool of handles.

use std::sync::Arc;

use anystorage_api::{Blocking, StorageBackend, StoragePath};
use anystorage_databases::shop::{check, fill, shrunk};
use anystorage_memory::MemoryBackend;
use anystorage_opfs::packed::{self, PackedOptions};
use anystorage_opfs::pool::{self, PoolOptions};
use anystorage_sqlite::{Journal, Settings, Vfs, register};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::checks::assert_sound;

const JOURNALS: [Journal; 6] = [Journal::Delete, Journal::Truncate, Journal::Persist, Journal::Memory, Journal::Wal, Journal::Off];

/// A location that no other test and no other run has.
fn fresh(name: &str) -> String {
    format!("{name} {:x}", anystorage_browser_host::global::random())
}

/// Those whose calls never wait.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Packed,
    Pool,
}

const LAYOUTS: [Layout; 2] = [Layout::Packed, Layout::Pool];

/// A VFS of its own over the location.
async fn open(layout: Layout, location: &str) -> (Vfs, Arc<dyn StorageBackend>) {
    let backend: Arc<dyn StorageBackend> = match layout {
        Layout::Packed => Arc::new(packed::open(location, &PackedOptions::new()).await.unwrap()),
        Layout::Pool => Arc::new(pool::open(location, &PoolOptions::new()).await.unwrap()),
    };
    (register(&fresh("vfs"), Blocking::new(Arc::clone(&backend)).unwrap()).unwrap(), backend)
}

async fn close(vfs: Vfs, backend: Arc<dyn StorageBackend>) {
    vfs.unregister().unwrap();
    backend.close().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_database_is_created_queried_closed_and_found_again() {
    for layout in LAYOUTS {
        let location = fresh("databases");
        let (vfs, backend) = open(layout, &location).await;
        let mut database = vfs.open("shop/shop.db").unwrap();
        let expected = fill(&mut database, 1_000).unwrap();
        check(&database, &expected).unwrap();
        let expected = shrunk(&database, expected).unwrap();
        database.close().unwrap();
        close(vfs, backend).await;
        let (vfs, backend) = open(layout, &location).await;
        check(&vfs.open("shop/shop.db").unwrap(), &expected).unwrap();
        let bytes = vfs.export("shop/shop.db").unwrap();
        vfs.import("copy.db", &bytes).unwrap();
        check(&vfs.open("copy.db").unwrap(), &expected).unwrap();
        close(vfs, backend).await;
        anystorage_opfs::remove(&location).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn every_journal_mode_works_and_leaves_the_database_alone() {
    for layout in LAYOUTS {
        let location = fresh("journals");
        for (round, journal) in (1..).zip(JOURNALS) {
            let (vfs, backend) = open(layout, &location).await;
            let database = vfs.open_with("a.db", &Settings::recommended().journal(journal)).unwrap();
            database.execute_batch("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (randomblob(9000))").unwrap();
            let count: i64 = database.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
            assert_eq!(count, round, "{journal:?}");
            assert_sound(&database);
            database.close().unwrap();
            close(vfs, backend).await;
        }
        anystorage_opfs::remove(&location).await.unwrap();
    }
}

/// What was committed is there although nothing was closed, as after a worker's end.
#[wasm_bindgen_test]
async fn a_commit_needs_no_closing() {
    for layout in LAYOUTS {
        let location = fresh("left open");
        let (vfs, backend) = open(layout, &location).await;
        let database = vfs.open("a.db").unwrap();
        database.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)").unwrap();
        database.execute_batch("BEGIN; INSERT INTO t VALUES (3)").unwrap();
        // The engine is closed below the open transaction: it answers no more, and syncs nothing.
        backend.close().await.unwrap();
        assert!(database.execute_batch("COMMIT").is_err());
        assert_eq!(vfs.last_error().unwrap().kind(), anystorage_api::ErrorKind::Closed);
        let (again, backend) = open(layout, &location).await;
        let found = again.open("a.db").unwrap();
        assert_eq!(found.query_row("SELECT sum(x) FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 3);
        assert_sound(&found);
        found.close().unwrap();
        close(again, backend).await;
        anystorage_opfs::remove(&location).await.unwrap();
    }
}

#[wasm_bindgen_test]
fn a_database_in_memory_needs_no_worker() {
    let storage = Arc::new(MemoryBackend::new());
    let vfs = register(&fresh("memory"), Blocking::new(Arc::clone(&storage)).unwrap()).unwrap();
    let mut database = vfs.open("a.db").unwrap();
    let expected = fill(&mut database, 400).unwrap();
    check(&database, &expected).unwrap();
    database.close().unwrap();
    assert!(Blocking::new(storage).unwrap().is_file(&StoragePath::parse("a.db").unwrap()).unwrap());
    vfs.unregister().unwrap();
}

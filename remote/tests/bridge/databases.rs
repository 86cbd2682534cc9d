//! SQLite over the bridge over IndexedDB, which by itself no synchronous code can use.

use anystorage_api::Blocking;
use anystorage_remote::shared::{self, SharedOptions};
use anystorage_sqlite::{Vfs, register};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{fresh, idb};

async fn open(name: &str) -> Vfs {
    let storage = Blocking::new(shared::open(idb, name, &SharedOptions::new()).await.unwrap()).unwrap();
    register(&fresh("vfs"), storage).unwrap()
}

#[wasm_bindgen_test]
async fn a_database_over_indexeddb_is_created_closed_and_found_again() {
    let name = fresh("database");
    let vfs = open(&name).await;
    let database = vfs.open("shop/shop.db").unwrap();
    database.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, x BLOB)").unwrap();
    for _ in 0..20 {
        // Each is a transaction of its own.
        database.execute_batch("INSERT INTO t (x) VALUES (randomblob(9000))").unwrap();
    }
    database.execute_batch("BEGIN; DELETE FROM t WHERE n % 3 = 0; ROLLBACK; DELETE FROM t WHERE n % 4 = 0").unwrap();
    database.close().unwrap();
    vfs.unregister().unwrap();

    let vfs = open(&name).await;
    let database = vfs.open("shop/shop.db").unwrap();
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let found: (i64, i64) = database.query_row("SELECT count(*), sum(length(x)) FROM t", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(found, (15, 15 * 9_000));
    database.close().unwrap();
    vfs.unregister().unwrap();
    // Its worker lets the location go when the last of it is dropped.
    anystorage_idb::remove(&name).await.unwrap();
}

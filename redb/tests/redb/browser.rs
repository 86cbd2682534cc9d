//! Databases in a dedicated worker of a browser. `ANYSTORAGE_KEYS`, when this is built, says how many keys; 5,000 if it is not set.

use anystorage_api::{Blocking, StorageBackend};
use anystorage_databases::keys::{check, fill};
use anystorage_databases::records::{commit, commits};
use anystorage_opfs::packed::{self, PackedOptions};
use anystorage_opfs::pool::{self, PoolOptions};
use anystorage_redb_face::Databases;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::{create, path};

fn keys() -> u64 {
    option_env!("ANYSTORAGE_KEYS").map_or(5_000, |text| text.parse().unwrap())
}

/// Fills a database, opens the location again without closing anything, and looks.
async fn filled_and_found_again<F: Future<Output = Box<dyn StorageBackend>>>(open: impl Fn() -> F) {
    let file = path("deep/keys.redb");
    let databases = Databases::on(Blocking::new(open().await).unwrap()).unwrap();
    databases.engine().create_dir(&path("deep")).unwrap();
    let database = create(databases.open(&file).unwrap()).unwrap();
    fill(&database, 0..keys()).unwrap();
    for number in 1..=30 {
        commit(&database, number).unwrap();
    }
    check(&database, keys()).unwrap();
    let len = databases.engine().stat(&file).unwrap().len;
    console_log!("{} keys, {len} bytes", keys());
    // redb learns of no end.
    std::mem::forget(database);
    databases.engine().backend().close().await.unwrap();
    drop(databases);
    let databases = Databases::on(Blocking::new(open().await).unwrap()).unwrap();
    let mut database = create(databases.open_existing(&file).unwrap()).unwrap();
    check(&database, keys()).unwrap();
    assert_eq!(commits(&database).unwrap(), 30);
    assert!(database.check_integrity().unwrap());
    drop(database);
    databases.engine().backend().close().await.unwrap();
}

#[wasm_bindgen_test]
async fn keys_in_packed_opfs_are_found_again() {
    let name = format!("redb {:x}", anystorage_browser_host::global::random());
    filled_and_found_again(async || packed::open(&name, &PackedOptions::new()).await.unwrap()).await;
    anystorage_opfs::remove(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn keys_in_the_pool_of_opfs_are_found_again() {
    let name = format!("redb {:x}", anystorage_browser_host::global::random());
    filled_and_found_again(async || Box::new(pool::open(&name, &PoolOptions::new()).await.unwrap()) as Box<dyn StorageBackend>).await;
    anystorage_opfs::remove(&name).await.unwrap();
}

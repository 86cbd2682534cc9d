//! Databases in a dedicated worker of a browser. `ANYSTORAGE_KEYS`, when this is built, says how many keys; 5,000 if it is not set.

use anystorage_api::{Blocking, StorageBackend};
use anystorage_opfs::packed::{self, PackedOptions};
use anystorage_opfs::pool::{self, PoolOptions};
use anystorage_redb_face::Databases;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::{commit, commits, create, path};

const KEYS: TableDefinition<'_, u64, u64> = TableDefinition::new("keys");
/// In one commit.
const AT_ONCE: u64 = 1_000;

fn keys() -> u64 {
    option_env!("ANYSTORAGE_KEYS").map_or(5_000, |text| text.parse().unwrap())
}

/// Spread over all numbers.
fn key(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn fill(database: &Database, count: u64) {
    for first in (0..count).step_by(AT_ONCE as usize) {
        let transaction = database.begin_write().unwrap();
        {
            let mut table = transaction.open_table(KEYS).unwrap();
            for number in first..count.min(first + AT_ONCE) {
                table.insert(key(number), number).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}

fn check(database: &Database, count: u64) {
    let table = database.begin_read().unwrap().open_table(KEYS).unwrap();
    assert_eq!(table.len().unwrap(), count);
    for number in 0..count {
        assert_eq!(table.get(key(number)).unwrap().map(|found| found.value()), Some(number));
    }
    assert!(table.iter().unwrap().map(|entry| entry.unwrap().0.value()).is_sorted());
}

/// Fills a database, opens the location again without closing anything, and looks.
async fn filled_and_found_again<F: Future<Output = Box<dyn StorageBackend>>>(open: impl Fn() -> F) {
    let file = path("deep/keys.redb");
    let databases = Databases::on(Blocking::new(open().await).unwrap()).unwrap();
    databases.engine().create_dir(&path("deep")).unwrap();
    let database = create(databases.open(&file).unwrap()).unwrap();
    fill(&database, keys());
    for number in 1..=30 {
        commit(&database, number).unwrap();
    }
    check(&database, keys());
    let len = databases.engine().stat(&file).unwrap().len;
    console_log!("{} keys, {len} bytes", keys());
    // redb learns of no end.
    std::mem::forget(database);
    databases.engine().backend().close().await.unwrap();
    drop(databases);
    let databases = Databases::on(Blocking::new(open().await).unwrap()).unwrap();
    let mut database = create(databases.open_existing(&file).unwrap()).unwrap();
    check(&database, keys());
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

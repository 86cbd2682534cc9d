//! The store by itself, as the engine asks it, and the records below it.

use anystorage_api::{Durability, ErrorKind, StorageBackend};
use anystorage_browser_host::global;
use anystorage_idb::{IdbMode, IdbOptions, IdbStore};
use anystorage_kv::testing::check_store;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{database, fresh, path, refused, spoil};

#[wasm_bindgen_test]
async fn the_store_keeps_what_the_trait_promises() {
    for seed in [1, 2, global::random()] {
        let name = fresh("checked");
        let open = || IdbStore::open(&name, IdbMode::ReadWriteCreate);
        check_store(open, seed, 5).await.unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[wasm_bindgen_test]
async fn records_that_are_not_bytes_are_damage() {
    for value in [JsValue::from_str("text"), JsValue::from(7), JsValue::NULL, js_sys::Array::new().into()] {
        let name = fresh("spoilt");
        let backend = anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap();
        backend.write(&path("file"), b"bytes").await.unwrap();
        backend.sync().await.unwrap();
        backend.close().await.unwrap();
        spoil(&database(&name), &value).await;
        let (kind, text) = refused(anystorage_idb::open(&name, &IdbOptions::new()).await);
        assert_eq!(kind, ErrorKind::Corrupt, "{text}");
    }
}

#[wasm_bindgen_test]
async fn options_are_what_the_location_has() {
    let name = fresh("options");
    assert_eq!(refused(anystorage_idb::open(&name, &IdbOptions::new().block_size(Some(7))).await).0, ErrorKind::InvalidInput);
    let backend = anystorage_idb::open(&name, &IdbOptions::new().block_size(Some(1000))).await.unwrap();
    assert_eq!(backend.block_size(), 1000);
    assert_eq!(backend.capabilities().durability, Durability::Process);
    backend.close().await.unwrap();
    let again = anystorage_idb::open(&name, &IdbOptions::new()).await.unwrap();
    assert_eq!(again.block_size(), 1000);
}

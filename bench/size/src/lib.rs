//! What a program in a browser does with storage at the least: opens OPFS, or else IndexedDB, writes, syncs, reads, lists, removes.
//!
//! `cargo xtask size` builds, optimises and compresses it, and compares the result with a bound.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use anystorage::{Result, Storage, StorageBackend, StorageConfig, StoragePath, StorageUrl};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Counts the openings of a location, in a file of it, and tells what else is there.
///
/// # Errors
/// What the engine answers, in words.
#[wasm_bindgen]
pub async fn visit(first: String, second: String) -> std::result::Result<String, JsError> {
    let config = StorageConfig::new(StorageUrl::parse(&first)?).or(StorageUrl::parse(&second)?);
    Ok(count(&config.open().await?).await?)
}

async fn count(storage: &Storage) -> Result<String> {
    let counter = StoragePath::parse("visits")?;
    let visits = storage.read(&counter).await.map_or(0, |bytes| bytes.len());
    storage.write(&counter, &vec![b'|'; visits + 1]).await?;
    storage.sync().await?;
    let names = storage.list(&StoragePath::root(), None, 100).await?;
    storage.close().await?;
    Ok(format!("{}: {} visits, {} names", storage.report().opened, visits + 1, names.len()))
}

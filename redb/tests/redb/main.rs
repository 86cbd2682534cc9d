//! redb over the engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod browser;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod engines;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod kill;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod power_cut;

use anystorage_api::StoragePath;
use redb::Database;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn create(file: impl redb::StorageBackend) -> Result<Database, redb::DatabaseError> {
    Database::builder().set_cache_size(1 << 20).create_with_backend(file)
}

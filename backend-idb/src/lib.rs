//! The anystorage engine over IndexedDB.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod connection;
mod database;
mod error;
pub mod faults;
mod options;
mod request;
mod stamp;
mod store;
#[cfg(feature = "conformance")]
pub mod subject;
mod transaction;

use anystorage_api::{Durability, Result};
use anystorage_browser_host::{global, task};
use anystorage_kv::{KvBackend, KvOptions, Paged};

pub use database::{list, remove};
pub use options::{DEFAULT_BLOCK_SIZE, DEFAULT_CACHE_BYTES, IdbMode, IdbOptions};
pub use store::IdbStore;

use crate::faults::CommitFaults;

/// The bytes of changes in memory. What is beyond goes to the browser in relaxed commits.
const DIRTY_BYTES: usize = 8 << 20;

/// A tree of files in an IndexedDB database.
pub type IdbBackend = KvBackend<Paged<IdbStore>>;

/// Opens the location of this name, and holds it until it is closed or dropped.
///
/// # Errors
/// Those of [`IdbStore::open`]; [`InvalidInput`](anystorage_api::ErrorKind::InvalidInput) for a block size that cannot be.
pub async fn open(name: &str, options: &IdbOptions) -> Result<IdbBackend> {
    open_with_faults(name, options, &CommitFaults::default()).await
}

/// As [`open`], with commits that go wrong as `faults` says: for tests.
///
/// # Errors
/// Those of [`open`].
pub async fn open_with_faults(name: &str, options: &IdbOptions, faults: &CommitFaults) -> Result<IdbBackend> {
    let store = IdbStore::open_with_faults(name, options.mode, faults).await?;
    let pages = options.cache_bytes / 8;
    let kv = KvOptions::new()
        .durability(Durability::Process)
        .spawner(task::spawn)
        .usage(false)
        .block_size(options.block_size.map_or(DEFAULT_BLOCK_SIZE, std::num::NonZeroUsize::get))
        .dirty_bytes(DIRTY_BYTES)
        .cache_bytes(options.cache_bytes - pages)
        .clock(global::now)
        .salt(global::random())
        .create(options.mode == IdbMode::ReadWriteCreate);
    KvBackend::open(Paged::new(store, pages), kv).await
}

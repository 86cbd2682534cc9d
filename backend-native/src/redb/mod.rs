//! Files in a redb store.

mod direct;
mod error;
mod header;
mod medium;
mod open;
mod options;
mod overlay;
mod recover;
mod relaxed;
mod reserve;
mod session;
mod store;
#[cfg(feature = "conformance")]
pub mod subject;
mod writer;

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anystorage_api::{Durability, Error, ErrorKind, Operation, Result};
use anystorage_kv::{KvBackend, KvOptions};

pub use options::{DEFAULT_BLOCK_SIZE, DEFAULT_CACHE_BYTES, RedbMode, RedbOptions};
pub use store::RedbStore;

use crate::faults::FlushSwitch;

/// The bytes of changes in memory. What is beyond goes to redb in relaxed commits, which keep as much again until the next durable one.
const DIRTY_BYTES: usize = 8 << 20;

/// A tree of files in a redb database.
pub type RedbBackend = KvBackend<RedbStore>;

/// Opens the location in the file `path`, and holds it until it is closed or dropped.
///
/// # Errors
/// Those of [`RedbStore::open`]; [`InvalidInput`](ErrorKind::InvalidInput) for a block size that cannot be.
pub fn open(path: impl AsRef<Path>, options: &RedbOptions) -> Result<RedbBackend> {
    open_with_switch(path, options, &FlushSwitch::default())
}

/// As [`open`], with flushes that fail while `switch` says so: for tests.
///
/// # Errors
/// Those of [`open`].
pub fn open_with_switch(path: impl AsRef<Path>, options: &RedbOptions, switch: &FlushSwitch) -> Result<RedbBackend> {
    let store = RedbStore::open_with_switch(path, options, switch)?;
    let kv = KvOptions::new()
        .durability(Durability::PowerLoss)
        .immediate(true)
        .block_size(options.block_size.map_or(DEFAULT_BLOCK_SIZE, std::num::NonZeroUsize::get))
        .dirty_bytes(DIRTY_BYTES)
        .cache_bytes(options.cache_bytes / 4)
        .create(options.mode == RedbMode::ReadWriteCreate);
    match pin!(KvBackend::open(store, kv)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(opened) => opened,
        // Every call of the store is ready when first polled.
        Poll::Pending => Err(Error::new(ErrorKind::WouldBlock, Operation::OpenLocation)),
    }
}

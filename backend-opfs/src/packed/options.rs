#[cfg(feature = "packed-page")]
use anystorage_browser_host::task::spawn;
#[cfg(feature = "packed-page")]
use anystorage_kv::KvOptions;
use anystorage_redb::{RedbMode, RedbOptions};

use crate::options::Mode;
use crate::worker::WorkerUrl;

/// The bytes of a file that one record holds, unless told otherwise. redb keeps what is larger than a page in pages of their own, which it
/// rounds up to a power of two: so this is a little less than one.
pub const DEFAULT_BLOCK_SIZE: usize = (16 << 10) - 256;

/// The bytes of stored pages and blocks in memory, unless told otherwise.
pub const DEFAULT_CACHE_BYTES: usize = 16 << 20;

/// How a location is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedOptions {
    pub(super) mode: Mode,
    block_size: usize,
    cache_bytes: usize,
    worker: WorkerUrl,
}

impl PackedOptions {
    /// Browsers tell their free space late, and not all of it can be had.
    pub(super) const RELAXED_BYTES: usize = 1 << 20;

    /// Created if it is missing; blocks of [`DEFAULT_BLOCK_SIZE`], a cache of [`DEFAULT_CACHE_BYTES`].
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: Mode::ReadWriteCreate, block_size: DEFAULT_BLOCK_SIZE, cache_bytes: DEFAULT_CACHE_BYTES, worker: WorkerUrl::Embedded }
    }

    /// Sets what may be created.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How many bytes of a file one record holds. It counts where a location is created; from then on the location has its own.
    #[must_use]
    pub fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = bytes;
        self
    }

    /// About how many bytes of stored pages and blocks are kept in memory, and half as many of changes that no sync has covered. Up to
    /// 5 MiB of pages that wait for a flush come on top, and where blocks lie, up to an eighth as much, in a page a quarter.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// From where the script of the worker comes that is started in pages, with the feature `packed-page`.
    #[must_use]
    pub fn worker(mut self, url: WorkerUrl) -> Self {
        self.worker = url;
        self
    }

    #[cfg(feature = "packed-page")]
    pub(super) const fn worker_url(&self) -> &WorkerUrl {
        &self.worker
    }

    /// Of the bytes in memory, those that the worker has: what is asked for again is found in the page first.
    #[cfg(feature = "packed-page")]
    pub(super) const fn cached_in_worker(&self) -> usize {
        self.cache_bytes / 2
    }

    /// Calls of the store wait for the worker, and more of what is read is kept on this side of it.
    #[cfg(feature = "packed-page")]
    pub(super) fn in_page(&self, kv: KvOptions) -> KvOptions {
        kv.spawner(spawn).cache_bytes(self.cache_bytes / 2)
    }

    pub(super) fn redb(&self) -> RedbOptions {
        let mode = if self.mode == Mode::ReadWrite { RedbMode::ReadWrite } else { RedbMode::ReadWriteCreate };
        RedbOptions::new().mode(mode).block_size(Some(self.block_size)).cache_bytes(self.cache_bytes).relaxed_bytes(Self::RELAXED_BYTES)
    }
}

impl Default for PackedOptions {
    fn default() -> Self {
        Self::new()
    }
}

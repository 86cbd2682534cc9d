use anystorage_redb::{RedbMode, RedbOptions};

use crate::options::Mode;

/// The bytes of a file that one record holds, unless told otherwise. redb keeps what is larger than a page in pages of their own, which it
/// rounds up to a power of two: so this is a little less than one.
pub const DEFAULT_BLOCK_SIZE: usize = (16 << 10) - 256;

/// The bytes of stored pages and blocks in memory, unless told otherwise.
pub const DEFAULT_CACHE_BYTES: usize = 16 << 20;

/// Browsers tell their free space late, and not all of it can be had.
const RELAXED_BYTES: usize = 1 << 20;

/// How a location is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedOptions {
    pub(super) mode: Mode,
    block_size: usize,
    cache_bytes: usize,
}

impl PackedOptions {
    /// Created if it is missing; blocks of [`DEFAULT_BLOCK_SIZE`], a cache of [`DEFAULT_CACHE_BYTES`].
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: Mode::ReadWriteCreate, block_size: DEFAULT_BLOCK_SIZE, cache_bytes: DEFAULT_CACHE_BYTES }
    }

    /// Sets what may be created.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How many bytes of a file one record holds. It counts where a location is created; from then on the location has its own.
    #[must_use]
    pub const fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = bytes;
        self
    }

    /// About how many bytes of stored pages and blocks are kept in memory, and half as many of changes that no sync has covered.
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    pub(super) fn redb(&self) -> RedbOptions {
        let mode = if self.mode == Mode::ReadWrite { RedbMode::ReadWrite } else { RedbMode::ReadWriteCreate };
        RedbOptions::new().mode(mode).block_size(Some(self.block_size)).cache_bytes(self.cache_bytes).relaxed_bytes(RELAXED_BYTES)
    }
}

impl Default for PackedOptions {
    fn default() -> Self {
        Self::new()
    }
}

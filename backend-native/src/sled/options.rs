use anystorage_kv::KvOptions;

use super::geometry::Geometry;

/// How many changed bytes wait for a sync in memory. Beyond, they go to the log, which says when the disk is full.
const DIRTY_BYTES: usize = 8 << 20;

/// What an opening may make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A missing directory, or an empty one, becomes a location.
    #[default]
    ReadWriteCreate,
    /// The location must be there: otherwise [`NotFound`](anystorage_api::ErrorKind::NotFound).
    ReadWrite,
}

/// How a location in a sled store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SledOptions {
    pub(super) mode: Mode,
    pub(super) block_size: Option<usize>,
    pub(super) cache_bytes: u64,
    pub(super) flushing: bool,
}

impl SledOptions {
    /// Creates what is missing, blocks of a size that fits sled, about 16 MiB of sled's pages in memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: Mode::ReadWriteCreate, block_size: None, cache_bytes: 16 << 20, flushing: true }
    }

    /// What the opening may make.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How many bytes of a file one record holds. It counts where a location is created; from then on the location has its own. The
    /// default is 4 KiB, and 512 bytes on a disk of less than 64 MiB.
    #[must_use]
    pub const fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = Some(bytes);
        self
    }

    /// About how many bytes of its pages sled keeps in memory. It takes more where pages are large, at least one page for each of its 256
    /// shards.
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Whether a durable commit makes the disk flush, as it must. Without it a power cut loses what was synced: for tests, and for places
    /// that need not last.
    #[doc(hidden)]
    #[must_use]
    pub const fn flushing(mut self, yes: bool) -> Self {
        self.flushing = yes;
        self
    }

    pub(super) fn kv(&self, geometry: Geometry) -> KvOptions {
        KvOptions::new()
            .durability(anystorage_api::Durability::PowerLoss)
            .immediate(true)
            // What sled had logged before a crash may, when damaged, be dropped without a word.
            .checksums(false)
            .usage(true)
            .dirty_bytes(DIRTY_BYTES)
            .block_size(self.block_size.unwrap_or(geometry.block))
            .create(self.mode == Mode::ReadWriteCreate)
    }
}

impl Default for SledOptions {
    fn default() -> Self {
        Self::new()
    }
}

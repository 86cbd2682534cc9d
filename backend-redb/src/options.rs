use std::num::NonZeroUsize;

/// The bytes of a file that one record holds, unless told otherwise: what databases and editors change at a time, so that a small change writes
/// little. redb rounds what it keeps in pages of its own up to a power of two, and so takes twice the space for it; 16,128 bytes (16 KiB
/// less 256) take no more than they are and are several times as fast to read and write in long streams, and as much slower to change here
/// and there.
pub const DEFAULT_BLOCK_SIZE: usize = 4 << 10;

/// The bytes of stored pages and blocks in memory, unless told otherwise.
pub const DEFAULT_CACHE_BYTES: usize = 32 << 20;

/// The bytes of relaxed commits that are kept, unless told otherwise.
const RELAXED_BYTES: usize = 8 << 20;

/// Whether opening may create the location.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedbMode {
    /// A missing or empty file becomes a new location.
    #[default]
    ReadWriteCreate,
    /// The file must be there and hold a location.
    ReadWrite,
}

/// How to open a location.
///
/// ```
/// use anystorage_redb::{RedbMode, RedbOptions};
///
/// let options = RedbOptions::new().mode(RedbMode::ReadWrite).cache_bytes(8 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedbOptions {
    pub(crate) mode: RedbMode,
    pub(crate) block_size: Option<NonZeroUsize>,
    pub(crate) cache_bytes: usize,
    pub(crate) relaxed_bytes: usize,
}

impl RedbOptions {
    /// For reading and writing, creating what is missing; blocks of [`DEFAULT_BLOCK_SIZE`], a cache of [`DEFAULT_CACHE_BYTES`].
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: RedbMode::ReadWriteCreate, block_size: None, cache_bytes: DEFAULT_CACHE_BYTES, relaxed_bytes: RELAXED_BYTES }
    }

    /// Whether the file may be created.
    #[must_use]
    pub const fn mode(mut self, mode: RedbMode) -> Self {
        self.mode = mode;
        self
    }

    /// How many bytes of a file one record holds; none or 0 for [`DEFAULT_BLOCK_SIZE`]. It counts where a location is created. Just below
    /// a power of two is best: what redb stores in pages of its own it rounds up to one.
    #[must_use]
    pub const fn block_size(mut self, bytes: Option<usize>) -> Self {
        self.block_size = match bytes {
            Some(bytes) => NonZeroUsize::new(bytes),
            None => None,
        };
        self
    }

    /// About how many bytes of stored pages and blocks are kept in memory, and half as many of changes that no sync has covered. With blocks of 8 KiB
    /// or more, up to an eighth as many besides for where they lie. A commit larger than a third of it is written twice.
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// How many bytes relaxed commits may put before one of them is made durable: less where it is not known how much space there is, since
    /// what is not durable may turn out not to fit.
    #[must_use]
    pub const fn relaxed_bytes(mut self, bytes: usize) -> Self {
        self.relaxed_bytes = bytes;
        self
    }

    /// Whether a location may be created.
    #[must_use]
    pub fn creates(&self) -> bool {
        self.mode == RedbMode::ReadWriteCreate
    }
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self::new()
    }
}

use std::num::NonZeroUsize;

/// The bytes of a file that one record holds, unless told otherwise: what databases and editors change at a time. With 64 KiB long streams
/// are several times as fast, and changes here and there as much slower.
pub const DEFAULT_BLOCK_SIZE: usize = 4 << 10;

/// The bytes of stored blocks and records in memory, unless told otherwise.
pub const DEFAULT_CACHE_BYTES: usize = 8 << 20;

/// Whether [`open`](crate::open) may create the location.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdbMode {
    /// A missing location is created.
    #[default]
    ReadWriteCreate,
    /// The location must be there.
    ReadWrite,
}

/// How to open a location in IndexedDB.
///
/// ```
/// # #[cfg(all(target_family = "wasm", target_os = "unknown"))]
/// # {
/// use anystorage_idb::{IdbMode, IdbOptions};
///
/// let options = IdbOptions::new().mode(IdbMode::ReadWrite).cache_bytes(2 << 20);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdbOptions {
    pub(crate) mode: IdbMode,
    pub(crate) block_size: Option<NonZeroUsize>,
    pub(crate) cache_bytes: usize,
}

impl IdbOptions {
    /// Creating what is missing; blocks of [`DEFAULT_BLOCK_SIZE`], a cache of [`DEFAULT_CACHE_BYTES`].
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: IdbMode::ReadWriteCreate, block_size: None, cache_bytes: DEFAULT_CACHE_BYTES }
    }

    /// Whether the location may be created.
    #[must_use]
    pub const fn mode(mut self, mode: IdbMode) -> Self {
        self.mode = mode;
        self
    }

    /// How many bytes of a file one record holds; none or 0 for [`DEFAULT_BLOCK_SIZE`]. It counts where a location is created.
    #[must_use]
    pub const fn block_size(mut self, bytes: Option<usize>) -> Self {
        self.block_size = match bytes {
            Some(bytes) => NonZeroUsize::new(bytes),
            None => None,
        };
        self
    }

    /// About how many bytes of stored blocks and records are kept in memory.
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }
}

impl Default for IdbOptions {
    fn default() -> Self {
        Self::new()
    }
}

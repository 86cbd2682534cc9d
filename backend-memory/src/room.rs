//! How many bytes the files of one location may take, and how many they do.

use std::sync::atomic::{AtomicU64, Ordering};

use anystorage_api::{Error, ErrorKind, Operation, StoragePath};

/// The account that all files of a location, removed but open ones too, take their bytes from.
#[derive(Debug)]
pub struct Room {
    limit: Option<u64>,
    used: AtomicU64,
}

/// Why no more bytes can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The location's own limit, in bytes.
    Limit(u64),
    /// The allocator gave no memory.
    Allocator,
}

impl Room {
    /// Room for `limit` bytes; without one, for as many as the allocator gives.
    #[must_use]
    pub const fn new(limit: Option<u64>) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    /// How many bytes may be taken in all.
    #[must_use]
    pub const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// How many bytes are taken.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes `bytes`, or nothing.
    ///
    /// # Errors
    /// [`Full::Limit`].
    pub fn take(&self, bytes: u64) -> Result<(), Full> {
        let limit = self.limit.unwrap_or(u64::MAX);
        let taken = self.used.try_update(Ordering::Relaxed, Ordering::Relaxed, |used| used.checked_add(bytes).filter(|sum| *sum <= limit));
        taken.map(drop).map_err(|_| Full::Limit(limit))
    }

    /// Gives back `bytes` that were taken.
    pub fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Full {
    /// [`NoSpace`](ErrorKind::NoSpace), in words.
    #[must_use]
    pub fn into_error(self, operation: Operation, path: &StoragePath) -> Error {
        let why = match self {
            Self::Limit(limit) => format!("the files of this location may take {limit} bytes in all; remove or cut some"),
            Self::Allocator => "the allocator has no more memory".to_owned(),
        };
        Error::new(ErrorKind::NoSpace, operation).with_path(path).with_text(why)
    }
}

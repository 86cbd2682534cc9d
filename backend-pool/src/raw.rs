use std::fmt::Debug;

use anystorage_api::{MaybeSend, MaybeSync, Result};

/// A file of the host that is open already: read and written in place, and held by nobody else. It is closed when it is dropped.
///
/// No call of it may wait for anything but the host's disk. The kinds of its errors reach the caller as they are.
pub trait RawFile: Debug + MaybeSend + MaybeSync + 'static {
    /// Reads from `offset` on until `buf` is full or the file ends; how many bytes that were.
    ///
    /// # Errors
    /// What the host reports, as of all calls here.
    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize>;

    /// Writes all of `data` at `offset`, which may be behind the end; what lies between reads as zeros.
    ///
    /// # Errors
    /// [`NoSpace`](anystorage_api::ErrorKind::NoSpace) where there is no room; what the host reports.
    fn write(&self, offset: u64, data: &[u8]) -> Result<()>;

    /// Its length in bytes.
    ///
    /// # Errors
    /// What the host reports.
    fn len(&self) -> Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// What the host reports.
    fn is_empty(&self) -> Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Cuts it, or lengthens it with zeros.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    fn set_len(&self, len: u64) -> Result<()>;

    /// Makes its bytes and its length last.
    ///
    /// # Errors
    /// What the host reports. What has reached the disk is unknown then.
    fn flush(&self) -> Result<()>;

    /// Whether the host keeps space for it that it would give back if it were closed, such as for bytes that were cut off: not, unless this
    /// is overridden.
    fn keeps_space(&self) -> bool {
        false
    }

    /// Closes it for good, so that its space is given back. It is empty, and no name leads to it. Who overrides this may have it opened again
    /// later, and given to the pool by [`PoolBackend::add`](crate::PoolBackend::add).
    fn retire(self)
    where
        Self: Sized,
    {
    }
}

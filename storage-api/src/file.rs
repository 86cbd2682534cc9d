use std::fmt::Debug;

use crate::{MaybeSend, MaybeSync, Metadata, Result, engine};

/// One open file.
///
/// Calls on one file behave as if done one after another, whichever handle they come through; reads may overlap. A call whose future was
/// polled once runs to its end even if the future is dropped (contract line 6). After the backend was closed every call answers
/// [`Closed`](crate::ErrorKind::Closed).
#[engine]
pub trait StorageFile: Debug + MaybeSend + MaybeSync {
    /// Reads into `buf` from byte `offset` on, and returns how many bytes it read: all of `buf`, fewer only where the file ends, 0 at or
    /// beyond the end. Bytes of `buf` behind that count are unspecified.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the file was not opened for reading,
    /// [`Corrupt`](crate::ErrorKind::Corrupt) for damaged bytes.
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize>;

    /// Writes all of `data` from byte `offset` on; a gap behind the old end reads as zeros. Empty `data` changes nothing, and does not
    /// lengthen the file.
    ///
    /// # Errors
    /// After an error a prefix of `data` may have been written. [`NoSpace`](crate::ErrorKind::NoSpace) when full,
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the file was not opened for writing,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the end would lie beyond
    /// [`max_file_len`](crate::Capabilities::max_file_len), with nothing written.
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()>;

    /// Cuts the file to `len` bytes, or lengthens it with zeros.
    ///
    /// # Errors
    /// As [`write_at`](Self::write_at).
    async fn set_len(&self, len: u64) -> Result<()>;

    /// The length and revision as this instance sees them, synced or not.
    ///
    /// # Errors
    /// What the host reports.
    async fn stat(&self) -> Result<Metadata>;

    /// fsync: when it returns, this file's bytes, length and attributes and the directory entries that lead to it are as durable as
    /// [`durability`](crate::Capabilities::durability) says (contract line 1).
    ///
    /// # Errors
    /// After a failed flush of the host, contract line 11 rules: further writes answer with this error until the location is reopened.
    async fn sync(&self) -> Result<()>;

    /// Closes the handle. It does not sync; dropping a handle closes it too, without a report.
    ///
    /// # Errors
    /// What the host reports; the handle is gone all the same.
    async fn close(self: Box<Self>) -> Result<()>;
}

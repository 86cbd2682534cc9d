//! An open file.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, engine};

use crate::inode::Inode;
use crate::location::Location;

/// The longest file: what every platform can count.
pub(crate) const MAX_FILE_LEN: u64 = (1 << 53) - 1;

/// A handle; the inode lives as long as a name or a handle does.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    inode: Arc<Inode>,
    location: Arc<Location>,
    /// Where it was opened, for errors.
    path: StoragePath,
    read: bool,
    write: bool,
}

impl MemoryFile {
    pub(crate) fn new(inode: Arc<Inode>, location: Arc<Location>, path: &StoragePath, options: &OpenOptions) -> Self {
        Self { inode, location, path: path.clone(), read: options.is_read(), write: options.is_write() }
    }

    fn check(&self, operation: Operation) -> Result<()> {
        self.location.check_open(operation).map_err(|error| error.with_path(&self.path))
    }

    fn check_readable(&self) -> Result<()> {
        self.check(Operation::Read)?;
        if self.read { Ok(()) } else { Err(self.refused(Operation::Read, "the file was not opened for reading")) }
    }

    fn check_writable(&self, operation: Operation) -> Result<()> {
        self.check(operation)?;
        if self.write { Ok(()) } else { Err(self.refused(operation, "the file was not opened for writing")) }
    }

    fn refused(&self, operation: Operation, why: &str) -> Error {
        Error::new(ErrorKind::PermissionDenied, operation).with_path(&self.path).with_text(why)
    }

    fn check_end(&self, end: Option<u64>, operation: Operation) -> Result<()> {
        if end.is_some_and(|end| end <= MAX_FILE_LEN) {
            return Ok(());
        }
        let why = format!("the end would lie beyond {MAX_FILE_LEN}, the longest a file may be");
        Err(Error::new(ErrorKind::InvalidInput, operation).with_path(&self.path).with_text(why))
    }
}

#[engine]
impl StorageFile for MemoryFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.check_readable()?;
        Ok(self.inode.shared().bytes.read(offset, buf))
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.check_writable(Operation::Write)?;
        if data.is_empty() {
            return Ok(());
        }
        self.check_end(offset.checked_add(data.len() as u64), Operation::Write)?;
        let mut content = self.inode.exclusive();
        // Before the outcome is known: a failed write may have left a prefix.
        content.revision = self.location.next_revision();
        content.bytes.write(offset, data).map_err(|full| full.into_error(Operation::Write, &self.path))
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        self.check_writable(Operation::SetLen)?;
        self.check_end(Some(len), Operation::SetLen)?;
        self.inode.set_len(len, &self.location);
        Ok(())
    }

    async fn stat(&self) -> Result<Metadata> {
        self.check(Operation::Stat)?;
        Ok(self.inode.metadata())
    }

    async fn sync(&self) -> Result<()> {
        self.check(Operation::Sync)
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.check(Operation::Close)
    }
}

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::at_once;
use crate::{Metadata, Operation, Result, StorageFile, StoragePath};

/// An open file without `async`: [`Blocking::open`](super::Blocking::open) makes one.
///
/// It is used in two ways that do not disturb each other: by position ([`read_at`](Self::read_at), [`write_at`](Self::write_at)), and
/// through [`Read`], [`Write`] and [`Seek`] with a cursor of its own, which starts at 0. Nothing is buffered here, so `flush` has nothing
/// to do and makes nothing durable: that is what [`sync`](Self::sync) is for. Wrap it in [`std::io::BufReader`] or
/// [`std::io::BufWriter`] for many small calls.
#[derive(Debug)]
pub struct BlockingFile {
    file: Box<dyn StorageFile>,
    /// Where it was opened, for errors.
    path: StoragePath,
    cursor: u64,
}

impl BlockingFile {
    pub(super) const fn new(file: Box<dyn StorageFile>, path: StoragePath) -> Self {
        Self { file, path, cursor: 0 }
    }

    /// [`StorageFile::read_at`].
    ///
    /// # Errors
    /// As there.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        at_once(Operation::Read, Some(&self.path), self.file.read_at(offset, buf))
    }

    /// [`StorageFile::write_at`].
    ///
    /// # Errors
    /// As there.
    pub fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        at_once(Operation::Write, Some(&self.path), self.file.write_at(offset, data))
    }

    /// [`StorageFile::set_len`]. The cursor stays, beyond the end if need be.
    ///
    /// # Errors
    /// As there.
    pub fn set_len(&self, len: u64) -> Result<()> {
        at_once(Operation::SetLen, Some(&self.path), self.file.set_len(len))
    }

    /// [`StorageFile::stat`].
    ///
    /// # Errors
    /// As there.
    pub fn stat(&self) -> Result<Metadata> {
        at_once(Operation::Stat, Some(&self.path), self.file.stat())
    }

    /// [`StorageFile::sync`]: what was written is as durable as the engine declares when this returns.
    ///
    /// # Errors
    /// As there.
    pub fn sync(&self) -> Result<()> {
        at_once(Operation::Sync, Some(&self.path), self.file.sync())
    }

    /// [`StorageFile::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(self) -> Result<()> {
        at_once(Operation::Close, Some(&self.path), self.file.close())
    }

    /// The file, for async use; the cursor is lost.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn StorageFile> {
        self.file
    }
}

impl Read for BlockingFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.read_at(self.cursor, buf)?;
        self.cursor = self.cursor.saturating_add(count as u64);
        Ok(count)
    }
}

impl Write for BlockingFile {
    /// Writes all of `data` or fails; after an error the cursor has not moved, and a prefix may have been written.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_at(self.cursor, data)?;
        self.cursor = self.cursor.saturating_add(data.len() as u64);
        Ok(data.len())
    }

    /// Does nothing: there is no buffer. It is not a sync.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for BlockingFile {
    /// Moves the cursor, beyond the end too.
    ///
    /// # Errors
    /// `InvalidInput` for a position before 0 or beyond `u64::MAX`; the cursor stays where it was.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(offset) => self.cursor.checked_add_signed(offset),
            SeekFrom::End(offset) => self.stat()?.len.checked_add_signed(offset),
        };
        self.cursor = position.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a position before the start of the file, or beyond what can be counted")
        })?;
        Ok(self.cursor)
    }
}

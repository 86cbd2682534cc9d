//! `read`, `write` and where they are done.

use std::sync::Arc;

use anystorage_api::BlockingFile;

use crate::clock;
use crate::counters::Call;
use crate::descriptors::{Body, Description};
use crate::vfs::lock;
use crate::{Errno, OpenFlags, Result, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET, Vfs};

impl Vfs {
    /// `read(2)`: reads into `buf` where the offset is, and returns how many bytes that were: fewer than asked for only where a file ends.
    ///
    /// # Errors
    /// `EBADF` if it is not open for reading, `EISDIR`; what the engine or the device reports.
    pub fn read(&self, descriptor: i32, buf: &mut [u8]) -> Result<usize> {
        self.call(Call::Read, descriptor, || {
            let description = self.description(descriptor)?;
            // A device has no offset, and may wait: nobody else has to wait for it.
            let count = if matches!(description.body, Body::Device(_)) {
                self.read_from(&description, 0, buf)?
            } else {
                let mut offset = description.lock_offset();
                let count = self.read_from(&description, *offset, buf)?;
                *offset += count as u64;
                count
            };
            self.add_bytes(Call::Read, count);
            Ok(count)
        })
    }

    /// `pread(2)`: the same from byte `offset` on; the descriptor's own offset stays.
    ///
    /// # Errors
    /// As [`Self::read`]; `EINVAL` for a negative offset, `ESPIPE` for a terminal.
    pub fn pread(&self, descriptor: i32, buf: &mut [u8], offset: i64) -> Result<usize> {
        self.call(Call::Pread, descriptor, || {
            let from = position(offset)?;
            let description = self.description(descriptor)?;
            check_position(&description)?;
            check_span(from, buf.len())?;
            let count = self.read_from(&description, from, buf)?;
            self.add_bytes(Call::Pread, count);
            Ok(count)
        })
    }

    /// `write(2)`: writes all of `data` where the offset is, or at the end with `O_APPEND`.
    ///
    /// # Errors
    /// `EBADF` if it is not open for writing, `EFBIG`, `ENOSPC`; what the engine or the device reports. A prefix may have been written.
    pub fn write(&self, descriptor: i32, data: &[u8]) -> Result<usize> {
        self.call(Call::Write, descriptor, || {
            let description = self.description(descriptor)?;
            let count = if matches!(description.body, Body::Device(_)) {
                self.write_to(&description, 0, data)?.0
            } else {
                let mut offset = description.lock_offset();
                let (count, end) = self.write_to(&description, *offset, data)?;
                *offset = end;
                count
            };
            self.add_bytes(Call::Write, count);
            Ok(count)
        })
    }

    /// `pwrite(2)`: the same from byte `offset` on, but with `O_APPEND` at the end, as on Linux; the descriptor's own offset stays.
    ///
    /// # Errors
    /// As [`Self::write`]; `EINVAL` for a negative offset, `ESPIPE` for a terminal.
    pub fn pwrite(&self, descriptor: i32, data: &[u8], offset: i64) -> Result<usize> {
        self.call(Call::Pwrite, descriptor, || {
            let from = position(offset)?;
            let description = self.description(descriptor)?;
            check_position(&description)?;
            check_span(from, data.len())?;
            let (count, _) = self.write_to(&description, from, data)?;
            self.add_bytes(Call::Pwrite, count);
            Ok(count)
        })
    }

    /// `lseek(2)`: moves the offset, and returns it. Files are taken to have no holes: the only one is behind the end.
    ///
    /// # Errors
    /// `EBADF`; `EINVAL` for another `whence`, a place before the start or one beyond what a file can have; `ENXIO` for `SEEK_DATA` and
    /// `SEEK_HOLE` at or behind the end; `ESPIPE` for a terminal.
    pub fn lseek(&self, descriptor: i32, offset: i64, whence: i32) -> Result<u64> {
        self.call(Call::Lseek, descriptor, || {
            let description = self.description(descriptor)?;
            if !(SEEK_SET..=SEEK_HOLE).contains(&whence) {
                return Err(Errno::EINVAL);
            }
            match &description.body {
                Body::Device(device) if device.is_seekable() => return Ok(0),
                Body::Device(_) => return Err(Errno::ESPIPE),
                _ => {}
            }
            let mut at = description.lock_offset();
            let len = match &description.body {
                Body::Path | Body::Device(_) => return Err(Errno::EBADF),
                Body::File(file) if whence >= SEEK_END => file.stat().map_err(|error| self.causes.errno(error))?.len,
                Body::File(_) => 0,
                Body::Directory(listing) => lock(listing).entries.len() as u64,
            };
            let from_start = |base: u64| base.checked_add_signed(offset).ok_or(Errno::EINVAL);
            let to = match whence {
                SEEK_SET => position(offset)?,
                SEEK_CUR => from_start(*at)?,
                SEEK_END => from_start(len)?,
                _ => {
                    let from = u64::try_from(offset).ok().filter(|from| *from < len).ok_or(Errno::ENXIO)?;
                    if whence == SEEK_DATA { from } else { len }
                }
            };
            if to > self.limit(&description)? {
                return Err(Errno::EINVAL);
            }
            *at = to;
            Ok(to)
        })
    }

    /// `ftruncate(2)`: cuts the file to `len` bytes, or lengthens it with zeros.
    ///
    /// # Errors
    /// `EBADF`; `EINVAL` for a negative length, what is no file, and a descriptor that is not open for writing; `EFBIG`, `ENOSPC`; what the
    /// engine reports.
    pub fn ftruncate(&self, descriptor: i32, len: i64) -> Result<()> {
        self.call(Call::Truncate, descriptor, || {
            let len = position(len)?;
            let description = self.description(descriptor)?;
            let file = match &description.body {
                Body::Path => return Err(Errno::EBADF),
                Body::File(file) if description.flags().writes() => file,
                _ => return Err(Errno::EINVAL),
            };
            if len > self.limit(&description)? {
                return Err(Errno::EFBIG);
            }
            let alone = lock(&description.node.appending);
            file.set_len(len).map_err(|error| self.causes.errno(error))?;
            drop(alone);
            self.wrote(&description, file)
        })
    }

    fn read_from(&self, description: &Description, from: u64, buf: &mut [u8]) -> Result<usize> {
        if !description.flags().reads() {
            return Err(Errno::EBADF);
        }
        match &description.body {
            Body::File(file) => file.read_at(from, buf).map_err(|error| self.causes.errno(error)),
            Body::Directory(_) => Err(Errno::EISDIR),
            Body::Device(device) => device.read(buf, description.flags().has(OpenFlags::O_NONBLOCK)),
            Body::Path => Err(Errno::EBADF),
        }
    }

    /// How many bytes were written, and where the last one is.
    fn write_to(&self, description: &Description, from: u64, data: &[u8]) -> Result<(usize, u64)> {
        let flags = description.flags();
        if !flags.writes() {
            return Err(Errno::EBADF);
        }
        let file = match &description.body {
            Body::File(file) => file,
            Body::Device(device) => {
                let count = device.write(data, flags.has(OpenFlags::O_NONBLOCK))?;
                return Ok((count, from));
            }
            _ => return Err(Errno::EBADF),
        };
        if data.is_empty() {
            return Ok((0, from));
        }
        let alone = flags.has(OpenFlags::O_APPEND).then(|| lock(&description.node.appending));
        let from = if flags.has(OpenFlags::O_APPEND) { file.stat().map_err(|error| self.causes.errno(error))?.len } else { from };
        let end = from.checked_add(data.len() as u64).filter(|end| self.limit(description).is_ok_and(|limit| *end <= limit));
        let end = end.ok_or(Errno::EFBIG)?;
        file.write_at(from, data).map_err(|error| self.causes.errno(error))?;
        drop(alone);
        self.wrote(description, file)?;
        Ok((data.len(), end))
    }

    fn wrote(&self, description: &Description, file: &BlockingFile) -> Result<()> {
        description.node.state().written = Some(clock::now());
        match description.flags() {
            flags if flags.has(OpenFlags::O_SYNC) => self.sync_file(description, file),
            flags if flags.has(OpenFlags::O_DSYNC) => file.sync().map_err(|error| self.causes.errno(error)),
            _ => Ok(()),
        }
    }

    /// The longest that a file may get.
    fn limit(&self, description: &Description) -> Result<u64> {
        Ok(description.node.max_len)
    }
}

/// Where it is only `read` and `write`, a place is refused.
fn check_position(description: &Arc<Description>) -> Result<()> {
    match &description.body {
        Body::Device(device) if !device.is_seekable() => Err(Errno::ESPIPE),
        _ => Ok(()),
    }
}

/// A length or a place of the kernel's, which are signed.
pub(super) fn position(offset: i64) -> Result<u64> {
    u64::try_from(offset).map_err(|_| Errno::EINVAL)
}

/// Whether the end can be told as an offset.
fn check_span(from: u64, count: usize) -> Result<()> {
    let end = from.checked_add(count as u64).filter(|end| i64::try_from(*end).is_ok());
    end.map(|_| ()).ok_or(Errno::EINVAL)
}

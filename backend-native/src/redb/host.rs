//! The host file under redb.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use anystorage_redb::StoreFile;
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};

use super::reserve::Reserve;
use crate::faults::FlushSwitch;

/// The locked file of a location.
#[derive(Debug)]
pub(super) struct HostFile {
    file: File,
    switch: FlushSwitch,
    reserve: Reserve,
}

impl HostFile {
    /// Over a file that the caller has locked with `flock`.
    pub(super) fn new(file: File, path: &Path, switch: FlushSwitch) -> Self {
        Self { file, switch, reserve: Reserve::beside(path) }
    }
}

impl StoreFile for HostFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    /// `fdatasync`.
    fn flush(&self) -> io::Result<()> {
        self.switch.flush(|| self.file.sync_data())
    }

    fn occupied(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.blocks().saturating_mul(512))
    }

    fn free(&self) -> io::Result<u64> {
        let disk = rustix::fs::fstatvfs(&self.file)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn take_back(&self, from: u64, to: u64) {
        if from == to {
            return;
        }
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // A host that cannot keeps the space, and redb uses it for the next commit.
        let _ = fallocate(&self.file, flags, from, to.saturating_sub(from));
    }

    fn set_aside(&self, asked: bool) {
        self.reserve.fill(&self.file, asked);
    }

    fn release(&self, bytes: u64, makes_room: bool) -> bool {
        self.reserve.release(bytes, makes_room)
    }

    fn give_free(&self) {
        // Said aloud: a child between fork and exec may share the descriptor, and would hold the lock on.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

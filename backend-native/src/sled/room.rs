//! Space: what is reserved ahead of each commit, because sled does not survive running out of it, and what is kept back.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anystorage_kv::Batch;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::geometry::Geometry;

/// How much is reserved at a time where there is plenty.
const STEP: u64 = 8 << 20;

/// What a change takes in the log beside key and value: headers, its share of what is above it in the tree.
const PER_CHANGE: usize = 96;

/// What a commit of names and marks takes at most, in bytes.
const TINY: usize = 2 << 10;

/// What a commit adds at most that may use a part of what is kept back, because it takes something away too.
const MIXED: usize = 64 << 10;

/// What a commit may need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// What the log may grow by: a record for each change and a leaf now and then. With sled's sizes, two to three times the bytes.
    pub(super) usually: u64,
    /// The bytes of what it stores.
    pub(super) bytes: u64,
    /// Whether it takes away more than it adds, and so may use what is kept back for such commits.
    pub(super) relieving: bool,
    /// Whether it takes something away beside adding a little, such as a name whose blocks go after it: it may use a part of that.
    pub(super) mixed: bool,
}

impl Need {
    pub(super) fn of(batch: &Batch, geometry: Geometry) -> Self {
        let deletions = batch.iter().filter(|(_, value)| value.is_none()).count();
        let bytes = batch.bytes() + batch.len() * PER_CHANGE;
        let relieving = batch.bytes() <= TINY || (deletions > 0 && batch.bytes() <= (16 << 10) + deletions * 128);
        let mixed = deletions > 0 && batch.bytes() <= MIXED;
        // Leaves are written anew as they become empty.
        let rewritten = deletions * geometry.block;
        Self { usually: (3 * bytes + rewritten + geometry.segment) as u64, bytes: batch.bytes() as u64, relieving, mixed }
    }
}

/// The space behind the end of sled's file `db` that is already ours.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead {
    /// The length of the file when it was last looked at.
    len: u64,
    /// Up to where it has space.
    end: u64,
}

impl Ahead {
    /// Makes sure of `bytes` behind the end of the file. False if the disk is full.
    pub(super) fn reach(&mut self, file: &File, bytes: u64) -> io::Result<bool> {
        let len = file.metadata()?.len();
        if len < self.len {
            // It was cut, and what was reserved went with it.
            self.end = len;
        }
        self.len = len;
        if len + bytes <= self.end {
            return Ok(true);
        }
        for wanted in [bytes + STEP, bytes] {
            if allocate(file, len, wanted)? {
                self.end = len + wanted;
                return Ok(true);
            }
        }
        // What an attempt got before it failed may have stayed.
        self.release(file)?;
        Ok(false)
    }

    /// Gives back what is reserved.
    pub(super) fn release(&mut self, file: &File) -> io::Result<()> {
        let len = file.metadata()?.len();
        file.set_len(len)?;
        *self = Self { len, end: len };
        Ok(())
    }

    /// How many bytes the file holds behind its end.
    pub(super) fn held(file: &File) -> io::Result<u64> {
        let metadata = file.metadata()?;
        Ok((metadata.blocks() * 512).saturating_sub(metadata.len()))
    }
}

/// A file without bytes that has space: what is kept back for commits that remove something, and for the snapshot that sled
/// writes when it is opened.
#[derive(Debug)]
pub(super) struct KeptBack(File);

impl KeptBack {
    /// Below the directory; it has no space yet.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self(File::options().read(true).write(true).create(true).truncate(true).open(root.join("reserve"))?))
    }

    /// How much there should be beside a log of this length.
    pub(super) const fn wanted(segment: usize, len: u64) -> u64 {
        10 * segment as u64 + len / 64
    }

    /// What of it nothing but an opening may use.
    pub(super) const fn floor(len: u64) -> u64 {
        (96 << 10) + len / 64
    }

    /// Lets all but so many bytes be used.
    pub(super) fn lower(&self, bytes: u64) -> io::Result<()> {
        if self.held()? > bytes {
            // The first gives it this length, the second takes what is behind it.
            self.0.set_len(bytes)?;
            self.0.set_len(bytes)?;
        }
        Ok(())
    }

    /// Whether so many bytes are kept back now.
    pub(super) fn hold(&self, bytes: u64) -> io::Result<bool> {
        Ok(self.held()? >= bytes || allocate(&self.0, 0, bytes)?)
    }

    /// Lets it be used.
    pub(super) fn release(&self) -> io::Result<()> {
        self.0.set_len(0)
    }

    pub(super) fn held(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.blocks() * 512)
    }
}

/// Reserves space in a file, whose length stays. False if the disk is full.
fn allocate(file: &File, at: u64, bytes: u64) -> io::Result<bool> {
    if bytes == 0 {
        return Ok(true);
    }
    match fallocate(file, FallocateFlags::KEEP_SIZE, at, bytes) {
        Ok(()) => Ok(true),
        Err(Errno::NOSPC | Errno::DQUOT) => Ok(false),
        // The disk cannot reserve. Running out is then found out the hard way.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

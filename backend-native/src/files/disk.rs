//! The raw interface under the engine: what it asks of a host file system, and no more.
//!
//! The engine runs over [`Disk`], so that its protocol runs unchanged on the real file system, on a host whose flushes fail, and on a
//! simulated disk that loses what was not flushed.

use std::fmt::Debug;
use std::io;

use anystorage_api::Timestamp;

/// A file system below one root directory. Paths are relative to it, `/`-separated; the empty path is the root. Nothing may leave it.
pub trait Disk: Debug + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// Opens a regular file, never a directory, for reading and, if `how` says so, for writing. `open(2)`.
    fn open(&self, path: &str, how: DiskOpen) -> io::Result<Self::File>;
    /// What is at `path`, links followed below the root. `stat(2)`.
    fn metadata(&self, path: &str) -> io::Result<DiskMetadata>;
    /// The names in a directory, in any order, without `.` and `..`; links not followed. `readdir(3)`.
    fn entries(&self, directory: &str) -> io::Result<Vec<DiskEntry>>;
    /// `mkdir(2)`.
    fn create_dir(&self, path: &str) -> io::Result<()>;
    /// `unlink(2)`.
    fn remove_file(&self, path: &str) -> io::Result<()>;
    /// `rmdir(2)`.
    fn remove_dir(&self, path: &str) -> io::Result<()>;
    /// `rename(2)`: replaces a file at `to` in one step.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// `fsync(2)` of a directory: its entries are durable when it returns.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
    /// `statvfs(3)`.
    fn space(&self) -> io::Result<DiskSpace>;
}

/// One open file of a [`Disk`].
pub trait DiskFile: Debug + Send + Sync + 'static {
    /// `pread(2)`: may be short.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// `pwrite(2)`: may be short.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize>;
    /// `ftruncate(2)`.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// `fstat(2)`.
    fn metadata(&self) -> io::Result<DiskMetadata>;
    /// `fsync(2)` of a file: its bytes and its length are durable when it returns; not its name.
    fn sync(&self) -> io::Result<()>;
    /// `fchmod(2)`.
    fn set_mode(&self, mode: u32) -> io::Result<()>;
}

/// How to open a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskOpen {
    /// For writing too.
    pub write: bool,
    /// `O_CREAT`.
    pub create: bool,
    /// `O_EXCL` beside it.
    pub exclusive: bool,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Something else.
    Other,
}

/// What the host knows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskMetadata {
    /// What it is.
    pub kind: DiskKind,
    /// Its length in bytes.
    pub len: u64,
    /// Its identity: device and inode.
    pub id: (u64, u64),
    /// Permission bits.
    pub mode: u32,
    /// `st_mtim`.
    pub modified: Timestamp,
    /// `st_ctim`.
    pub changed: Timestamp,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskEntry {
    /// Its bytes as the host has them.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: DiskKind,
}

/// How full the file system is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// In all.
    pub total: u64,
    /// Free for this user.
    pub free: u64,
}

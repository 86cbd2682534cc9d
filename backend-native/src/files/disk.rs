//! The raw interface under the engine: what it asks of a host file system, and no more.
//!
//! The engine runs over [`Disk`], so that its protocol runs unchanged on the real file system, on a host whose flushes fail, and on a
//! simulated disk that loses what was not flushed.

use std::fmt::Debug;
use std::io;

use anystorage_api::Timestamp;

/// A file system below one root directory. Paths are relative to it, `/`-separated, of any length; the empty path is the root. Nothing may
/// leave it: a symbolic link that leads out is `PermissionDenied`.
pub trait Disk: Debug + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// Opens a regular file. A directory is `IsADirectory`, anything else that is no regular file `Unsupported`, and neither is ever waited
    /// for. Links are followed below the root, except by [`DiskOpen::CreateNew`]. `open(2)`.
    fn open(&self, path: &str, how: DiskOpen) -> io::Result<DiskOpened<Self::File>>;
    /// What is at `path`, links followed below the root. `stat(2)`.
    fn metadata(&self, path: &str) -> io::Result<DiskMetadata>;
    /// What is at `path`, a link itself if it is one. `lstat(2)`.
    fn symlink_metadata(&self, path: &str) -> io::Result<DiskMetadata>;
    /// The names in a directory, in any order, without `.` and `..`; links not followed. `readdir(3)`.
    fn entries(&self, directory: &str) -> io::Result<Vec<DiskEntry>>;
    /// `mkdir(2)`.
    fn create_dir(&self, path: &str) -> io::Result<()>;
    /// `unlink(2)`; a directory is `IsADirectory`.
    fn remove_file(&self, path: &str) -> io::Result<()>;
    /// `rmdir(2)`.
    fn remove_dir(&self, path: &str) -> io::Result<()>;
    /// `rename(2)`: replaces a file at `to` in one step.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// `fsync(2)` of a directory: its entries are durable when it returns. It has to be opened for that, and the error says how far it came.
    fn sync_dir(&self, path: &str) -> Result<(), SyncDirError>;
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
    /// `flock(2)`, exclusive and at once: false if another open file of the same host file has it. It lasts until this one is closed.
    fn try_lock(&self) -> io::Result<bool>;
}

/// Why a directory was not flushed.
#[derive(Debug)]
pub enum SyncDirError {
    /// It could not be opened. No flush was asked for: what the host holds for it is as it was, and a later flush covers it.
    Open(io::Error),
    /// Its `fsync` failed. What reached the disk is unknown, and another `fsync` would not tell.
    Flush(io::Error),
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskOpen {
    /// An existing file, for reading. `O_RDONLY`.
    Read,
    /// An existing file, for writing alone. `O_WRONLY`.
    Write,
    /// An existing file, for both. `O_RDWR`.
    ReadWrite,
    /// A new file, for both; `AlreadyExists` if the name is taken, by a link too. `O_RDWR | O_CREAT | O_EXCL`.
    CreateNew,
}

/// A file that [`Disk::open`] opened.
#[derive(Debug)]
pub struct DiskOpened<F> {
    /// The file.
    pub file: F,
    /// What it was when it was opened.
    pub metadata: DiskMetadata,
    /// Whether a symbolic link may have been followed on the way, so that the file's own directories may be others than those of the
    /// path.
    pub through_link: bool,
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
    /// Something else: a pipe, a socket, a device.
    Other,
}

/// What the host knows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskMetadata {
    /// What it is.
    pub kind: DiskKind,
    /// Its length in bytes.
    pub len: u64,
    /// Its identity while it exists or is open: device and inode.
    pub id: (u64, u64),
    /// How many names it has; 0 once it is removed.
    pub links: u64,
    /// Permission bits, `0o7777`.
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

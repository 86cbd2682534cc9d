//! A host whose flushes can be made to fail, for contract line 11.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::io::Errno;

use super::disk::{Disk, DiskEntry, DiskFile, DiskMetadata, DiskOpen, DiskOpened, DiskSpace, SyncDirError};

/// A [`Disk`] around another one: every flush of a file or a directory is counted, and fails while its [`FlushSwitch`] says so.
#[derive(Debug)]
pub struct FlushFaults<D> {
    disk: D,
    switch: FlushSwitch,
}

impl<D> FlushFaults<D> {
    /// Around `disk`, with flushes that work until the switch says otherwise.
    #[must_use]
    pub fn new(disk: D) -> (Self, FlushSwitch) {
        let switch = FlushSwitch::default();
        (Self { disk, switch: switch.clone() }, switch)
    }
}

/// The switch and the counters of a [`FlushFaults`]; clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct FlushSwitch(Arc<State>);

#[derive(Debug, Default)]
struct State {
    files_fail: AtomicBool,
    directories_fail: AtomicBool,
    failed: AtomicU64,
    files: AtomicU64,
    directories: AtomicU64,
}

impl FlushSwitch {
    /// From now on every flush fails with an input/output error, or works again.
    pub fn set_failing(&self, failing: bool) {
        self.set_files_failing(failing);
        self.set_directories_failing(failing);
    }

    /// The same for flushes of files alone.
    pub fn set_files_failing(&self, failing: bool) {
        self.0.files_fail.store(failing, Ordering::SeqCst);
    }

    /// The same for flushes of directories alone.
    pub fn set_directories_failing(&self, failing: bool) {
        self.0.directories_fail.store(failing, Ordering::SeqCst);
    }

    /// How many flushes have failed so far.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::SeqCst)
    }

    /// How many flushes of files were asked for so far.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.0.files.load(Ordering::SeqCst)
    }

    /// How many flushes of directories were asked for so far.
    #[must_use]
    pub fn directories(&self) -> u64 {
        self.0.directories.load(Ordering::SeqCst)
    }

    /// Counts a flush, and says whether it is to work.
    fn ask(&self, asked: &AtomicU64, fails: &AtomicBool) -> io::Result<()> {
        asked.fetch_add(1, Ordering::SeqCst);
        if fails.load(Ordering::SeqCst) {
            self.0.failed.fetch_add(1, Ordering::SeqCst);
            return Err(Errno::IO.into());
        }
        Ok(())
    }
}

impl<D: Disk> Disk for FlushFaults<D> {
    type File = FaultyFile<D::File>;

    fn open(&self, path: &str, how: DiskOpen) -> io::Result<DiskOpened<Self::File>> {
        let DiskOpened { file, metadata, through_link } = self.disk.open(path, how)?;
        Ok(DiskOpened { file: FaultyFile { file, switch: self.switch.clone() }, metadata, through_link })
    }
    fn metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        self.disk.metadata(path)
    }
    fn symlink_metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        self.disk.symlink_metadata(path)
    }
    fn entries(&self, directory: &str) -> io::Result<Vec<DiskEntry>> {
        self.disk.entries(directory)
    }
    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.disk.create_dir(path)
    }
    fn remove_file(&self, path: &str) -> io::Result<()> {
        self.disk.remove_file(path)
    }
    fn remove_dir(&self, path: &str) -> io::Result<()> {
        self.disk.remove_dir(path)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn sync_dir(&self, path: &str) -> Result<(), SyncDirError> {
        let state = &self.switch.0;
        self.switch.ask(&state.directories, &state.directories_fail).map_err(SyncDirError::Flush)?;
        self.disk.sync_dir(path)
    }
    fn space(&self) -> io::Result<DiskSpace> {
        self.disk.space()
    }
}

/// One open file of a [`FlushFaults`].
#[derive(Debug)]
pub struct FaultyFile<F> {
    file: F,
    switch: FlushSwitch,
}

impl<F: DiskFile> DiskFile for FaultyFile<F> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buf)
    }
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        self.file.write_at(offset, data)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn metadata(&self) -> io::Result<DiskMetadata> {
        self.file.metadata()
    }
    fn sync(&self) -> io::Result<()> {
        let state = &self.switch.0;
        self.switch.ask(&state.files, &state.files_fail)?;
        self.file.sync()
    }
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_mode(mode)
    }
    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}

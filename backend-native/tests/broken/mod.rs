//! Files with a flaw. The first four show only after a kill: as long as the process lives, everything reads back right.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath, engine,
};
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Writes stay in the memory of the process until the file is closed or read; a sync acknowledges them there.
    LyingSync,
    /// A whole-file write truncates the file and writes it piece by piece.
    WriteInPlace,
    /// A rename over a file removes that file first, durably.
    RemovingRename,
    /// The location is held by a file beside it, which its holder removes.
    LockFile,
    /// A rename fails.
    FailingRename,
    /// A rename panics.
    PanickingRename,
}

impl Flaw {
    const ALL: [Self; 6] =
        [Self::LyingSync, Self::WriteInPlace, Self::RemovingRename, Self::LockFile, Self::FailingRename, Self::PanickingRename];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::LyingSync => "lying-sync",
            Self::WriteInPlace => "write-in-place",
            Self::RemovingRename => "removing-rename",
            Self::LockFile => "lock-file",
            Self::FailingRename => "failing-rename",
            Self::PanickingRename => "panicking-rename",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flaw| flaw.as_str() == name)
    }
}

/// Files with a flaw.
#[derive(Debug)]
pub(crate) struct BrokenFiles {
    inner: FilesBackend,
    flaw: Flaw,
    lock: Option<PathBuf>,
}

impl BrokenFiles {
    pub(crate) fn open(root: &Path, flaw: Flaw) -> Result<Self> {
        let lock = (flaw == Flaw::LockFile).then(|| root.with_extension("lock"));
        if let Some(lock) = &lock {
            std::fs::File::create_new(lock).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Error::new(ErrorKind::Locked, Operation::OpenLocation),
                _ => Error::from_io(error, Operation::OpenLocation),
            })?;
        }
        Ok(Self { inner: FilesBackend::open(root)?, flaw, lock })
    }

    async fn write_in_place(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        let file = self.inner.open(path, &OpenOptions::new().write(true).create(true).truncate(true)).await?;
        let mut offset = 0;
        for piece in data.chunks(16 << 10) {
            file.write_at(offset, piece).await?;
            offset += piece.len() as u64;
        }
        file.sync().await
    }
}

#[engine]
impl StorageBackend for BrokenFiles {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = self.inner.open(path, options).await?;
        Ok(if self.flaw == Flaw::LyingSync { Box::new(Forgetful { inner: file, pending: Mutex::default() }) } else { file })
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.inner.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.inner.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.inner.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.inner.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.inner.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        match self.flaw {
            Flaw::FailingRename => return Err(Error::new(ErrorKind::Io, Operation::Rename).with_path(from)),
            Flaw::PanickingRename => panic!("this rename panics"),
            Flaw::RemovingRename if from != to && self.inner.stat(to).await.is_ok_and(|found| found.is_file()) => {
                self.inner.remove_file(to).await?;
                self.inner.sync().await?;
            }
            _ => {}
        }
        self.inner.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.inner.sync().await
    }
    async fn close(&self) -> Result<()> {
        if let Some(lock) = &self.lock {
            std::fs::remove_file(lock).map_err(|error| Error::from_io(error, Operation::Close))?;
        }
        self.inner.close().await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        match self.flaw {
            Flaw::WriteInPlace => self.write_in_place(path, data).await,
            _ => self.inner.write(path, data).await,
        }
    }
}

/// A file whose writes wait in memory.
#[derive(Debug)]
struct Forgetful {
    inner: Box<dyn StorageFile>,
    pending: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl Forgetful {
    async fn flush(&self) -> Result<()> {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap());
        for (offset, data) in pending {
            self.inner.write_at(offset, &data).await?;
        }
        Ok(())
    }
}

impl Drop for Forgetful {
    fn drop(&mut self) {
        let _ = block_on(self.flush());
    }
}

#[engine]
impl StorageFile for Forgetful {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.flush().await?;
        self.inner.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.pending.lock().unwrap().push((offset, data.to_vec()));
        Ok(())
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        self.flush().await?;
        self.inner.set_len(len).await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.flush().await?;
        self.inner.stat().await
    }
    async fn sync(&self) -> Result<()> {
        Ok(())
    }
    async fn close(self: Box<Self>) -> Result<()> {
        self.flush().await
    }
}

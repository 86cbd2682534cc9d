//! Memory, watched: how many files are open, none of them made longer than a megabyte, and how often a whole one was read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath, engine,
};
use anystorage_memory::MemoryBackend;

/// In bytes: what a test does by chance must not fill the memory with zeros.
const LONGEST: u64 = 1 << 20;

#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    pub(crate) memory: Arc<MemoryBackend>,
    /// Has a count of one for each open file, and one for each of these.
    pub(crate) open: Arc<()>,
    pub(crate) reads: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Counted(Box<dyn StorageFile>, #[expect(dead_code, reason = "it counts")] Arc<()>);

fn short(len: u64) -> Result<()> {
    if len <= LONGEST { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput, Operation::Write)) }
}

#[engine]
impl StorageFile for Counted {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.0.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        short(offset.saturating_add(data.len() as u64))?;
        self.0.write_at(offset, data).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        short(len)?;
        self.0.set_len(len).await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.0.stat().await
    }
    async fn sync(&self) -> Result<()> {
        self.0.sync().await
    }
    async fn close(self: Box<Self>) -> Result<()> {
        self.0.close().await
    }
}

#[engine]
impl StorageBackend for Watched {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = self.memory.open(path, options).await?;
        Ok(Box::new(Counted(file, Arc::clone(&self.open))))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.memory.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.memory.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.memory.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.memory.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.memory.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.memory.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.memory.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.memory.close().await
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.memory.read(path).await
    }
}

//! A backend over memory that shows what only real hosts have: links, names that are not UTF-8, calls that fail or have to wait.

use std::collections::BTreeSet;
use std::sync::Mutex;

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath,
    engine,
};
use anystorage_memory::MemoryBackend;

#[derive(Debug, Default)]
pub(crate) struct Host {
    pub(crate) memory: MemoryBackend,
    /// Listed as links; the file or directory in memory is what they lead to.
    pub(crate) links: BTreeSet<StoragePath>,
    /// Directories that also hold a name that is not UTF-8.
    pub(crate) odd: BTreeSet<StoragePath>,
    /// Fails the next rename.
    pub(crate) fail_rename: Mutex<bool>,
    /// Every `stat` is pending once, although the engine calls itself immediate.
    pub(crate) slow_stat: bool,
    /// What `immediate` says the opposite of.
    pub(crate) not_immediate: bool,
}

#[engine]
impl StorageBackend for Host {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities().immediate(!self.not_immediate)
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.memory.open(path, options).await
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        if self.slow_stat {
            futures_lite::future::yield_now().await;
        }
        self.memory.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let mut entries = self.memory.list(directory, after, usize::MAX).await?;
        for entry in &mut entries {
            if self.links.contains(&directory.join(&entry.name)?) {
                entry.kind = FileKind::Symlink;
            }
        }
        if self.odd.contains(directory) && after.is_none_or(|after| after < "odd\u{fffd}") {
            entries.push(DirEntry::unaddressable("odd\u{fffd}", FileKind::Directory));
            entries.sort();
        }
        entries.truncate(limit);
        Ok(entries)
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.memory.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        if self.links.contains(path) {
            // The link goes, what it leads to stays.
            return match self.memory.stat(path).await?.is_dir() {
                true => self.memory.rename(path, &StoragePath::parse("target of the removed link")?).await,
                false => self.memory.remove_file(path).await,
            };
        }
        self.memory.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.memory.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if std::mem::take(&mut *self.fail_rename.lock().unwrap()) {
            return Err(Error::new(ErrorKind::Io, Operation::Rename).with_path(from));
        }
        self.memory.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.memory.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.memory.close().await
    }
}

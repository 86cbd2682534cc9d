//! An engine that takes note of what it is asked for.

use std::sync::{Arc, Mutex};

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};

type OnRead = Box<dyn Fn() -> Result<()> + Send + Sync>;

/// The calls that change something, and the ranges that were written.
#[derive(Default)]
pub(crate) struct Calls {
    names: Mutex<Vec<&'static str>>,
    written: Mutex<Vec<(u64, usize)>>,
    on_read: Mutex<Option<OnRead>>,
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Calls {
    pub(crate) fn reset(&self) {
        self.names.lock().unwrap().clear();
        self.written.lock().unwrap().clear();
    }
    pub(crate) fn all(&self) -> Vec<&'static str> {
        self.names.lock().unwrap().clone()
    }
    pub(crate) fn of(&self, name: &str) -> usize {
        self.names.lock().unwrap().iter().filter(|other| **other == name).count()
    }
    /// Offsets and lengths of `write_at`, in their order.
    pub(crate) fn written(&self) -> Vec<(u64, usize)> {
        self.written.lock().unwrap().clone()
    }
    /// Called before each read of an open file, which fails if this does.
    pub(crate) fn on_read(&self, called: impl Fn() -> Result<()> + Send + Sync + 'static) {
        *self.on_read.lock().unwrap() = Some(Box::new(called));
    }
    fn note(&self, name: &'static str) {
        self.names.lock().unwrap().push(name);
    }
}

#[derive(Debug)]
pub(crate) struct Counting<T> {
    inner: T,
    calls: Arc<Calls>,
}

impl<T> Counting<T> {
    pub(crate) fn new(inner: T) -> (Self, Arc<Calls>) {
        let calls = Arc::<Calls>::default();
        (Self { inner, calls: Arc::clone(&calls) }, calls)
    }
}

#[engine]
impl<B: StorageBackend> StorageBackend for Counting<B> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        if options.is_create() {
            self.calls.note("create");
        }
        Ok(Box::new(Counting { inner: self.inner.open(path, options).await?, calls: Arc::clone(&self.calls) }))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.inner.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.inner.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.calls.note("create_dir");
        self.inner.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.calls.note("remove");
        self.inner.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.calls.note("remove_dir");
        self.inner.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.calls.note("rename");
        self.inner.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.calls.note("sync");
        self.inner.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.inner.read(path).await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.calls.note("write");
        self.inner.write(path, data).await
    }
    async fn usage(&self) -> Result<Usage> {
        self.inner.usage().await
    }
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.inner.set_attributes(path, attributes).await
    }
}

#[engine]
impl StorageFile for Counting<Box<dyn StorageFile>> {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        if let Some(called) = &*self.calls.on_read.lock().unwrap() {
            called()?;
        }
        self.inner.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.calls.written.lock().unwrap().push((offset, data.len()));
        self.inner.write_at(offset, data).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        self.inner.set_len(len).await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.inner.stat().await
    }
    async fn sync(&self) -> Result<()> {
        self.inner.sync().await
    }
    async fn close(self: Box<Self>) -> Result<()> {
        self.inner.close().await
    }
}

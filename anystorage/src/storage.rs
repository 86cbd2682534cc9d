use std::ops::Deref;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};

use crate::report::OpenReport;

/// An open location: a [`StorageBackend`], and the report of how it came to be this one.
///
/// It is a backend itself, and derefs to the one inside. Dropping it, like [`close`](StorageBackend::close), gives the location free and does not sync.
#[derive(Debug)]
pub struct Storage {
    backend: Box<dyn StorageBackend>,
    report: OpenReport,
}

impl Storage {
    pub(crate) fn new(backend: Box<dyn StorageBackend>, report: OpenReport) -> Self {
        Self { backend, report }
    }

    /// What is open, why, and what was tried before it.
    #[must_use]
    pub const fn report(&self) -> &OpenReport {
        &self.report
    }

    /// The backend alone, to put a layer around it.
    #[must_use]
    pub fn into_backend(self) -> Box<dyn StorageBackend> {
        self.backend
    }
}

impl Deref for Storage {
    type Target = dyn StorageBackend;
    fn deref(&self) -> &Self::Target {
        &*self.backend
    }
}

#[engine]
impl StorageBackend for Storage {
    fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.backend.open(path, options).await
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.backend.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.backend.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.backend.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.backend.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.backend.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.backend.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.backend.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.backend.close().await
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.backend.read(path).await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.backend.write(path, data).await
    }
    async fn usage(&self) -> Result<Usage> {
        self.backend.usage().await
    }
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.backend.set_attributes(path, attributes).await
    }
}

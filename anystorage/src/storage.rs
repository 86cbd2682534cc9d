use std::ops::Deref;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Error, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};
use anystorage_layers::{AutoSync, AutoSyncOptions};

use crate::report::OpenReport;

/// An open location: a [`StorageBackend`], and the report of how it came to be this one.
///
/// It is a backend itself, and derefs to the one inside. Dropping it gives the location free and does not sync, nor does
/// [`close`](StorageBackend::close), unless [`auto_sync`](crate::StorageConfig::auto_sync) was asked for: then closing syncs what is left.
#[derive(Debug)]
pub struct Storage {
    backend: Kept,
    report: OpenReport,
}

#[derive(Debug)]
enum Kept {
    Plain(Box<dyn StorageBackend>),
    Synced(AutoSync),
}

impl Storage {
    /// With syncs that nobody asks for if the report says so.
    pub(crate) fn new(backend: Box<dyn StorageBackend>, report: OpenReport) -> Result<Self> {
        let backend = match report.auto_sync {
            None => Kept::Plain(backend),
            Some(time) => {
                let url = report.opened.clone();
                let told = move |error: &Error| log::warn!("{url} could not be synced, which is tried again: {error}");
                Kept::Synced(AutoSync::new(backend, AutoSyncOptions::new().interval(time).on_failure(told))?)
            }
        };
        Ok(Self { backend, report })
    }

    /// What is open, why, and what was tried before it.
    #[must_use]
    pub const fn report(&self) -> &OpenReport {
        &self.report
    }

    /// How many bytes were written since the last sync of everything: at most so many does a kill lose. None without
    /// [`auto_sync`](crate::StorageConfig::auto_sync), which counts them.
    #[must_use]
    pub fn unsynced_bytes(&self) -> Option<u64> {
        self.auto_sync().map(AutoSync::unsynced_bytes)
    }

    /// Why the last sync failed, if there is [`auto_sync`](crate::StorageConfig::auto_sync) and it did.
    #[must_use]
    pub fn last_sync_error(&self) -> Option<Error> {
        self.auto_sync().and_then(AutoSync::last_error)
    }

    const fn auto_sync(&self) -> Option<&AutoSync> {
        match &self.backend {
            Kept::Plain(_) => None,
            Kept::Synced(auto_sync) => Some(auto_sync),
        }
    }

    fn backend(&self) -> &dyn StorageBackend {
        match &self.backend {
            Kept::Plain(backend) => &**backend,
            Kept::Synced(auto_sync) => auto_sync,
        }
    }

    /// The backend alone, to put a layer around it.
    #[must_use]
    pub fn into_backend(self) -> Box<dyn StorageBackend> {
        match self.backend {
            Kept::Plain(backend) => backend,
            Kept::Synced(auto_sync) => Box::new(auto_sync),
        }
    }
}

impl Deref for Storage {
    type Target = dyn StorageBackend;
    fn deref(&self) -> &Self::Target {
        self.backend()
    }
}

#[engine]
impl StorageBackend for Storage {
    fn capabilities(&self) -> Capabilities {
        self.backend().capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.backend().open(path, options).await
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.backend().stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.backend().list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.backend().create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.backend().remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.backend().remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.backend().rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.backend().sync().await
    }
    async fn close(&self) -> Result<()> {
        self.backend().close().await
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.backend().read(path).await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.backend().write(path, data).await
    }
    async fn usage(&self) -> Result<Usage> {
        self.backend().usage().await
    }
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.backend().set_attributes(path, attributes).await
    }
}

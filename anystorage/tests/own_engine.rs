//! An engine written by somebody who depends on `anystorage` alone: nothing here names `anystorage_api`.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use anystorage::api::{
    Capabilities, DirEntry, Metadata, OpenOptions, Result, StorageBackend, StorageBackendExt, StorageFile, StoragePath, engine,
};
use anystorage::{Storage, open};
use futures_lite::future::block_on;

/// Counts the files that are opened.
#[derive(Debug)]
struct Counting {
    inner: Storage,
    opened: AtomicU32,
}

#[engine(crate = anystorage::api)]
impl StorageBackend for Counting {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Passing { inner: self.inner.open(path, options).await? }))
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
        self.inner.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.inner.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct Passing {
    inner: Box<dyn StorageFile>,
}

#[engine(crate = ::anystorage::api)]
impl StorageFile for Passing {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.inner.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
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

#[test]
fn an_engine_needs_no_dependency_but_anystorage() {
    block_on(async {
        let engine = Counting { inner: open("memory:").await.unwrap(), opened: AtomicU32::new(0) };
        let path = StoragePath::parse("a").unwrap();
        engine.write(&path, b"one").await.unwrap();
        assert_eq!(engine.opened.load(Ordering::Relaxed), 1, "the default of write opens its temporary file through the engine");
        let storage: Box<dyn StorageBackend> = Box::new(engine);
        assert_eq!(storage.read_to_string(&path).await.unwrap(), "one");
        let listed = storage.list_all(&StoragePath::root()).await.unwrap();
        assert_eq!(listed.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["a"]);
    });
}

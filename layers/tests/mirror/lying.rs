//! A flaw that the suite and the kill loop have to find: syncs that answer Ok and do nothing.

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};

#[derive(Debug)]
pub(crate) struct Lying<T>(pub(crate) T);

#[engine]
impl StorageBackend for Lying<Box<dyn StorageBackend>> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        Ok(Box::new(Lying(self.0.open(path, options).await?)))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.0.stat(path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.0.list(directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.0.create_dir(path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.0.remove_file(path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.0.remove_dir(path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.0.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        Ok(())
    }
    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.0.read(path).await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.0.write(path, data).await
    }
    async fn usage(&self) -> Result<Usage> {
        self.0.usage().await
    }
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.0.set_attributes(path, attributes).await
    }
}

#[engine]
impl StorageFile for Lying<Box<dyn StorageFile>> {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.0.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.0.write_at(offset, data).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        self.0.set_len(len).await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.0.stat().await
    }
    async fn sync(&self) -> Result<()> {
        Ok(())
    }
    async fn close(self: Box<Self>) -> Result<()> {
        self.0.close().await
    }
}

//! An engine that keeps nothing but bytes and names, as some in browsers do: for it the face keeps attributes and links by itself.

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath, engine,
};

/// Nothing gets this name by being renamed.
pub(crate) const REFUSED: &str = "/refused";

/// Another one, without its attributes.
#[derive(Debug)]
pub(crate) struct Plain<B>(pub(crate) B);

#[derive(Debug)]
struct PlainFile(Box<dyn StorageFile>);

fn plain(metadata: Metadata) -> Metadata {
    let mut plain = metadata;
    (plain.mode, plain.accessed, plain.modified) = (None, None, None);
    plain
}

#[engine]
impl<B: StorageBackend> StorageBackend for Plain<B> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities().attributes(false)
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        Ok(Box::new(PlainFile(self.0.open(path, options).await?)))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.0.stat(path).await.map(plain)
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
        if to.as_str() == REFUSED.trim_start_matches('/') {
            return Err(Error::new(ErrorKind::PermissionDenied, Operation::Rename));
        }
        self.0.rename(from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.0.sync().await
    }
    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

#[engine]
impl StorageFile for PlainFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.0.read_at(offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.0.write_at(offset, data).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        self.0.set_len(len).await
    }
    async fn sync(&self) -> Result<()> {
        self.0.sync().await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.0.stat().await.map(plain)
    }
    async fn close(self: Box<Self>) -> Result<()> {
        self.0.close().await
    }
}

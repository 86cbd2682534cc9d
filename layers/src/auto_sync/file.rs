//! An open file whose changes are counted.

use std::sync::Arc;

use anystorage_api::{Metadata, Result, StorageFile, engine};

use super::inner::Inner;

#[derive(Debug)]
pub(super) struct AutoSyncFile {
    // Before what holds the engine.
    pub(super) file: Box<dyn StorageFile>,
    pub(super) inner: Arc<Inner>,
}

#[engine]
impl StorageFile for AutoSyncFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.file.read_at(offset, buf).await
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.inner.changing(data.len() as u64, self.file.write_at(offset, data)).await
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        self.inner.changing(0, self.file.set_len(len)).await
    }

    async fn stat(&self) -> Result<Metadata> {
        self.file.stat().await
    }

    async fn sync(&self) -> Result<()> {
        self.file.sync().await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.file.close().await
    }
}

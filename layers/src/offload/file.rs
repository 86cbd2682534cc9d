//! An open file whose calls run on the pool.

use std::sync::{Arc, PoisonError, RwLock};

use anystorage_api::{Error, ErrorKind, Metadata, Operation, Result, StorageFile, StoragePath, engine};
use futures_lite::future::block_on;

use super::claims::{Access, Claims};
use super::lanes::LaneId;
use super::pool::Pool;

/// A file that was opened through [`Offload`](super::Offload).
#[derive(Debug)]
pub struct OffloadedFile {
    handle: Arc<Handle>,
}

/// The engine's file. Calls under way own it too, so that it outlives a handle that is dropped before they end.
#[derive(Debug)]
struct Handle {
    /// None once it was closed.
    file: RwLock<Option<Box<dyn StorageFile>>>,
    path: StoragePath,
    lane: LaneId,
    pool: Arc<Pool>,
}

impl OffloadedFile {
    pub(super) fn new(file: Box<dyn StorageFile>, path: StoragePath, lane: LaneId, pool: Arc<Pool>) -> Self {
        Self { handle: Arc::new(Handle { file: RwLock::new(Some(file)), path, lane, pool }) }
    }

    async fn run<T, W>(&self, operation: Operation, bytes: Access, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&dyn StorageFile) -> Result<T> + Send + 'static,
    {
        let handle = Arc::clone(&self.handle);
        let claims = Claims::Lane { lane: handle.lane, bytes };
        // The handle is let go inside the work: a call that has returned holds nothing.
        let work = move || match handle.file.read().unwrap_or_else(PoisonError::into_inner).as_deref() {
            Some(file) => work(file),
            None => Err(Error::new(ErrorKind::Closed, operation).with_path(&handle.path)),
        };
        self.handle.pool.run(operation, &self.handle.path, claims, work, |outcome, _| outcome).await
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.pool.leave(self.lane);
        self.pool.release(self.file.get_mut().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[engine]
impl StorageFile for OffloadedFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let len = buf.len();
        let work = move |file: &dyn StorageFile| {
            let mut data = Vec::new();
            data.try_reserve_exact(len).map_err(|_| {
                Error::new(ErrorKind::InvalidInput, Operation::Read).with_text(format!("{len} bytes do not fit into memory"))
            })?;
            data.resize(len, 0);
            let count = block_on(file.read_at(offset, &mut data))?;
            data.truncate(count);
            Ok(data)
        };
        let data = self.run(Operation::Read, Access::Shared, work).await?;
        if let Some(target) = buf.get_mut(..data.len()) {
            target.copy_from_slice(&data);
        }
        Ok(data.len())
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let data = data.to_vec();
        self.run(Operation::Write, Access::Exclusive, move |file| block_on(file.write_at(offset, &data))).await
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        self.run(Operation::SetLen, Access::Exclusive, move |file| block_on(file.set_len(len))).await
    }

    async fn stat(&self) -> Result<Metadata> {
        self.run(Operation::Stat, Access::Shared, |file| block_on(file.stat())).await
    }

    /// Waits for the writes before it, and overlaps with reads.
    async fn sync(&self) -> Result<()> {
        self.run(Operation::Sync, Access::Shared, |file| block_on(file.sync())).await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        let handle = Arc::clone(&self.handle);
        let claims = Claims::Lane { lane: handle.lane, bytes: Access::Exclusive };
        let work = move || match handle.file.write().unwrap_or_else(PoisonError::into_inner).take() {
            Some(file) => block_on(file.close()),
            None => Err(Error::new(ErrorKind::Closed, Operation::Close).with_path(&handle.path)),
        };
        self.handle.pool.run(Operation::Close, &self.handle.path, claims, work, |outcome, _| outcome).await
    }
}

//! A store that counts what an engine asks it for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anystorage_api::{Result, Usage, engine};
use anystorage_kv::{Batch, Commit, KvEntry, KvStore};

/// What was asked so far.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Asked {
    /// Gets, scans and commits.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Bytes of keys and values that the store answered.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn count(&self, bytes: usize) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(crate) struct Counted<S> {
    pub(crate) store: S,
    pub(crate) asked: Arc<Asked>,
}

#[engine]
impl<S: KvStore> KvStore for Counted<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let found = self.store.get(key).await?;
        self.asked.count(found.as_ref().map_or(0, Vec::len));
        Ok(found)
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        let found = self.store.scan(from, to, limit).await?;
        self.asked.count(found.iter().map(|(key, value)| key.len() + value.len()).sum());
        Ok(found)
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        self.asked.count(0);
        self.store.commit(batch, durability).await
    }

    async fn size(&self) -> Result<Usage> {
        self.store.size().await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}

//! A store with a flaw: its durable commits are relaxed.

use std::path::Path;

use anystorage_api::{Durability, Result, Usage, engine};
use anystorage_kv::{Batch, Commit, KvBackend, KvEntry, KvOptions, KvStore};
use anystorage_native::faults::FlushSwitch;
use anystorage_native::redb::{RedbOptions, RedbStore, open_store, open_store_with_switch};
use futures_lite::future::block_on;

#[derive(Debug)]
pub(crate) struct Unsynced(RedbStore);

impl Unsynced {
    pub(crate) fn new(file: impl AsRef<Path>, switch: &FlushSwitch) -> Self {
        Self(open_store_with_switch(file, &RedbOptions::new(), switch).unwrap())
    }
}

pub(crate) fn open(file: &str) -> Result<KvBackend<Unsynced>> {
    over(Unsynced(open_store(file, &RedbOptions::new())?))
}

pub(crate) fn over(store: Unsynced) -> Result<KvBackend<Unsynced>> {
    block_on(KvBackend::open(store, KvOptions::new().durability(Durability::PowerLoss).immediate(true)))
}

#[engine]
impl KvStore for Unsynced {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.get(key).await
    }
    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        self.0.scan(from, to, limit).await
    }
    async fn commit(&self, batch: Batch, _: Commit) -> Result<()> {
        self.0.commit(batch, Commit::Relaxed).await
    }
    async fn size(&self) -> Result<Usage> {
        self.0.size().await
    }
    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

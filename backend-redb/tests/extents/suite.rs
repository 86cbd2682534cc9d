//! Every case of the suite, those about space in a place of which the quota is small.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_conformance::table;
use anystorage_kv::KvStore;
use anystorage_kv::testing::damage;
use anystorage_redb::{RedbOptions, RedbStore};

use crate::disk::{Disk, Switch};

#[derive(Debug, Default)]
struct Packed {
    disks: Mutex<HashMap<String, Disk>>,
}

/// As browsers have it.
fn options() -> RedbOptions {
    RedbOptions::new().block_size(Some((16 << 10) - 256)).cache_bytes(16 << 20).relaxed_bytes(1 << 20)
}

#[engine]
impl Subject for Packed {
    fn name(&self) -> String {
        "packed".to_owned()
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::OPFS_PACKED)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        let mut disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        let disk = disks.entry(label.to_owned()).or_insert_with(|| Disk::new(options())).clone();
        Ok(Box::new(OneDisk(disk)))
    }
}

#[derive(Debug)]
struct OneDisk(Disk);

#[engine]
impl Place for OneDisk {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(self.0.open()?))
    }

    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        let disk = Disk::new(options());
        disk.quota.store(bytes, Ordering::Relaxed);
        Ok(Some(Box::new(Self(disk))))
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let disk = self.0.with_switch(Switch::default());
        let backend = disk.open()?;
        Ok(Some((Box::new(backend), Box::new(disk.switch))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let store = RedbStore::open(self.0.file()?, "packed", &self.0.options)?;
        let done = damage(&store, seed).await;
        store.close().await?;
        done
    }
}

anystorage_conformance::suite!(subject = Packed::default());

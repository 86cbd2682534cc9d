//! The engine as a subject of the conformance suite.

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_conformance::table;
use anystorage_kv::KvStore;
use anystorage_kv::testing::damage;

use crate::faults::CommitFaults;
use crate::{IdbMode, IdbOptions, IdbStore};

/// The `idb` engine, with one location for each place.
#[derive(Clone, Debug, Default)]
pub struct IdbSubject {
    prefix: String,
    options: IdbOptions,
}

impl IdbSubject {
    /// Places whose names begin with `prefix`. Nothing of that name is removed.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), options: IdbOptions::new() }
    }

    /// Places that are opened with these options, which must let them be created.
    #[must_use]
    pub const fn options(mut self, options: IdbOptions) -> Self {
        self.options = options;
        self
    }
}

#[engine]
impl Subject for IdbSubject {
    fn name(&self) -> String {
        "idb".to_owned()
    }

    fn url(&self) -> String {
        format!("idb://{}", self.prefix)
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::IDB)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(IdbPlace { name: format!("{}{label}", self.prefix), options: self.options }))
    }
}

#[derive(Clone, Debug)]
struct IdbPlace {
    name: String,
    options: IdbOptions,
}

#[engine]
impl Place for IdbPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(crate::open(&self.name, &self.options).await?))
    }

    fn address(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let faults = CommitFaults::default();
        let backend = crate::open_with_faults(&self.name, &self.options, &faults).await?;
        Ok(Some((Box::new(backend), Box::new(faults))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let store = IdbStore::open(&self.name, IdbMode::ReadWrite).await?;
        let done = damage(&store, seed).await;
        store.close().await?;
        done
    }
}

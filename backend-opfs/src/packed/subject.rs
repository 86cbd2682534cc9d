//! The engine as a subject of the conformance suite.

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults as Faults, Place, Subject};
use anystorage_conformance::table;
use anystorage_kv::KvStore;
use anystorage_kv::testing::damage;

use super::PackedOptions;
use crate::faults::FlushFaults;
use crate::options::Mode;
use crate::subject::name_of;

/// The layout `packed`, with a location for each place.
#[derive(Clone, Debug)]
pub struct PackedSubject {
    prefix: String,
    in_page: bool,
    options: PackedOptions,
}

impl PackedSubject {
    /// Places whose names begin with `prefix`.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), in_page: false, options: PackedOptions::new() }
    }

    /// The same places from a page: by way of a worker, calls wait.
    #[must_use]
    pub const fn in_page(mut self) -> Self {
        self.in_page = true;
        self
    }
}

#[engine]
impl Subject for PackedSubject {
    fn name(&self) -> String {
        "opfs-packed".to_owned()
    }

    fn url(&self) -> String {
        "opfs:?layout=packed".to_owned()
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::OPFS_PACKED.immediate(!self.in_page))
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(PackedPlace { name: name_of(&self.prefix, label), options: self.options.clone() }))
    }
}

#[derive(Clone, Debug)]
struct PackedPlace {
    name: String,
    options: PackedOptions,
}

#[engine]
impl Place for PackedPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        super::open(&self.name, &self.options).await
    }

    fn address(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn Faults>)>> {
        let faults = FlushFaults::default();
        let backend = super::open_with_faults(&self.name, &self.options, &faults).await?;
        Ok(Some((backend, Box::new(faults))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        match super::Store::open(&self.name, &self.options.clone().mode(Mode::ReadWrite), &FlushFaults::default()).await? {
            super::Store::Here(store) => damaged(&*store, seed).await,
            #[cfg(feature = "packed-page")]
            super::Store::InWorker(store) => damaged(&store, seed).await,
        }
    }
}

async fn damaged(store: &impl KvStore, seed: u64) -> Result<Option<String>> {
    let done = damage(store, seed).await;
    store.close().await?;
    done
}

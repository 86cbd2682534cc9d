//! The engine as a subject of the conformance suite.

use std::path::PathBuf;

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_conformance::table;
use anystorage_kv::KvStore;
use anystorage_kv::testing::damage;

use super::{SledOptions, SledStore};

/// The `sled` engine below a directory, with one sub-directory for each place.
#[derive(Clone, Debug)]
pub struct SledSubject {
    root: PathBuf,
    options: SledOptions,
}

impl SledSubject {
    /// Places below `root`, which should be empty; nothing in it is removed.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), options: SledOptions::new() }
    }

    /// Places that are opened with these options, which must let them be created.
    #[must_use]
    pub const fn options(mut self, options: SledOptions) -> Self {
        self.options = options;
        self
    }
}

#[engine]
impl Subject for SledSubject {
    fn name(&self) -> String {
        "sled".to_owned()
    }

    fn url(&self) -> String {
        format!("sled://{}", self.root.display())
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::SLED)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(SledPlace { path: self.root.join(label), options: self.options }))
    }
}

#[derive(Clone, Debug)]
struct SledPlace {
    path: PathBuf,
    options: SledOptions,
}

#[engine]
impl Place for SledPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(super::open(&self.path, &self.options)?))
    }

    fn address(&self) -> Option<String> {
        self.path.to_str().map(str::to_owned)
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let (backend, switch) = super::open_with_faults(&self.path, &self.options)?;
        Ok(Some((Box::new(backend), Box::new(switch))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let store = SledStore::open(&self.path, &self.options)?;
        let done = damage(&store, seed).await;
        store.close().await?;
        done
    }
}

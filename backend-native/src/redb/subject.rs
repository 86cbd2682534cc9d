//! The engine as a subject of the conformance suite.

use std::path::PathBuf;

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_conformance::table;
use anystorage_kv::KvStore;
use anystorage_kv::testing::damage;

use super::{RedbMode, RedbOptions};
use crate::faults::FlushSwitch;

/// The `redb` engine below a directory, with one file for each place.
#[derive(Clone, Debug)]
pub struct RedbSubject {
    root: PathBuf,
    options: RedbOptions,
}

impl RedbSubject {
    /// Places below `root`, which should be empty; nothing in it is removed.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), options: RedbOptions::new() }
    }

    /// Places that are opened with these options, which must let them be created.
    #[must_use]
    pub const fn options(mut self, options: RedbOptions) -> Self {
        self.options = options;
        self
    }
}

#[engine]
impl Subject for RedbSubject {
    fn name(&self) -> String {
        "redb".to_owned()
    }

    fn url(&self) -> String {
        format!("redb://{}", self.root.display())
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::REDB)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(RedbPlace { path: self.root.join(format!("{label}.redb")), options: self.options }))
    }
}

#[derive(Clone, Debug)]
struct RedbPlace {
    path: PathBuf,
    options: RedbOptions,
}

#[engine]
impl Place for RedbPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(super::open(&self.path, &self.options)?))
    }

    fn address(&self) -> Option<String> {
        self.path.to_str().map(str::to_owned)
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let switch = FlushSwitch::default();
        let backend = super::open_with_switch(&self.path, &self.options, &switch)?;
        Ok(Some((Box::new(backend), Box::new(switch))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let store = super::open_store(&self.path, &RedbOptions::new().mode(RedbMode::ReadWrite))?;
        let done = damage(&store, seed).await;
        store.close().await?;
        done
    }
}

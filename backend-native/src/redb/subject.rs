//! The engine as a subject of the conformance suite.

use std::path::PathBuf;

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_conformance::table;
use anystorage_kv::{Batch, Commit, KvStore};

use super::{RedbMode, RedbOptions, RedbStore};
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
        damage(&store, seed).await
    }
}

/// Flips a bit of some stored value, or cuts one: each seed another record and another place in it.
async fn damage(store: &RedbStore, seed: u64) -> Result<Option<String>> {
    let records = store.scan(&[], &[0xff; 300], usize::MAX).await?;
    // Any odd number far from a power of two spreads small seeds over the records.
    let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let chosen = usize::try_from(spread >> 32).ok().and_then(|spread| records.get(spread.checked_rem(records.len())?));
    let Some((key, value)) = chosen else { return Ok(None) };
    let mut value = value.clone();
    let at = usize::try_from(spread & 0xffff_ffff).ok().and_then(|spread| spread.checked_rem(value.len())).unwrap_or(0);
    let done = if seed % 3 == 2 && at > 0 {
        let len = value.len();
        value.truncate(at);
        format!("the record {key:02x?} was cut from {len} to {at} bytes")
    } else {
        let bit = 1 << (seed % 8);
        if let Some(byte) = value.get_mut(at) {
            *byte ^= bit;
        }
        format!("byte {at} of the record {key:02x?} was changed by {bit:#04x}")
    };
    let mut batch = Batch::new();
    batch.push(key.clone(), Some(value));
    store.commit(batch, Commit::Durable).await?;
    store.close().await?;
    Ok(Some(done))
}

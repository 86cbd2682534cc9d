//! The engine as a subject of the conformance suite.

use std::path::PathBuf;

use anystorage_api::{Capabilities, Error, ErrorKind, Operation, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_conformance::table;
use anystorage_kv::{Batch, Commit, KvStore};

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

/// Flips a bit of some record, or cuts one: each seed another record and another place in it.
async fn damage(store: &SledStore, seed: u64) -> Result<Option<String>> {
    let records = store.scan(&[], &[0xff; 300], usize::MAX).await?;
    // Any odd number far from a power of two spreads small seeds over the records.
    let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let Some(count) = u64::try_from(records.len()).ok().filter(|count| *count > 0) else { return Ok(None) };
    let chosen = usize::try_from((spread >> 32) % count).ok().and_then(|index| records.into_iter().nth(index));
    let Some((key, mut value)) = chosen else { return Ok(None) };
    let overflow = || Error::new(ErrorKind::InvalidInput, Operation::Write);
    let at = usize::try_from(spread % value.len() as u64).map_err(|_| overflow())?;
    let done = if seed % 3 == 2 && at > 0 {
        let text = format!("the record {key:02x?} was cut from {} to {at} bytes", value.len());
        value.truncate(at);
        text
    } else {
        let bit = 1 << (seed % 8);
        if let Some(byte) = value.get_mut(at) {
            *byte ^= bit;
        }
        format!("byte {at} of the record {key:02x?} was changed by {bit:#04x}")
    };
    let mut batch = Batch::new();
    batch.put(key, value);
    store.commit(batch, Commit::Durable).await?;
    Ok(Some(done))
}

//! Opening a location, and what that takes.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anystorage_api::StorageBackend;
use anystorage_kv::{KvBackend, KvOptions, KvStore};
use anystorage_native::redb::{RedbOptions, open_store};
use anystorage_native::sled::{SledOptions, SledStore};
use serde::{Deserialize, Serialize};

use super::counted::{Asked, Counted};
use super::counters::bytes_read;
use crate::Engine;
use crate::measure::at_once;

/// What one opening took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// Nanoseconds, in all.
    pub(crate) ns: f64,
    /// Of these, what the plain store took.
    pub(crate) store_ns: f64,
    /// Bytes read by system calls, in all.
    pub(crate) read_bytes: u64,
    /// Of these, what the plain store read.
    pub(crate) store_read_bytes: u64,
    /// Gets, scans and commits that the engine asked of the store.
    pub(crate) store_calls: u64,
    /// Bytes of keys and values that the store answered.
    pub(crate) store_bytes: u64,
}

/// Opens a location as its users do.
pub(crate) fn open(engine: Engine, place: &Path) -> Result<Box<dyn StorageBackend>, Box<dyn Error>> {
    Ok(match engine {
        Engine::Memory => return Err("nothing in memory outlives a process: choose another engine".into()),
        Engine::Files => Box::new(anystorage_native::files::FilesBackend::open(place)?),
        Engine::Redb => Box::new(anystorage_native::redb::open(place, &RedbOptions::new())?),
        Engine::Sled => Box::new(anystorage_native::sled::open(place, &SledOptions::new())?),
    })
}

/// Opens a location in two steps, first its store and then the engine over it.
pub(crate) fn open_in_steps(engine: Engine, place: &Path) -> Result<(Box<dyn StorageBackend>, Opening), Box<dyn Error>> {
    match engine {
        Engine::Memory | Engine::Files => {
            let (read, start) = (bytes_read()?, Instant::now());
            let storage = open(engine, place)?;
            let ns = start.elapsed().as_nanos() as f64;
            let read_bytes = bytes_read()? - read;
            Ok((storage, Opening { ns, store_ns: 0.0, read_bytes, store_read_bytes: 0, store_calls: 0, store_bytes: 0 }))
        }
        Engine::Redb => over(|| Ok(open_store(place, &RedbOptions::new())?)),
        Engine::Sled => over(|| Ok(SledStore::open(place, &SledOptions::new())?)),
    }
}

fn over<S: KvStore>(open_store: impl FnOnce() -> Result<S, Box<dyn Error>>) -> Result<(Box<dyn StorageBackend>, Opening), Box<dyn Error>> {
    let (read, start) = (bytes_read()?, Instant::now());
    let store = open_store()?;
    let store_ns = start.elapsed().as_nanos() as f64;
    let store_read = bytes_read()?;
    let asked = Arc::new(Asked::default());
    let start = Instant::now();
    let storage = at_once(KvBackend::open(Counted { store, asked: Arc::clone(&asked) }, KvOptions::new().immediate(true)))?;
    let ns = store_ns + start.elapsed().as_nanos() as f64;
    let opening = Opening {
        ns,
        store_ns,
        read_bytes: bytes_read()? - read,
        store_read_bytes: store_read - read,
        store_calls: asked.calls(),
        store_bytes: asked.bytes(),
    };
    Ok((Box::new(storage), opening))
}

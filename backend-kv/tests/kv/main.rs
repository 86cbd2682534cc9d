//! The engine over a simulated store, whose power is cut at every commit and whose records are damaged one by one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ahead;
mod between;
mod bounds;
mod checked_stores;
mod damage;
mod faults;
mod format;
mod located;
mod mixed;
mod names;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))] // It carries on in threads.
mod order;
mod paged;
mod protocol;
mod simulated;

use std::hash::{BuildHasher, Hasher, RandomState};

use anystorage_api::{Durability, Result, Timestamp};
use anystorage_conformance::durability_model::{DurabilityModel, Tree};
use anystorage_kv::testing::{SimMedium, SimStore};
use anystorage_kv::{KvBackend, KvOptions};
use futures_lite::future::block_on;

/// Small enough that a few kilobytes of changes are spilled, blocks and records both.
fn tiny(block_size: usize, dirty_bytes: usize) -> KvOptions {
    let clock = || Some(Timestamp::new(1_700_000_000, 5));
    let options = KvOptions::new().durability(Durability::PowerLoss).immediate(true).clock(clock).salt(7);
    options.block_size(block_size).dirty_bytes(dirty_bytes).cache_bytes(4 << 10)
}

/// The engine on a simulated store.
fn open(medium: &SimMedium, options: &KvOptions) -> Result<KvBackend<SimStore>> {
    block_on(KvBackend::open(medium.open()?, options.clone()))
}

/// All that the engine shows.
fn observe(medium: &SimMedium, options: &KvOptions) -> Result<Tree> {
    let backend = open(medium, options)?;
    block_on(Tree::observe(&backend))
}

/// Whether what the engine shows after a power cut is what the model allows.
fn check(medium: &SimMedium, options: &KvOptions, model: &DurabilityModel) -> Result<Tree, String> {
    let found = observe(medium, options).map_err(|error| format!("what the cut left cannot be read: {error}"))?;
    model.check(&found).map_err(|violation| violation.to_string())?;
    Ok(found)
}

/// `ANYSTORAGE_SEED`, or another one each time.
fn seed() -> u64 {
    match std::env::var("ANYSTORAGE_SEED") {
        Ok(text) => text.parse().expect("ANYSTORAGE_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

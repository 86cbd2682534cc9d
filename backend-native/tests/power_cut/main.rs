//! The real engine over the simulated disk, with the power cut at every operation.
//!
//! The failure that is feared: what a sync had covered is gone after a power cut, or what it had not covered has damaged something else. A
//! kill of the process never shows that, because the operating system's page cache survives it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod faithful;
mod host;
mod mixed;
mod persistence;
mod protocol;
mod recovery;

use std::hash::{BuildHasher, Hasher, RandomState};

use anystorage_conformance::durability_model::{DurabilityModel, Tree};
use anystorage_conformance::simdisk::SimDisk;
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;
use host::SimHost;

/// The engine over a simulated disk.
fn open(disk: &SimDisk) -> FilesBackend<SimHost> {
    FilesBackend::over(SimHost(disk.clone()))
}

/// All that the engine shows of a disk.
fn observe(disk: &SimDisk) -> anystorage_api::Result<Tree> {
    block_on(Tree::observe(&open(disk)))
}

/// Whether what the engine shows after a power cut is what the model allows.
fn check(disk: &SimDisk, model: &DurabilityModel) -> Result<(), String> {
    let found = observe(disk).map_err(|error| format!("what the cut left cannot be read: {error}"))?;
    model.check(&found).map_err(|violation| violation.to_string())
}

/// Whether a name on the host is one of the engine's temporary ones.
fn is_temporary(name: &str) -> bool {
    name.strip_prefix(".anystorage-~").is_some_and(|digits| digits.len() == 16 && !digits.starts_with('~'))
}

/// `ANYSTORAGE_SEED`, or another one each time.
fn seed() -> u64 {
    match std::env::var("ANYSTORAGE_SEED") {
        Ok(text) => text.parse().expect("ANYSTORAGE_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

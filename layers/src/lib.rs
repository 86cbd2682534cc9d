//! Layers: what changes how an engine is reached, and not what it keeps. Each is a
//! [`StorageBackend`](anystorage_api::StorageBackend) around another one.
//!
//! - [`Offload`] moves every call of an engine that does blocking work to a pool of threads, so that async code never waits in an executor.
//!   It exists on native targets only; browsers have no threads to spare, and engines that never block.
//! - [`Mirror`] holds a tree in memory in front of any engine: all reading and writing is synchronous, and a sync writes back what changed.
//! - [`AutoSync`] syncs by itself: at an interval, after a quiet time, when a page is hidden, and on close.
//!
#![cfg_attr(
    all(target_family = "wasm", target_os = "unknown"),
    doc = "[`Offload`]: https://docs.rs/anystorage-layers/latest/anystorage_layers/struct.Offload.html"
)]

mod auto_sync;
mod mirror;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod offload;
#[cfg(feature = "conformance")]
pub mod subject;

pub use auto_sync::{AutoSync, AutoSyncOptions};
pub use mirror::{Keep, Mirror, MirrorIo, MirrorOptions, Populated, Progress};

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use offload::{Offload, OffloadedFile};

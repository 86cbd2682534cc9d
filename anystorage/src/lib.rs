//! One storage plug, many engines: native and in the browser, chosen by a URL.
//!
//! Code that keeps files speaks to [`StorageBackend`]. Which engine keeps them is a line in a configuration file, and
//! each engine is a cargo feature. Every engine holds [the same contract](api::contract), line by line.
//!
//! # Async
//!
//! ```
//! # #[cfg(feature = "memory")]
//! # futures_lite::future::block_on(async {
//! use anystorage::StoragePath;
//!
//! let storage = anystorage::open("memory:").await?; // or file:///var/lib/notes
//! let plan = StoragePath::parse("plan.md")?;
//! storage.write(&plan, b"buy milk").await?; // whole file, all or nothing
//! storage.sync().await?; // from here on it is as durable as the engine declares
//! assert_eq!(storage.read(&plan).await?, b"buy milk");
//! println!("{} lasts: {}", storage.report().opened, storage.report().durability.as_str());
//! # Ok::<(), anystorage::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Blocking
//!
//! ```
//! # #[cfg(feature = "memory")] {
//! use std::io::Write;
//!
//! use anystorage::{OpenOptions, StoragePath};
//!
//! let storage = anystorage::open_blocking("memory:")?;
//! let mut log = storage.open(&StoragePath::parse("log")?, &OpenOptions::editing())?;
//! writeln!(log, "std::io::{{Read, Write, Seek}} work on it")?;
//! log.sync()?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A configuration with a fallback
//!
//! ```
//! # #[cfg(feature = "memory")]
//! # futures_lite::future::block_on(async {
//! use anystorage::StorageConfig;
//!
//! let config: StorageConfig = toml::from_str(r#"
//!     url = "file:///dev/null/notes"
//!     fallback = ["memory:"]         # memory only if it is listed
//! "#)?;
//! let storage = config.open().await?;
//! assert_eq!(storage.report().opened.as_str(), "memory:");
//! for passed_over in &storage.report().tried {
//!     println!("{passed_over}"); // and in the log
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Features
//!
//! | feature | URL | engine | targets |
//! |---|---|---|---|
//! | `memory` (default) | `memory:` | bytes in memory | all |
//! | `files` | `file:///dir` | one host file per file | Unix |
//! | `sled` | `sled:///dir` | a sled store in a directory | Unix |
//! | `redb` | `redb:///file` | a redb store in one host file | Unix |
//! | `opfs` | `opfs://name` | the origin private file system, one file for each | browsers: dedicated workers |
//! | `opfs-packed` | `opfs://name?layout=packed` | the same, one file for all | browsers: dedicated workers |
//! | `idb` | `idb://name` | an IndexedDB database | browsers |
//! | `bridge` | | `open_bridged`: any of them without `async` | browsers: dedicated workers |
//!
//! A feature only adds. A URL whose engine is not compiled in says which feature to enable.

#[cfg(all(feature = "bridge", target_family = "wasm", target_os = "unknown"))]
mod bridge;
mod config;
mod engine;
mod interval;
mod probe;
mod report;
mod size;
mod storage;
mod url;

pub use anystorage_api as api;
pub use anystorage_api::{
    Blocking, Capabilities, DirEntry, Durability, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageBackend,
    StorageBackendExt, StorageFile, StoragePath, Usage,
};
pub use anystorage_layers as layers;
#[cfg(all(feature = "bridge", target_family = "wasm", target_os = "unknown"))]
pub use anystorage_remote as remote;
#[cfg(all(feature = "bridge", target_family = "wasm", target_os = "unknown"))]
pub use bridge::open_bridged;
pub use config::StorageConfig;
pub use engine::{ENGINES, EngineInfo};
pub use report::{Attempt, OpenReport, ProbeOutcome};
pub use size::{ByteSize, InvalidByteSize};
pub use storage::Storage;
pub use url::{FilesMode, Location, OpfsIo, OpfsLayout, OpfsOptions, StorageUrl, StoreMode, StoreOptions};

/// Opens a location for async callers: no call on it ever blocks the executor.
///
/// It is not probed and has no fallback; [`StorageConfig`] has both.
///
/// # Errors
/// Those of [`StorageUrl::parse`]; [`ErrorKind::Unsupported`] if the engine is not in this build, with the cargo feature to enable; what
/// the engine answers, [`ErrorKind::Locked`] if another instance holds the location.
pub async fn open(url: &str) -> Result<Storage> {
    StorageConfig::new(StorageUrl::parse(url)?).probe(false).open().await
}

/// Opens a location with the engine inside the calls, on the caller's thread.
///
/// # Errors
/// As [`open`].
pub async fn open_inline(url: &str) -> Result<Storage> {
    StorageConfig::new(StorageUrl::parse(url)?).probe(false).open_inline().await
}

/// Opens a location for code without `async`, with [`std::io`] on its files.
///
/// # Errors
/// As [`open`], and as [`StorageConfig::open_blocking`].
pub fn open_blocking(url: &str) -> Result<Blocking<Storage>> {
    StorageConfig::new(StorageUrl::parse(url)?).probe(false).open_blocking()
}

/// The examples of the README, as tests.
#[cfg(all(doctest, feature = "memory"))]
#[doc = include_str!("../../README.md")]
mod readme {}

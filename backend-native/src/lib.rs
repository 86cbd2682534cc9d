//! The anystorage engines for operating systems.
//!
//! - `files` (feature `files`, on by default): one host file per file, below a root directory. Unix alone; tested on Linux.
//!
//! With the feature `conformance` each engine comes with its subject for the conformance suite (`files::subject`).

#[cfg(all(feature = "files", unix))]
pub mod files;
#[cfg(feature = "redb")]
pub mod redb;
#[cfg(feature = "sled")]
pub mod sled;

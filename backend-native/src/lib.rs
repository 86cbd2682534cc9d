//! The anystorage engines for operating systems.
//!
//! - `files` (feature `files`, on by default): one host file per file, below a root directory. Unix alone; tested on Linux.
//! - `redb` (feature `redb`): files in a redb database, one host file in all. Unix alone; tested on Linux.
//! - `sled` (feature `sled`): files in a sled store, below a directory. Unix alone; tested on Linux.
//!
//! With the feature `conformance` each engine comes with its subject for the conformance suite (`files::subject`).

#[cfg(all(any(feature = "redb", feature = "sled"), unix))]
pub mod faults;
#[cfg(all(feature = "files", unix))]
pub mod files;
#[cfg(all(any(feature = "redb", feature = "sled"), unix))]
mod holder;
#[cfg(all(feature = "redb", unix))]
pub mod redb;
#[cfg(all(any(feature = "files", feature = "redb", feature = "sled"), unix))]
mod root;
#[cfg(all(feature = "sled", unix))]
pub mod sled;

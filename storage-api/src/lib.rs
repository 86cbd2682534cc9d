//! The plug of anystorage: the two traits that an engine implements, and the types they speak in.
//!
//! - [`StorageBackend`] is a tree of files and directories; [`StorageFile`] is one open file in it.
//! - [`StoragePath`], [`OpenOptions`], [`Metadata`], [`DirEntry`], [`Capabilities`] and [`Error`] are the words they use.
//! - [`StorageBackendExt`] is what every backend can do on top: whole trees, copies, text.
//! - [`Blocking`] and [`BlockingFile`] are the same without `async`, for engines that never wait, with `std::io` on open files.
//! - [`RunToEnd`] makes calls that wait outlive the drop of their future, for engines that need it.
//! - [`contract`] is the promise behind all of it, in twelve numbered lines.
//!
//! # Writing an engine
//!
//! Implement both traits under the [`engine`] attribute, which makes them object-safe on native targets and in browsers alike. Ten methods
//! of [`StorageBackend`] are required; the others have a default that an engine overrides where it has a better way. Then let
//! `anystorage-conformance` prove it with one line.
//!
//! Nothing here assumes threads, a clock or an operating system.

extern crate self as anystorage_api;

mod backend;
mod blocking;
mod capabilities;
mod detach;
mod error;
mod ext;
mod file;
mod maybe;
mod metadata;
mod options;
mod path;
mod sibling;
mod walk;

pub use anystorage_macros::engine;
pub use backend::StorageBackend;
pub use blocking::{Blocking, BlockingFile, BlockingWalk};
pub use capabilities::{Capabilities, Durability};
pub use detach::{Detached, RunToEnd};
pub use error::{Error, ErrorKind, Operation, Result};
pub use ext::StorageBackendExt;
pub use file::StorageFile;
pub use maybe::{MaybeSend, MaybeSync};
pub use metadata::{Attributes, DirEntry, FileKind, Metadata, Timestamp, Usage};
pub use options::OpenOptions;
pub use path::{MAX_NAME_LEN, MAX_PATH_LEN, StoragePath};
pub use walk::{Walk, WalkEntry};

#[doc = include_str!("../CONTRACT.md")]
pub mod contract {}

/// What the [`engine`] attribute expands to. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use async_trait::async_trait;
}

//! The `files` engine on the real file system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

mod basics;
mod confinement;
mod conformance;
mod flushes;
mod full_disk;
mod holder;
mod host_names;
mod model;
#[path = "../own_process/mod.rs"]
mod own_process;
mod protocol;
mod revisions;
mod support;
mod threads;

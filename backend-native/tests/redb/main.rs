//! The `redb` engine on the real file system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

mod bad_input;
mod conformance;
mod damage;
mod full_disk;
mod holder;
mod model;
#[path = "../own_process/mod.rs"]
mod own_process;
#[path = "../process_cases/mod.rs"]
mod process_cases;
mod processes;
mod protocol;
mod store;
mod support;
mod unsynced;

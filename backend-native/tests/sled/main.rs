//! The `sled` engine on the real file system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

mod atomic;
mod conformance;
mod damage;
mod elsewhere;
mod full_disk;
mod kill;
#[path = "../own_process/mod.rs"]
mod own_process;
mod places;
#[path = "../process_cases/mod.rs"]
mod process_cases;
mod protocol;
mod rebuild;
mod store;
mod support;

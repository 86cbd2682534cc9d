//! The `sled` engine on the real file system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

mod atomic;
mod conformance;
mod damage;
mod elsewhere;
mod full_disk;
mod kill;
mod places;
mod protocol;
mod rebuild;
mod store;
mod support;

//! `Mirror` over memory, files and redb.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod auto_sync;
mod behaviour;
mod conformance;
mod counting;
mod lying;
mod model;
mod processes;
mod support;

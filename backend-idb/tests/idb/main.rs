//! The contract, and what becomes of a location when the browser, or somebody else on the page, interferes.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod conformance;
mod databases;
mod large;
mod lost;
mod store;
mod support;
mod wanted;

//! What only OPFS has: files that other programs of the origin see, locations that lie in one another, and much of everything.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod large;
mod locations;
mod model;
mod others;
mod packed;
mod pool;
mod support;

//! The engine over a file that takes only the space that is used, as browsers have it, on a disk that is simulated: its space runs out, and its
//! power is cut at every operation.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod disk;
mod foreign;
mod log;
mod moves;
mod parts;
mod power_cut;
mod space;
mod suite;

use std::hash::{BuildHasher, Hasher, RandomState};

/// `ANYSTORAGE_SEED`, or another one each time.
fn seed() -> u64 {
    match std::env::var("ANYSTORAGE_SEED") {
        Ok(text) => text.parse().expect("ANYSTORAGE_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

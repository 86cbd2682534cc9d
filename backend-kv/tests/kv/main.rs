//! The engine over a simulated store, whose power is cut at every commit and whose records are damaged one by one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod checked_stores;
mod simulated;

use std::hash::{BuildHasher, Hasher, RandomState};

/// `ANYSTORAGE_SEED`, or another one each time.
fn seed() -> u64 {
    match std::env::var("ANYSTORAGE_SEED") {
        Ok(text) => text.parse().expect("ANYSTORAGE_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

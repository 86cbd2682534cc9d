//! The store below the engine.

use anystorage_kv::testing::check_store;
use anystorage_native::sled::{SledOptions, SledStore};
use futures_lite::future::block_on;

#[test]
fn the_store_keeps_what_the_trait_promises() {
    for seed in 0..4 {
        let directory = tempfile::tempdir().unwrap();
        let open = || async { SledStore::open(directory.path().join("store"), &SledOptions::new()) };
        block_on(check_store(open, seed, 5)).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

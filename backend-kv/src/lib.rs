//! A complete anystorage engine over any transactional key-value store.

mod backend;
#[allow(dead_code)]
mod cache;
#[allow(dead_code)]
mod map;
mod options;
#[allow(dead_code)]
mod runs;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use backend::KvBackend;
pub use options::{KvOptions, MAX_BLOCK_SIZE, MIN_BLOCK_SIZE};
pub use store::{Batch, Commit, KvEntry, KvStore, MAX_KEY_LEN, MAX_RECORD_LEN};

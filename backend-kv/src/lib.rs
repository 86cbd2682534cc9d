//! A complete anystorage engine over any transactional key-value store.

mod backend;
mod cache;
mod content;
mod engine;
mod file;
mod format;
mod garbage;
mod handles;
mod map;
mod options;
mod placement;
mod publish;
mod records;
mod recovery;
mod runs;
mod spill;
mod state;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tree;

pub use backend::KvBackend;
pub use options::{KvOptions, MAX_BLOCK_SIZE, MIN_BLOCK_SIZE};
pub use store::{Batch, Commit, KvEntry, KvStore, MAX_KEY_LEN, MAX_RECORD_LEN};

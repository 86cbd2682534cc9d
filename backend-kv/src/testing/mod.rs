//! For tests, with the feature `testing`: [`check_store`] shows whether a store of one's own is one. And a key-value store in memory that
//! knows what of it is durable, and whose power can be cut at every commit.
//!
//! [`SimMedium`] is what lasts, [`SimStore`] is a [`KvStore`](crate::KvStore) opened on it. [`SimMedium::cut`] gives the medium as it may
//! be found after a power cut at this moment; it is a [`Medium`](anystorage_conformance::simdisk::Medium), so that a
//! [`Sweep`](anystorage_conformance::simdisk::Sweep) goes over every cut.
//!
//! ```
//! use anystorage_kv::testing::{Outcome, SimMedium};
//! use anystorage_kv::{Batch, Commit, KvStore};
//! # futures_lite::future::block_on(async {
//! let medium = SimMedium::new();
//! let store = medium.open()?;
//! let mut batch = Batch::new();
//! batch.put("key", "value");
//! store.commit(batch, Commit::Relaxed).await?;
//!
//! assert!(medium.cut(Outcome::NothingUnsynced).records().is_empty());
//! store.commit(Batch::new(), Commit::Durable).await?;
//! assert_eq!(medium.cut(Outcome::NothingUnsynced).records().len(), 1);
//! # Ok::<(), anystorage_api::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What it assumes of stores
//! It promises what [`KvStore::commit`](crate::KvStore::commit) says, and no more.
//! - A batch is there whole or not at all.
//! - Of the relaxed commits since the last durable one any may be lost, the others kept; and what is kept may have been made in another
//!   order than it was asked for.
//! - When a durable commit has returned, it is there, and so is everything before it. One that was under way is there with everything
//!   before it, or is lost; the relaxed ones before it are then as above.
//! - Reads change nothing. So the power need only be cut before each commit, and never before a `get` or a `scan`.
//! - What was durable stays.

mod check;
mod damage;
mod medium;
mod outcome;
mod state;
mod store;

pub use check::{StoreFailure, check_store};
pub use damage::damage;
pub use medium::{Fault, SimCommit, SimMedium};
pub use outcome::Outcome;
pub use store::SimStore;

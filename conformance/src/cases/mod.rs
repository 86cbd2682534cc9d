//! The cases, a module for each part of the contract. [`list`](crate::list) is their index.

#[macro_use]
pub(crate) mod check;

pub mod atomic_sync;
pub mod attributes;
pub mod damage;
pub mod flush;
pub mod holder;
pub mod honesty;
pub mod listing;
pub mod open_files;
pub mod options;
pub mod order;
pub mod paths;
pub mod reads;
pub mod replacing;
pub mod space;
pub mod synced_attributes;
pub mod syncs;
pub mod tree;
pub mod unsynced;

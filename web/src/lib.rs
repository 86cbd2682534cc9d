//! What the demo page calls: a location of files, and the suite on it.
//!
//! - `storage`: an open location
//! - `prove`: the suite in the page, and the end of what it left
//! - `failure`: errors as JavaScript knows them
//! - `places`: where the suite runs, which is never where the visitor's files are
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod failure;
mod places;
mod prove;
mod storage;

pub use crate::prove::{prove, tidy};
pub use crate::storage::Storage;

//! The `files` engine on the real file system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

mod basics;
mod conformance;
mod model;
mod support;

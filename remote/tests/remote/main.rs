//! The bridge natively: the whole suite through a channel, what is in order, what is lost, and what makes no sense.
#![cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod conformance;
mod garbage;
mod large;
mod lost;
mod order;
mod watched;

//! The face beside the host, beside a model, over every native engine, and in a browser's worker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(
    all(target_family = "wasm", target_os = "unknown"),
    allow(clippy::arc_with_non_send_sync, reason = "there is one thread, and engines of browsers stay in it")
)]

mod exerciser;
mod model;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod browser;

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod bad_input;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod devices;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod engines;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod exercise;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod mounts;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod persistence;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod plain;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod table;

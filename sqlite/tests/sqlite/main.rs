//! SQLite databases on every native engine, and in a browser's worker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(
    all(target_family = "wasm", target_os = "unknown"),
    allow(clippy::arc_with_non_send_sync, reason = "there is one thread, and engines of browsers stay in it")
)]

mod checks;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod browser;

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod engines;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod errors;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod flushes;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod full;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod journals;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod kill;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod locks;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod power_cut;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod shop;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod transfer;

//! Any subject of the conformance suite, seen through the bridge.

mod channel;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod shared;

pub use channel::{Pause, Spawn, ThroughChannel};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use shared::{Served, ThroughShared};

//! The cases, one module per contract line. `list.rs` is their index.

#[macro_use]
mod check;

pub mod holder;
pub mod open_files;
pub mod order;
pub mod reads;
pub mod syncs;

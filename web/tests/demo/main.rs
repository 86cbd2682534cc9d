//! The demo page in the browser that `ANYSTORAGE_BROWSER` names, Chromium unless it does: served by the program that people start, clicked
//! through as people do. What it looked like is left below the target directory.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

mod denied;
mod files;
mod looks;
mod proof;
mod tabs;
mod world;

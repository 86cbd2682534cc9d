//! The suite, tested: correct engines pass, broken ones are caught.
#![cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod broken;
mod broken_files;
mod catalogue;
mod default_write_test;
mod durability_test;
mod matrix_test;
mod model_test;
mod reference;
mod reference_test;
mod subjects;
mod workers;

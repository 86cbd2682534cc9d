//! The engine over a simulated store, whose power is cut at every commit and whose records are damaged one by one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod simulated;

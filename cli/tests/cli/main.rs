//! The command as a person or a script meets it: the real program, real directories, real kills.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, missing_docs)]

mod bad_input;
mod command;
mod conformance;
mod copying;
mod left_out;
mod real_tree;
mod small_commands;
mod stores;
mod through_stores;
mod tree;

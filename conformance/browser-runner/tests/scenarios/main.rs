//! What befalls the engines of browsers beside the cases: several tabs, crashes, a full origin, private windows, storage that is denied, a strict
//! policy, a build, syncs that nobody asks for, a directory that is on its way. In the browser that
//! `ANYSTORAGE_BROWSER` names, Chromium unless it does; of WebKit, those that `cargo xtask test` picks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

mod auto_sync;
mod builds;
mod crashes;
mod damaged;
mod databases;
mod fallback;
mod flushes;
mod idbfs;
mod quota;
mod refused;
mod renames;
mod sahpool;
mod tabs;
mod third_party;
mod torn;
mod world;

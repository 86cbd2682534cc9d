//! The anystorage engine that keeps files in memory: for tests, for caches, for what need not last, and as the model that other engines
//! are compared with.
//!
//! [`MemoryBackend`] is the whole interface. It runs wherever Rust runs, in browsers too, and needs neither threads nor a clock.
//!
//! # How it keeps files
//!
//! A tree of directories leads to inodes. An inode is a map from block numbers to blocks of at most 64 KiB, each only as long as what was
//! written to it; holes have no block and cost nothing. Block numbers are 64 bits wide on every target, so a 32-bit one addresses bytes
//! beyond 4 GiB as well. Reads copy straight from a block into the caller's buffer, and overlap; writes to one file wait for each other.
//! `modified` is never told, for lack of a clock; revisions count for the whole location.
//!
//! # What it assumes
//!
//! - That the allocator reports failure instead of ending the process. Where the host overcommits memory, set a limit with
//!   [`MemoryBackend::with_limit`]. Names and the maps themselves, a few dozen bytes for each entry and each block, are not asked for
//!   fallibly and not counted.
//! - Nothing else.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract):
//!
//! 1. *Two syncs*: durability is `None`, so both syncs only answer whether the location is open.
//! 2. *Unsynced is bounded*: with the instance everything goes, as declared; until then nothing is lost.
//! 3. *`atomic_sync`* is not declared, for there is nothing it could hold against.
//! 4. *Replacing*: `write` fills a new inode and then swaps it in, `rename` moves it, each under the lock of the tree. While `write`
//!    replaces a file, old and new bytes count against the limit together.
//! 5. *Reads* see what was written, through whichever handle. Holes and growth read as zeros. Files reach up to 2^53 - 1 bytes.
//! 6. *Order*: every call is done when its future is first polled, under the file's lock; reads share it. A `write_at` that runs out of
//!    space leaves the blocks before the failing one.
//! 7. *One holder*: every instance is a location of its own that nobody else can open.
//! 8. *Space*: the limit, and an allocator that has no more, are `NoSpace`. What is removed or cut is given back at once; a removed file
//!    that is still open, with its last handle.
//! 9. *Damage*: there are no stored bytes that could be damaged from outside.
//! 10. *No silent fall-back*: there is nothing below it. What it does not offer (attributes) answers `Unsupported`.
//! 11. *A failed flush* cannot happen: nothing is flushed.
//! 12. *Open files*: handles hold the inode, not the name. They follow renames of the file and of directories above it, and outlive its
//!     removal and its replacement.

mod backend;
mod file;
mod inode;
mod location;
mod room;
mod sparse;
#[cfg(feature = "conformance")]
pub mod subject;
mod tree;

pub use backend::MemoryBackend;
pub use room::{Full, Room};
pub use sparse::{Snapshot, Sparse};

//! Files in the origin private file system of a browser ([OPFS](https://fs.spec.whatwg.org/)). On other targets this crate is empty.
//!
//! - [`tree`]: one OPFS file for each file, under its own name, in dedicated workers
//!
//! ```no_run
//! # #[cfg(all(target_family = "wasm", target_os = "unknown"))]
//! # async fn keep() -> anystorage_api::Result<()> {
//! use anystorage_api::{StorageBackend, StoragePath};
//! use anystorage_opfs::{OpfsOptions, tree};
//!
//! let notes = tree::open("notes", &OpfsOptions::new()).await?;
//! notes.write(&StoragePath::parse("plan.md")?, b"# Plan").await?;
//! notes.sync().await?;
//! notes.close().await
//! # }
//! ```
//!
//! # How it keeps them
//!
//! A location is a directory below the root of the origin's private file system, and the files in it are those that other programs of the
//! origin see. A name that a browser refuses is kept under another one, reversibly. Hidden in the location is one more directory,
//! `.anystorage-~`: new contents until they take their path, and files that are open and have no name any more. It is emptied when the
//! location is opened.
//!
//! Each file that is open, or not flushed, has one synchronous access handle, which all its openers share; reads and writes go straight
//! between it and the memory of wasm. Whoever has to wait for the browser does so in turn, in the order of the calls.
//!
//! # What it costs
//!
//! - A sync flushes the handles of what was changed, each by itself. Of one file that is one fdatasync in Chromium 156, and seven fsyncs in
//!   Firefox 153, which writes to databases of its own besides (21 and 140 for 20 syncs, told by strace).
//!   Without a change there is none.
//! - `write` fills a new file and moves it: three calls that wait for the browser. Of a file that is open and replaced, the old bytes are
//!   copied for those who have it open.
//! - A directory is renamed entry by entry.
//! - Chromium gives a file its space in steps that double it, up to 64 MiB: where less than that is free, a file is full early. It also counts
//!   holes towards the quota.
//!
//! # What it assumes
//!
//! - What the browser says of a change of the tree is so for whoever asks next, also after all its processes were killed. That was tried in
//!   Chromium 156 and Firefox 153.
//! - `flush` hands bytes to the system at least. Whether they outlive the power is up to the browser, and not promised here.
//! - `move` replaces a file in one step, and the browser has it: where it lacks, opening is refused.
//! - Web Locks hold back other tabs and workers of the origin. Whoever uses the files beside this crate is not held back.
//! - A browser that is short of space may delete all that a site has stored, unless it was asked with `navigator.storage.persist()` not to.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract):
//!
//! 1. *Two syncs*: both flush; changes of the tree last when they are made.
//! 2. *Unsynced is bounded*: writes go in place, so a file that was not synced may be torn where it was written, and nowhere else.
//! 3. *`atomic_sync`* is not declared.
//! 4. *Replacing*: a file that is whole and flushed is moved over the path. Directories are moved entry by entry: `atomic_rename_dir` is not
//!    declared, and a kill in the middle leaves each file in one of the two.
//! 5. *Reads* are those of the handle. Offsets beyond 2^53 - 1 are refused.
//! 6. *Order*: calls that wait have turns; those that need not wait go ahead only when nobody waits. A call whose future is dropped is left to the
//!    event loop.
//! 7. *One holder*: the Web Lock `anystorage:opfs:` and the name, and, shared with others, those of the directories that lead there: so
//!    a location and one that lies in it are not open at the same time. With it in hand, a handle that is busy is waited for, up to five seconds.
//! 8. *Space*: a count that is not the one asked for is `NoSpace`, and so is `QuotaExceededError`, and a file that cannot be lengthened.
//! 9. *Damage* is not noticed: there are no checksums.
//! 10. *No silent fall-back*: pages, shared workers and browsers without these handles are refused, with a text that says what to do.
//! 11. *A failed flush*: the file takes no more changes until the location is opened anew.
//! 12. *Open files*: one whose name is removed or replaced goes on in the hidden directory.
//!
//! # What is missing
//!
//! What a kill leaves of a directory's rename is not tried: the kill loop leaves that out for engines that do not declare it atomic.
//! Writable streams, for pages. `usage`: browsers round what they tell, and tell it late.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod faults;
mod hidden;
mod host;
mod names;
mod open_file;
mod options;
mod overlay;
mod stream;
#[cfg(feature = "conformance")]
pub mod subject;
pub mod tree;

pub use faults::FlushFaults;
pub use options::{Io, Mode, OpfsOptions};

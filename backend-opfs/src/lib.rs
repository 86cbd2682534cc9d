//! Files in the origin private file system of a browser ([OPFS](https://fs.spec.whatwg.org/)). On other targets this crate is empty.
//!
//! - [`tree`]: one OPFS file for each file, under its own name
//! - `packed`: all files in one OPFS file; with the feature `packed`
//! - `pool`: OPFS files that are opened ahead, for databases; with the feature `pool`
//!
//! [`Layout::of`] tells which of them a location has; [`list`] and [`remove`] are for all. What follows is about `tree`; the
//! others have their own pages.
//!
//! The bytes of files are reached in one of two ways, which [`Io`] names. The files are the same, so a location may be opened by the one
//! today and by the other tomorrow. Neither is ever taken in the place of the other.
//!
//! | | [`Io::Handle`] (default) | ... in a page | [`Io::Stream`] |
//! |---|---|---|---|
//! | by way of | synchronous access handles | those of a worker that the engine starts | snapshots (`getFile`) and `createWritable` |
//! | where | dedicated workers | where workers can be started: pages | pages, dedicated workers, shared workers |
//! | reads | never wait | wait for the worker | wait for the browser, unless the bytes were just written |
//! | writes | in place, at once | in place, by the worker | in memory, until their sync |
//! | a sync | flushes | flushes | writes each changed file anew, as a whole |
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
//! # In a page
//!
//! There are no synchronous handles in a page, so opening a location starts a dedicated worker, from a script that is part of this crate: no
//! bundler has to know of it. The worker has the handles of this location and ends with it. Names and directories stay with the page. What is
//! asked without waiting in between goes in one message, and so do the answers: two hundred small writes that are under way together pay for one
//! round trip; each one that waits for the one before pays for its own, 0.1 to 0.2 milliseconds.
//!
//! The script comes by a `blob:` URL. A content security policy that allows none (`worker-src`) makes opening
//! [`Unsupported`](anystorage_api::ErrorKind::Unsupported), with a text that says so: serve [`WORKER_SCRIPT`] as it is, and name its URL with
//! [`OpfsOptions::worker`].
//!
//! A worker that ends by itself, or is ended, is noticed by a Web Lock that it holds: all calls are
//! [`Disconnected`](anystorage_api::ErrorKind::Disconnected) from then on. What was synced is there for whoever opens the location again.
//!
//! # How streams go
//!
//! A stream's file has its last snapshot, which never changes, and what was written since then, in memory. A sync, a rename over another
//! file, and more than 16 MiB that wait in a location bring it to the browser: a stream fills a file in the hidden directory, which is then
//! moved over the path.
//!
//! Firefox 153 keeps the tree in a database, and deletes a file before that is told of it: a kill in the middle of a removal, or of a move over
//! a file, leaves an empty file (2 of 120 kills under load, until the following). So a move over a file is noted in the hidden directory
//! first, and whoever opens the location after a kill ends it; and a file is removed by moving it there. Opening finds out, by a stream, whether the
//! browser is such a one; Chromium is not.
//!
//! # What it costs
//!
//! - A sync flushes the handles of what was changed, each by itself. Of one file that is one fdatasync in Chromium 156, and seven fsyncs in
//!   Firefox 153, which writes to databases of its own besides (21 and 140 for 20 syncs, told by strace).
//!   Without a change there is none.
//! - By streams, Chromium 156 asks the system for no flush at all when a file is closed or moved; Firefox 153 asks for 51 in each sync, 34 of
//!   them for files of OPFS (0 and 1,020 for 20 syncs).
//! - By streams, a sync copies each file that was changed: what is changed in large files had better have handles. 4 KiB in 64 MiB take some
//!   200 ms. Of a file with holes the copy has none: sparse files of gigabytes work, and each sync of a change takes that much space and time.
//!   While a file is synced, it takes its space twice. A hole of more than 16 MiB is refused at once where the browser has no room for it.
//! - `write` fills a new file and moves it: three calls that wait for the browser. Of a file that is open and replaced, the old bytes are
//!   copied for those who have it open.
//! - In Firefox a replacement costs the note besides: a file that is made, written and removed.
//! - A directory is renamed entry by entry.
//! - Chromium gives a file its space in steps that double it, up to 64 MiB: where less than that is free, a file is full early. It also counts
//!   holes towards the quota.
//!
//! # What it assumes
//!
//! - What the browser says of a change of the tree is so for whoever asks next, also after all its processes were killed. That was tried in
//!   Chromium 156 and Firefox 153.
//! - `flush`, and the end of a stream, hand bytes to the system at least. Whether they outlive the power is up to the browser, and not promised
//!   here: of streams in Chromium it is unlikely, as nothing is flushed.
//! - The browser has `move`: where it lacks, opening is refused. Of a kill it leaves the file at one of the two places.
//! - Chromium keeps the names in a LevelDB, whose log a kill may tear in the middle of a record; what its next process writes there would be
//!   passed over by the one after (google/leveldb#1287), a whole location if it is new. So before names are changed, each page and worker first
//!   writes one that is longer than what can be passed over, and removes it: in the root of the origin, where a kill may leave it for the
//!   next. Where an origin is so full that it has no room for any name, that is not done before a location is opened again. Programs that use the
//!   files beside this crate do not do it.
//! - Web Locks hold back other tabs and workers of the origin. Whoever uses the files beside this crate is not held back.
//! - A browser that is short of space may delete all that a site has stored, unless it was asked with `navigator.storage.persist()` not to.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract):
//!
//! 1. *Two syncs*: both flush; changes of the tree last when they are made.
//! 2. *Unsynced is bounded*: writes go in place, so a file that was not synced may be torn where it was written, and nowhere else. By
//!    streams it is as it was at some moment since its last sync, and what is in memory goes with the page, or when the location is closed.
//! 3. *`atomic_sync`* is not declared.
//! 4. *Replacing*: a file that is whole and flushed is moved over the path. Directories are moved entry by entry: `atomic_rename_dir` is not
//!    declared, and a kill in the middle leaves each file in one of the two, whole.
//! 5. *Reads* are those of the handle, or of the snapshot and what was written over it. Offsets beyond 2^53 - 1 are refused.
//! 6. *Order*: calls that wait have turns; those that need not wait go ahead only when nobody waits. The worker of a page does what it is asked
//!    in that order. A call whose future is dropped is left to the event loop.
//! 7. *One holder*: the Web Lock `anystorage:opfs:` and the name, and, shared with others, those of the directories that lead there: so
//!    a location and one that lies in it are not open at the same time. With it in hand, a handle that is busy is waited for, up to five seconds.
//! 8. *Space*: a count that is not the one asked for is `NoSpace`, and so is `QuotaExceededError`, and a file that cannot be lengthened.
//!    A stream that is refused is given up, and the file is as it was.
//! 9. *Damage* is not noticed: there are no checksums.
//! 10. *No silent fall-back*: where there are no such handles and no worker can be started that has them (shared workers of Chromium), or no
//!     such streams, opening is refused, with a text that says what to do.
//! 11. *A failed flush*: the file takes no more changes until the location is opened anew. A stream that is refused for want of space is
//!     another thing: its changes stay in memory, and the next sync tries again.
//! 12. *Open files*: one whose name is removed or replaced goes on in the hidden directory.
//!
//! # What is missing
//!
//! `usage`: browsers round what they tell, and tell it late.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod faults;
mod handle;
mod hidden;
mod hold;
mod host;
mod layout;
mod locations;
mod names;
mod names_log;
mod open_file;
mod options;
mod overlay;
#[cfg(feature = "packed")]
pub mod packed;
#[cfg(feature = "pool")]
pub mod pool;
mod stream;
#[cfg(feature = "conformance")]
pub mod subject;
pub mod tree;
mod way;
mod worker;

pub use faults::FlushFaults;
pub use layout::Layout;
pub use locations::{list, remove};
pub use options::{Io, Mode, OpfsOptions};
pub use worker::{WORKER_SCRIPT, WorkerUrl};

//! Files in a redb database: one host file, whatever is stored in it.
//!
//! [`open`] takes the file for itself. Above it is [`anystorage_kv`], which keeps a tree of files in a key-value store; below it is
//! [redb](https://www.redb.org), a maintained store in Rust, over a host file that this module reads and writes itself. Every call is done
//! when its future is first polled.
//!
//! ```
//! use anystorage_api::{StorageBackend, StoragePath};
//! use anystorage_native::redb::{self, RedbOptions};
//!
//! # let directory = tempfile::tempdir()?;
//! # let file = directory.path().join("notes.redb");
//! # futures_lite::future::block_on(async {
//! let notes = redb::open(&file, &RedbOptions::new())?;
//! notes.write(&StoragePath::parse("plan.md")?, b"# Plan").await?;
//! notes.sync().await?; // survives a power cut from here on
//! notes.close().await
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it keeps them
//!
//! - **The file** is a plain redb database with one table, `anystorage`, of byte strings. It grows by doubling, without taking the disk's
//!   space before it is written, and is cut to what is in use when it is closed.
//! - **A durable commit** is two `fdatasync`s: the pages, then the header that puts them in force. A test counts them. A sync that changed
//!   nothing flushes nothing. Growing the file is one more.
//! - **Opening grows little** with what is stored. redb could do with one flush for each commit, and would then read all that is stored
//!   when it is opened after a crash. Here every durable commit also writes which pages are free (`set_quick_repair`). Measured on one
//!   disk, records of 4,000 bytes, opening after a crash with it and without: 1.4 and 134 ms at 20,000 records, 8 and 1,130 ms at
//!   100,000. What it costs: the second flush, and two bits for each page of the file in each durable commit, 4 KiB for a file of 64 MiB,
//!   64 KiB for one of 1 GiB.
//! - **Relaxed commits** stay in redb's memory (`Durability::None`), and up to 8 MiB of what they changed beside it, so that none is lost when
//!   redb has to be opened again under the engine. Where there is more, or less space on the disk, one of them is made durable.
//! - **Blocks** are 4,096 bytes unless told otherwise: what a small change rewrites. For large files that are read and written from begin to
//!   end, 16,128 bytes take half the space and are faster, because redb rounds what it keeps in pages of its own up to a power of two.
//!
//! # What it assumes
//!
//! - What redb assumes: `fdatasync` makes the file's bytes and length durable, and a write of the header's 320 bytes does not change bytes
//!   beside them.
//! - `fsync` of a directory makes the file's name durable. `flock` works where the file lies; it does not reach other machines.
//! - Nobody else writes to the file, and nobody moves another one into its place while it is open.
//! - The program unwinds: with `panic = "abort"` a panic of redb over damaged bytes ends it. Where what redb notes of its free pages is
//!   damaged it may panic once more as it unwinds (4.4), which ends every program.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract):
//!
//! 1. *Two syncs*: each is one durable commit. A new file and new directories above it are durable when it is open.
//! 2. *Unsynced is bounded*: what no sync covered is not in what redb has put in force.
//! 3. *`atomic_sync`*: redb's commits are atomic.
//! 4. *Replacing* is part of the same commits.
//! 5. *Reads* are those of the engine above.
//! 6. *Order*: one commit at a time; reads go on meanwhile, on what was there before.
//! 7. *One holder*: `flock` on the file itself, without waiting. A second opening is told which process holds it, where `/proc/locks` says
//!    so.
//! 8. *Space*: a commit that runs out is refused whole. redb takes no more calls after such an error, so it is opened again on what is
//!    durable, and the relaxed commits are made again. Before that the commit is tried in smaller forms, and once with the file compacted,
//!    which reads all of it. While a disk has less than 64 MiB free, up to 512 KiB (a sixteenth of a small disk) are set aside in a file
//!    without a name, which only commits that make room may use. Where the directory's file system has no such files, removing may be
//!    refused on a disk that is full to the last byte.
//! 9. *Damage*: `checksums` is not declared. Every record has one, and none reads as other data: no file ever has other bytes than were
//!    written. redb's own pages have checksums too, but it checks them only when it repairs. Of 820 bytes of a file that were flipped, one in each of 820
//!    processes, 435 changed nothing, 382 were `Corrupt`, one made redb panic, which is caught and is `Corrupt`, and one was in the name of
//!    the table, which has been `Corrupt` since. One was in a key of redb's tree: the file of that name was `NotFound`. In another run
//!    such a byte cut the listing of a directory short. **So a name that is missing after damage is not always told.** None gave other
//!    data, none ended or hung the process. After a panic there are no changes until the location is opened again. The flags at the
//!    beginning, which no checksum of redb covers, are checked at opening; of a location that was not closed, one of their bits could give
//!    the commit before the last. Nothing is repaired: a file that is damaged, or something else, is left as it is, byte for byte.
//! 10. *No silent fall-back*: there is none. Links and attributes are those of the engine above.
//! 11. *A failed flush* stops all changes until the location is opened again. Reads go on, over the file and what was not flushed, by a redb
//!     that changes nothing.
//! 12. *Open files* are those of the engine above.
//!
//! What is below the engine and above the file is [`anystorage_redb`]; here are the host file (`host`), the space set aside on its disk
//! (`reserve`), and how it is opened (`open`).

mod host;
mod open;
mod reserve;
#[cfg(feature = "conformance")]
pub mod subject;

use std::path::Path;

use anystorage_api::{Durability, Result};
use anystorage_kv::KvOptions;

pub use anystorage_redb::{DEFAULT_BLOCK_SIZE, DEFAULT_CACHE_BYTES, RedbBackend, RedbMode, RedbOptions, RedbStore};

use crate::faults::FlushSwitch;

/// Opens the location in the file `path`, and holds it until it is closed or dropped.
///
/// # Errors
/// Those of [`open_store`]; [`InvalidInput`](anystorage_api::ErrorKind::InvalidInput) for a block size that cannot be.
pub fn open(path: impl AsRef<Path>, options: &RedbOptions) -> Result<RedbBackend> {
    open_with_switch(path, options, &FlushSwitch::default())
}

/// As [`open`], with flushes that fail while `switch` says so: for tests.
///
/// # Errors
/// Those of [`open`].
pub fn open_with_switch(path: impl AsRef<Path>, options: &RedbOptions, switch: &FlushSwitch) -> Result<RedbBackend> {
    let path = path.as_ref();
    let file = open::open(path, options, switch)?;
    anystorage_redb::open(file, &path.display().to_string(), options, KvOptions::new().durability(Durability::PowerLoss))
}

/// Opens the database in the file `path` as `options` say, as a key-value store.
///
/// # Errors
/// [`Locked`](anystorage_api::ErrorKind::Locked), at once, if another instance holds it, with the process that does where the host tells;
/// [`IsADirectory`](anystorage_api::ErrorKind::IsADirectory); what the host reports, and the errors of [`RedbStore::open`].
pub fn open_store(path: impl AsRef<Path>, options: &RedbOptions) -> Result<RedbStore> {
    open_store_with_switch(path, options, &FlushSwitch::default())
}

/// As [`open_store`], with flushes that fail while `switch` says so: for tests.
///
/// # Errors
/// Those of [`open_store`].
pub fn open_store_with_switch(path: impl AsRef<Path>, options: &RedbOptions, switch: &FlushSwitch) -> Result<RedbStore> {
    let path = path.as_ref();
    let file = open::open(path, options, switch)?;
    RedbStore::open(file, &path.display().to_string(), options)
}

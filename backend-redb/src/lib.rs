//! Files in a [redb](https://www.redb.org) database, which lives in one file: that of an operating system, of a browser, or one of yours.
//!
//! [`open`] takes a [`StoreFile`], which is read and written in place and held by nobody else. Above it is [`anystorage_kv`], which keeps a
//! tree of files in a key-value store. Every call is done when its future is first polled.
//!
//! # How it keeps them
//!
//! - **The file** is a plain redb database with one table, `anystorage`, of byte strings. It grows by doubling, and is cut to what is in use
//!   when it is closed. Where it has a log, a second table, `anystorage-log`, keeps the log's number.
//! - **A durable commit** of redb is two flushes: the pages, then the header that puts them in force. A sync that changed nothing flushes nothing.
//!   Growing the file is one more.
//! - **With a log**, which an [`ExtentFile`] has, a durable commit is one flush: what it changes is written behind what was logged before, and
//!   stays in memory beside redb, where reads find it first. When the log is full (512 KiB), or relaxed commits came between, redb makes a durable
//!   commit of all, with a new number for the log, and what was logged counts no more. The room that redb will need for it is kept in the file
//!   meanwhile, up to 2 MiB: others may fill the disk. Where that has less than 32 MiB free, or does not tell, nothing is logged. After a crash
//!   what is logged is read into memory, and stays in the log: opening makes no commit for it.
//! - **A part of a block** of 8 KiB or more, of which not more than half is wanted, is read from where it lies in the file, once redb has read
//!   that for the block as a whole: without redb, and compared with checksums of then. redb may have put something else there since; then it is
//!   asked again. What is wanted again soon is kept in memory instead.
//! - **Opening grows little** with what is stored. redb could do with one flush for each commit, and would then read all that is stored
//!   when it is opened after a crash. Here every durable commit also writes which pages are free (`set_quick_repair`), which takes the
//!   second flush, and two bits for each page of the file: 4 KiB for a file of 64 MiB, 64 KiB for one of 1 GiB.
//! - **Relaxed commits** stay in redb's memory (`Durability::None`), with what was logged before them, and up to 8 MiB
//!   ([`relaxed_bytes`](RedbOptions::relaxed_bytes)) of what they changed beside it, so that none is lost when redb has to be opened again under
//!   the engine. Where there is more, or less space on the disk, one of them is made durable.
//!
//! # What it assumes
//!
//! - A flush makes the file's bytes and length last, and a write of the header's 320 bytes does not change bytes beside them; nor does a write
//!   to the log change other sectors of 512 bytes.
//! - Nobody else writes to the file.
//! - The program unwinds: with `panic = "abort"`, and in browsers, a panic of redb over damaged bytes ends it (in a page, the worker that
//!   redb is in). Where what redb notes of its free pages is damaged it may panic once more as it unwinds (4.4), which ends every program: of
//!   the bytes that we damaged in its first pages, one did so.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract), as far as they are not up to the file:
//!
//! 1. *Two syncs*: each is one durable commit.
//! 2. *Unsynced is bounded*: what no sync covered is not in what redb has put in force, nor in the log.
//! 3. *`atomic_sync`*: redb's commits are atomic, and a record of the log has a checksum: it counts whole or not at all.
//! 4. *Replacing* is part of the same commits.
//! 5. *Reads* are those of the engine above.
//! 6. *Order*: one commit at a time; reads go on meanwhile, on what was there before. While redb takes what was beside it, they wait.
//! 7. *One holder* is up to who opens the file.
//! 8. *Space*: a commit that runs out is refused whole. redb takes no more calls after such an error, so it is opened again on what is
//!    durable, and the relaxed commits are made again. Before that the commit is tried in smaller forms, and once with the file compacted,
//!    which reads all of it.
//! 9. *Damage*: `checksums` is not declared. Every record has one, and none reads as other data: no file ever has other bytes than were
//!    written. redb's own pages have checksums too, but it checks them only when it repairs, so a name that is missing after damage is not
//!    always told. The flags at the beginning, which no checksum of redb covers, are checked at opening; of a location that was not closed,
//!    one of their bits could give the commit before the last. A record of the log that is damaged is told if another one follows it; the
//!    last one is then as one that a crash cut short. Nothing is repaired.
//! 10. *No silent fall-back*: there is none.
//! 11. *A failed flush* stops all changes until the location is opened again. Reads go on, over the file and what was not flushed, by a redb
//!     that changes nothing.
//! 12. *Open files* are those of the engine above.
//!
//! # What is in which file
//!
//! `store` is the key-value store, `session` one opening of redb in it, `seen` where in the file it finds a value, `log` the log, `relaxed` and
//! `writer` what is remembered of commits, `recover` what follows one that failed; `open` and `header` tell what a file is; `file` is what is
//! asked of one, `extents` one that takes only the space that is used, `gathered` one whose writes are few and long, `medium` what is known of
//! the file, `direct` and `overlay` are redb's two ways to it.

mod direct;
mod error;
mod extents;
mod file;
mod gathered;
mod guard;
mod header;
mod log;
mod medium;
mod numbers;
mod open;
mod options;
mod overlay;
mod recover;
mod relaxed;
mod seen;
mod session;
mod snapshot;
mod store;
mod writer;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_kv::{KvBackend, KvOptions};

pub use extents::ExtentFile;
pub use file::StoreFile;
pub use options::{DEFAULT_BLOCK_SIZE, DEFAULT_CACHE_BYTES, RedbMode, RedbOptions};
pub use store::RedbStore;

/// A tree of files in a redb database.
pub type RedbBackend = KvBackend<RedbStore>;

/// Opens the location in `file`, which is called `title` in errors, and holds it until it is closed or dropped. `host` says what its host
/// is like: what flushes survive, whether it tells its space, where times come from.
///
/// # Errors
/// Those of [`RedbStore::open`]; [`InvalidInput`](ErrorKind::InvalidInput) for a block size that cannot be.
pub fn open(file: impl StoreFile, title: &str, options: &RedbOptions, host: KvOptions) -> Result<RedbBackend> {
    let store = RedbStore::open(file, title, options)?;
    let kv = kv_options(options, host).immediate(true);
    match pin!(KvBackend::open(store, kv)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(opened) => opened,
        // Every call of the store is ready when first polled.
        Poll::Pending => Err(Error::new(ErrorKind::WouldBlock, Operation::OpenLocation)),
    }
}

/// How [`anystorage_kv`] uses a [`RedbStore`] that was opened with the same options. Whoever has the store elsewhere, in a worker, needs it.
#[must_use]
pub fn kv_options(options: &RedbOptions, host: KvOptions) -> KvOptions {
    host
        // Its records have them. But a damaged page of redb's own may hide a record without an error.
        .checksums(false)
        .block_size(options.block_size.map_or(DEFAULT_BLOCK_SIZE, std::num::NonZeroUsize::get))
        // What is beyond goes to redb in relaxed commits, which keep as much again until the next durable one.
        .dirty_bytes(options.cache_bytes / 2)
        .cache_bytes(options.cache_bytes / 4)
        .create(options.creates())
}

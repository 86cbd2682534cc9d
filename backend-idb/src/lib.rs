//! Files in IndexedDB: in every browser, in pages, dedicated workers and shared workers.
//!
//! [`open`] takes the location of a name for itself. Above it is [`anystorage_kv`], which keeps a tree of files in a key-value store; below
//! it is IndexedDB, through the [`idb`] crate where that has the call. On other targets this crate is empty.
//!
//! ```no_run
//! # #[cfg(all(target_family = "wasm", target_os = "unknown"))]
//! # async fn keep() -> anystorage_api::Result<()> {
//! use anystorage_api::{StorageBackend, StoragePath};
//! use anystorage_idb::IdbOptions;
//!
//! let notes = anystorage_idb::open("notes", &IdbOptions::new()).await?;
//! notes.write(&StoragePath::parse("plan.md")?, b"# Plan").await?;
//! notes.sync().await?; // survives the end of the browser from here on, however it ends
//! notes.close().await
//! # }
//! ```
//!
//! # How it keeps them
//!
//! - **A location** is one database, `anystorage/` and its name, with one object store, `anystorage`. Keys and values are bytes. Deleting
//!   the data of the site in the browser's settings deletes it; [`remove`] deletes one, [`list`] tells which there are.
//! - **A sync** is one transaction with `durability: "strict"`; without a change there is none. That is one fdatasync in Chromium 156 and
//!   one fsync in Firefox 153 (20 and 21 of its files for 20 syncs, told by strace). Changes that outgrow memory go to
//!   the browser in `relaxed` transactions before it. All puts and deletions of a transaction are asked for at once and none is awaited by
//!   itself; nothing else is awaited while it is open. Bytes are copied out of the memory of wasm before anything is.
//! - **Puts cost**, not bytes: so inodes and names are kept together in [pages](anystorage_kv::Paged), and so are the bytes of files of at most
//!   2,048 bytes, in pages of 16 KiB.
//! - **Blocks** are 4,096 bytes unless told otherwise: what a small change rewrites, and what one `get` brings. In 64 KiB long streams
//!   are several times as fast, and changes here and there as much slower, since a block is read and put as a whole:
//!
//!   | ms, each beside the other on one busy machine | 4 KiB | 16 KiB | 64 KiB |
//!   |---|---|---|---|
//!   | Chromium 156: 500 changes of 4 KiB here and there in 64 MiB, one sync | 130 | 650 | 730 |
//!   | 500 new files of 4 KiB, one sync | 170 | 150 | 140 |
//!   | 300 reads of 4 KiB here and there | 170 | 250 | 200 |
//!   | 64 MiB written in a stream, one sync | 4,300 | 1,800 | 660 |
//!   | 16 MiB read in a stream | 370 | 360 | 96 |
//!   | Firefox 153, the same: | 100 | 360 | 860 |
//!   | | 108 | 62 | 88 |
//!   | | 130 | 120 | 290 |
//!   | | 1,850 | 690 | 670 |
//!   | | 160 | 120 | 150 |
//!
//!   IndexedDB by itself, with values of 4 KiB, took 140 and 100 ms for 500 puts in one transaction, 120 and 90 ms for 300 gets in one
//!   each. Chromium is slow just below 64 KiB: values of that size it keeps in files of their own, smaller ones not.
//! - **Small files** that are read one after another, in the order in which they were made, are fetched some dozens at a time.
//! - **A commit** is asked for with the last of its requests. Not so in WebKit, which would leave a part of it where a page is reloaded meanwhile:
//!   there it comes when all of them have succeeded.
//! - **Reads** wait behind a commit that is under way, because the browser lets them. What is in memory does not.
//!
//! # When a connection is lost
//!
//! Browsers take connections away: WebKit from tabs in the background, all when the data of a site are cleared or their storage process
//! ends. The next call opens another one, up to four times, with pauses of up to a second. Reads are asked again. Of a commit that was
//! under way nobody has told the outcome, so each commit puts a stamp of its own into the same transaction, under the key `last commit`:
//! found, the commit was made, and an empty `strict` one sees that it lasts; not found, it is made again, which is no risk, as all of its
//! changes are the same the second time. If the stamp is of an earlier commit than one that had returned, or the database is not there, the
//! data were lost or deleted: calls answer [`Disconnected`](anystorage_api::ErrorKind::Disconnected) until the location is opened again. So
//! they do where the browser gives no other connection.
//!
//! # When somebody else wants the database
//!
//! A script, in this tab or another one, may delete or upgrade the database beside this crate. It does not have to wait:
//! what is under way is finished, the connection closed, and calls that need the browser are `Disconnected` from then on, and say so. Where
//! such a deletion waits for somebody else who does not let go, the browser opens nothing, and does not say why: after five seconds that is
//! [`Locked`](anystorage_api::ErrorKind::Locked).
//!
//! # When Chromium was killed
//!
//! Chromium keeps IndexedDB in a LevelDB, one for the whole origin, and deletes it all where it finds a record damaged. A kill in the
//! middle of a commit can bring it to that by itself: it leaves a torn record at the end of LevelDB's log, the next start writes on behind it,
//! and the start after that finds it in the middle ([leveldb#1287](https://github.com/google/leveldb/issues/1287); 4 times in 150 kills
//! during commits). So opening a location makes LevelDB begin another log, by creating and deleting an empty database, which takes two
//! to six milliseconds. With that, nothing was lost in 300 kills. What remains is a kill between the browser's first write after such a start and the
//! end of opening, and a site of which another page, without this crate, writes first. Where Chromium did delete what was there, opening says
//! so once, with [`Corrupt`](anystorage_api::ErrorKind::Corrupt), and does not begin anew by itself.
//!
//! # What it assumes
//!
//! - Transactions are atomic, and a `strict` one is with the system before it is complete. That they outlive a kill of the browser was
//!   tried; whether they outlive the power is up to the browser, and not promised here.
//! - A transaction sees those before it, also those of a connection that was lost.
//! - Web Locks hold back other tabs and workers of the same origin. Whoever uses the database beside this crate is not held back.
//! - A browser that is short of space may delete all that a site has stored, unless it was asked with `navigator.storage.persist()` not to.
//!   WebKit also does so after seven days without a visit.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract):
//!
//! 1. *Two syncs*: each is one `strict` transaction.
//! 2. *Unsynced is bounded*: what no sync covered is in no transaction that publishes it.
//! 3. *`atomic_sync`*: transactions are atomic.
//! 4. *Replacing* is part of the same transactions.
//! 5. *Reads* are those of the engine above.
//! 6. *Order*: as the engine above keeps it; a call whose future is dropped is left to the event loop.
//! 7. *One holder*: the Web Lock `anystorage:idb:` and the name, waited for half a second if somebody has it, since that may be a page
//!    that is just going. It goes with the page or worker, however that ends; `close` waits until it is free. In a frame or browser without Web Locks
//!    opening is [`Unsupported`](anystorage_api::ErrorKind::Unsupported).
//! 8. *Space*: `QuotaExceededError`, of a request or of the transaction, is `NoSpace`, and so is Firefox's `UnknownError` where less than a
//!    mebibyte is left: the browser has undone the transaction, and what was
//!    synced reads back. Space that is freed by the browser or the person can be used at once. That of removed records cannot everywhere:
//!    Chromium keeps it until it compacts (of 200 MiB in 4 KiB blocks nothing was free after all had been deleted; blocks of 65,536 bytes
//!    are files of their own there, and free at once), WebKit asks for the space of each put whatever is free, Firefox reuses whole pages
//!    of 32 KiB, and may refuse a commit or two after a removal before it does. The commit of a removal needs a little room
//!    itself: in Chromium, where nothing at all is left, it is `NoSpace` too, until the browser or the person makes
//!    some. `usage` is not declared: browsers round what they tell, tell it late, or not at all.
//! 9. *Damage*: every record has a checksum, and so has every page of small records. What is no bytes is `Corrupt`, and so is what Chromium
//!    deleted as damaged. A value that is gone with its key is noticed where another one leads to it, which none does for a page of names:
//!    their files are then missing.
//! 10. *No silent fall-back*: there is none. Where the browser keeps no data, for this site or at all, opening says so.
//! 11. *A failed flush*: after a transaction that failed otherwise than for want of space there are no more changes until the location is
//!     opened again. Reads go on.
//! 12. *Open files* are those of the engine above.
//!
//! # What is in which file
//!
//! `database` opens and deletes databases, `leveldb` is what Chromium keeps them in, `connection` is one connection and how it ends,
//! `request` and `transaction` await the browser, `store` is the key-value store that outlives connections, `stamp` tells its commits
//! apart, `error` what was thrown; [`faults`] lets commits go wrong for tests.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod connection;
mod database;
mod error;
pub mod faults;
mod leveldb;
mod options;
mod request;
mod stamp;
mod store;
#[cfg(feature = "conformance")]
pub mod subject;
mod transaction;

use anystorage_api::{Durability, Result};
use anystorage_browser_host::{global, task};
use anystorage_kv::{KvBackend, KvOptions, Paged};

pub use database::{MAX_NAME_LEN, list, remove};
pub use options::{DEFAULT_BLOCK_SIZE, DEFAULT_CACHE_BYTES, IdbMode, IdbOptions};
pub use store::IdbStore;

use crate::faults::CommitFaults;

/// The bytes of changes in memory. What is beyond goes to the browser in relaxed commits.
const DIRTY_BYTES: usize = 8 << 20;

/// Files of at most so many bytes share pages. Where each is synced by itself, a page is written each time: larger ones took twice as long.
const SMALL_CONTENTS: usize = 2 << 10;

/// A tree of files in an IndexedDB database.
pub type IdbBackend = KvBackend<Paged<IdbStore>>;

/// Opens the location of this name, and holds it until it is closed or dropped.
///
/// # Errors
/// Those of [`IdbStore::open`]; [`InvalidInput`](anystorage_api::ErrorKind::InvalidInput) for a block size that cannot be.
pub async fn open(name: &str, options: &IdbOptions) -> Result<IdbBackend> {
    open_with_faults(name, options, &CommitFaults::default()).await
}

/// As [`open`], with commits that go wrong as `faults` says: for tests.
///
/// # Errors
/// Those of [`open`].
pub async fn open_with_faults(name: &str, options: &IdbOptions, faults: &CommitFaults) -> Result<IdbBackend> {
    let store = IdbStore::open_with_faults(name, options.mode, faults).await?;
    let pages = options.cache_bytes / 8;
    let kv = KvOptions::new()
        .durability(Durability::Process)
        .spawner(task::spawn)
        .usage(false)
        .block_size(options.block_size.map_or(DEFAULT_BLOCK_SIZE, std::num::NonZeroUsize::get))
        .small_contents(SMALL_CONTENTS)
        .dirty_bytes(DIRTY_BYTES)
        .cache_bytes(options.cache_bytes - pages)
        .clock(global::now)
        .salt(global::random())
        .create(options.mode == IdbMode::ReadWriteCreate);
    KvBackend::open(Paged::new(store, pages), kv).await
}

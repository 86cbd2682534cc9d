//! SQLite databases on any immediate anystorage engine: [`rusqlite`] connections whose files the engine keeps, natively and in a dedicated
//! worker of a browser.
//!
//! ```
//! use anystorage_api::Blocking;
//! use anystorage_memory::MemoryBackend;
//!
//! let vfs = anystorage_sqlite::register("notes", Blocking::new(MemoryBackend::new())?)?;
//!
//! // A write-ahead log, exclusive locking, one sync for each commit; the directory is created.
//! let mut database = vfs.open("2026/notes.db")?;
//! database.execute_batch("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")?;
//! let transaction = database.transaction()?;
//! transaction.execute("INSERT INTO note (text) VALUES (?)", ["bread"])?;
//! transaction.execute("INSERT INTO note (text) VALUES (?)", ["butter"])?;
//! transaction.commit()?;
//! database.close().map_err(|(_, error)| error)?;
//!
//! // As one file, for any other SQLite, and back again.
//! let bytes = vfs.export("2026/notes.db")?;
//! vfs.import("copy.db", &bytes)?;
//! let copy = vfs.open("copy.db")?;
//! let count: i64 = copy.query_row("SELECT count(*) FROM note", [], |row| row.get(0))?;
//! assert_eq!(count, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Any [`Blocking`](anystorage_api::Blocking) engine will do: memory, files, sled and redb natively, OPFS packed or pool in a dedicated worker,
//! whatever `anystorage::open_blocking` opens. SQLite is the one that `rusqlite` brings (`bundled`), in browsers that of `sqlite-wasm-rs`, which
//! needs `clang` to be built. Those two differ in version and defaults, so [`Settings`] names everything that matters.
//!
//! # Connections
//!
//! [`Vfs::open`] gives the only connection to a database: it keeps its locks, and a second one is `SQLITE_BUSY`. For several connections,
//! in one thread or in many, open each with [`Settings::shared`]: SQLite's five levels of locks hold between all connections of the VFS, and
//! who has to wait gets `SQLITE_BUSY` after [`busy_timeout`](Settings::busy_timeout). Other processes cannot have the files open, since a
//! location has one holder (contract line 7).
//!
//! # When something fails
//!
//! | the engine says | SQLite is told |
//! |---|---|
//! | `NoSpace` | `SQLITE_FULL` |
//! | `Locked`, of an opening or a lock | `SQLITE_BUSY` |
//! | `Corrupt`, of a page of a database | `SQLITE_CORRUPT` |
//! | `Corrupt`, of anything else | `SQLITE_IOERR_DATA` |
//! | anything else | `SQLITE_CANTOPEN`, or `SQLITE_IOERR` of that call |
//!
//! [`Vfs::last_error`] has the engine's error with its cause, for the thread that made the call; `sqlite3_system_errno` has its errno. A panic of an
//! engine is `SQLITE_IOERR`: it does not cross into C, and after a read, a write, a cut or a sync the file answers with it until it is opened
//! again. That goes for where panics unwind: in browsers they end the module.
//!
//! # What it costs
//!
//! Real flushes (`fsync` and its kin, counted by `strace`) of a durable transaction that inserts one row, with `synchronous = FULL`, and `EXTRA`
//! for `DELETE`; in WAL with exclusive locking, in the others with locks that last for a transaction:
//!
//! | | WAL | DELETE | TRUNCATE | PERSIST |
//! |---|---|---|---|---|
//! | files | 1 | 5 | 5 | 4 |
//! | sled | 1 | 3 | 3 | 3 |
//! | redb | 2 | 6 | 6 | 6 |
//! | OPFS pool (Chromium 156, Firefox 153) | 1 | | | |
//! | OPFS packed (the same) | 1 | | | |
//! | SQLite's own `opfs-sahpool` 3.54, beside them | | 6 | | |
//!
//! That is one sync in WAL on each of them. redb has two flushes in one; so has packed, which lies on it, once for about half a megabyte of
//! changes, and otherwise one, by its log. The first commit after the log was played back has
//! one sync more, and playing it back, each 1,000 pages, two. `cargo xtask bench-sqlite` counts the calls of `flush` in browsers, and says how long
//! commits take beside the SQLites that others have for browsers.
//!
//! # How it is durable
//!
//! - `xSync` is the file's `sync` (contract line 1), of whatever strength SQLite asks for. None is left out.
//! - A removal that SQLite wants durable (`syncDir`) is followed by a sync of the backend: no file's sync covers a name that is gone.
//! - One that it does not want durable becomes so with the next sync of a file beside it, for which the backend is synced. SQLite's own VFS does
//!   that too, by flushing the directory with a new journal, and SQLite needs it: the journal of an earlier transaction that came back after a
//!   kill would be rolled back into a database that has gone on since.
//! - Frames of a write-ahead log, of which SQLite writes the head and the page by themselves, are gathered until one commits, 64 KiB of them at most, and
//!   written together; a sync, a read and closing write them before. So the engine has a transaction when it commits, synced or not.
//! - Cutting a rollback journal to length 0 is a commit. On engines whose cuts may be torn (without `atomic_sync`) its header is erased
//!   and synced first.
//! - Device characteristics are what the contract gives, and no more: `POWERSAFE_OVERWRITE` by line 2 and `SUBPAGE_READ` for all engines; `ATOMIC`
//!   and `SAFE_APPEND` by line 3 for those with `atomic_sync`.
//! - Files without a name (sorters, temporary tables, what `VACUUM` makes) are in memory, and nothing of them is left.
//!
//! # What it assumes
//!
//! - That databases and their journals are touched through one VFS alone while they are open: not by the engine's own calls, not by a second VFS.
//! - That a database has one name. Paths that lead over a symbolic link are refused; on a disk that takes names in capitals for the same ones,
//!   they are not told apart.
//! - That an engine keeps the contract. What a sync survives is what the engine declares: power loss natively, the end of the browser in OPFS, nothing
//!   in memory.
//! - That nobody registers an SQLite VFS of the same name in the same moment by SQLite's own calls.
//!
//! # What it keeps
//!
//! With WAL, DELETE, TRUNCATE and PERSIST and the [recommended](Settings::recommended) rest, after a kill or a power cut: every commit that returned
//! is there, none is half there, and `integrity_check` is `ok`. The tests cut the power at every operation of `files` and of the simulated store of
//! `anystorage-kv` (15,266 states in one run of some size) and of `anystorage-pool`, of which the layout `pool` of OPFS is made (21,768 states),
//! and kill processes in the middle of transactions (600 kills of files, sled and redb, each within a transaction): nothing was lost.
//! With flushes that do nothing all of these engines fail them. In browsers, over OPFS pool and packed, 20 kills of the browser, 20 reloads and 20
//! terminations of the worker for each layout in WAL and DELETE, in Chromium and Firefox: nothing was lost either. MEMORY and OFF keep
//! that only where the transaction is not interrupted, as SQLite says of them.
//!
//! SQLite's own tests run over it by `cargo xtask sqlite-tests`: the 1,110 files of 3.40.1 that SQLite calls `veryquick`, each in a process of its
//! own, in which this is the default VFS. A file ends early where the tests behind make no sense without one that failed. In one run:
//!
//! | | tests | failed | files ended early | without memory that is shared | other causes | ours |
//! |---|---|---|---|---|---|---|
//! | SQLite's VFS of the host | 252,716 | 1 | 1 | | 2 | |
//! | files | 249,473 | 511 | 22 | 459 | 74 | 0 |
//! | redb | 249,248 | 1,021 | 26 | 461 | 586 | 0 |
//!
//! The other causes are named one by one in `sqlite/own-tests/reasons.txt`: a second process that wants the location, files that the tests' C code
//! opens on the host (464 of redb's), what is asked of SQLite's VFS of the host alone, exact numbers of syncs, mapping into memory and other file
//! controls, permissions. The two of the host are a test of the size of pages and a file that was over its time, as one more of redb's was; with
//! more time both files passed. Tests with several processes ran with several connections of one process, for the host too.
//!
//! # What is missing
//!
//! - Memory that connections share: WAL is for one connection, with exclusive locking.
//! - `BATCH_ATOMIC`, by which engines with `atomic_sync` could do without journals: a sync of the whole location, by whoever shares the engine,
//!   may come in the middle of a batch.
//! - The permissions of a database for its journals, which SQLite's own VFS gives them: on `files` they get those of any new file. Who wants to keep
//!   others from reading closes the directory to them.
//! - File controls beyond SQLite's own needs: sizes in chunks, mapping into memory, whether a file was moved.
//! - Temporary files on the engine: sorting or `VACUUM` of a database takes as much memory as it has to write.
//! - Waiting for locks in a browser's worker, where nobody else can give them up meanwhile; and pages, whose engines are not immediate.
//! - The few bytes of a registration stay after [`Vfs::unregister`], since connections without a file may point at them.

#![cfg_attr(
    all(target_family = "wasm", target_os = "unknown"),
    allow(clippy::arc_with_non_send_sync, reason = "there is one thread, and engines of browsers stay in it")
)]

#[cfg(all(target_family = "wasm", target_os = "unknown", target_feature = "atomics"))]
compile_error!("anystorage-sqlite is for modules without threads: their engines stay in one, and SQLite is built for one");

mod ahead;
mod failure;
mod file;
mod host;
mod locks;
mod registration;
mod settings;
mod state;
mod store;
mod transfer;
mod vfs;

pub use rusqlite;
pub use settings::{Journal, Settings, Synchronous};
pub use vfs::{Vfs, export, register};

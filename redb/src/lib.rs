//! [redb](https://www.redb.org) databases in the files of any immediate anystorage engine.
//!
//! redb does synchronous I/O on one file. [`Databases`] gives it files of an engine whose calls never wait: memory, host files, sled, redb, OPFS
//! packed and pool. Which engine that is, is decided where it is opened, and the database is the same: it can be copied as a file from one to another.
//!
//! ```
//! use anystorage_api::{Blocking, StoragePath};
//! use anystorage_memory::MemoryBackend;
//! use anystorage_redb_face::Databases;
//! use redb::{Database, ReadableDatabase, TableDefinition};
//!
//! const VISITS: TableDefinition<&str, u64> = TableDefinition::new("visits");
//!
//! let databases = Databases::on(Blocking::new(MemoryBackend::new())?)?;
//! let file = databases.open(&StoragePath::parse("visits.redb")?)?;
//! let database = Database::builder().create_with_backend(file)?;
//!
//! let transaction = database.begin_write()?;
//! transaction.open_table(VISITS)?.insert("start", 1)?;
//! transaction.commit()?;
//! assert_eq!(database.begin_read()?.open_table(VISITS)?.get("start")?.map(|visits| visits.value()), Some(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Databases`]: an engine, and which of its files are open as databases
//! - [`DatabaseFile`]: one of them, as the storage that redb asks for
//!
//! # What it keeps
//!
//! - A commit with [`Durability::Immediate`](redb::Durability::Immediate) is one [`sync`](anystorage_api::StorageFile::sync) of the file, two
//!   with two-phase commit, which quick-repair implies: what it survives is what the engine's [`durability`](anystorage_api::Capabilities::durability) says.
//! - One holder: a file that is open as a database is not opened as one again from the same [`Databases`] or a clone of it; other processes and
//!   tabs are kept out by the engine.
//! - Errors keep the engine's as their cause, with its kind: `NoSpace` is [`StorageFull`](std::io::ErrorKind::StorageFull).
//!
//! # What it assumes
//!
//! - That nobody writes to the file by other means, renames or removes it while it is open.
//! - That it has one name. Paths that lead over a symbolic link are refused; on a disk that takes names in capitals for the same ones, they are
//!   not told apart.
//! - That a write which no sync has covered harms no other bytes of the file (line 2 of [the contract](anystorage_api::contract)).
//!
//! # What is missing
//!
//! redb doubles its file as it grows. Where the host counts holes, as browsers do, that is space used.

mod databases;
mod file;

pub use databases::Databases;
pub use file::DatabaseFile;

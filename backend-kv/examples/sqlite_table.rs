//! A whole engine over a store that knows nothing of files, a table in SQLite. The guide, `GUIDE.md`, says why each line is there. The last
//! one runs the suite on it: `cargo test -p anystorage-kv --example sqlite_table`.
#![cfg(not(all(target_family = "wasm", target_os = "unknown")))]

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anystorage_api::{Durability, Error, ErrorKind, Operation, Result, Usage, engine};
use anystorage_kv::{Batch, Commit, KvBackend, KvEntry, KvOptions, KvStore};
use rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE as KEEPS_LOG;
use rusqlite::{Connection, ErrorCode, OptionalExtension};

/// The store: one connection, until it is closed.
#[derive(Debug)]
pub struct Table(Mutex<Option<Connection>>);

const SETUP: &str = "PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
    PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; BEGIN EXCLUSIVE;
    CREATE TABLE IF NOT EXISTS kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS commits (id INTEGER PRIMARY KEY, mark BLOB NOT NULL); COMMIT;";

impl Table {
    fn open(path: &Path) -> Result<Self> {
        let table = Self(Mutex::new(Some(Connection::open(path).map_err(|error| failed(error, Operation::OpenLocation))?)));
        table.call(Operation::OpenLocation, |db| db.set_db_config(KEEPS_LOG, true).and_then(|_| db.execute_batch(SETUP)))?;
        Ok(table)
    }

    fn call<T>(&self, operation: Operation, call: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = connection.as_mut().ok_or_else(|| Error::new(ErrorKind::Closed, operation))?;
        call(connection).map_err(|error| failed(error, operation))
    }
}

fn failed(error: rusqlite::Error, operation: Operation) -> Error {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ErrorKind::NoSpace,
        Some(ErrorCode::DatabaseBusy) => ErrorKind::Locked,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
        None if matches!(error, rusqlite::Error::InvalidColumnType(..)) => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    };
    Error::new(kind, operation).with_cause(error)
}

#[engine]
impl KvStore for Table {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let get = "SELECT value FROM kv WHERE key = ?1";
        self.call(Operation::Read, |db| db.prepare_cached(get)?.query_row([key], |row| row.get(0)).optional())
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        let scan = "SELECT key, value FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3";
        let range = (from, to, i64::try_from(limit).unwrap_or(i64::MAX));
        self.call(Operation::Read, |db| db.prepare_cached(scan)?.query_map(range, |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        self.call(Operation::Sync, |db| {
            if db.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get::<_, i64>(1))? > 4096 {
                db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            }
            db.pragma_update(None, "synchronous", if durability == Commit::Durable { "FULL" } else { "NORMAL" })?;
            let transaction = db.transaction()?;
            transaction.execute("REPLACE INTO commits VALUES (1, randomblob(8))", [])?; // Nothing to write would be nothing to flush.
            for (key, value) in batch.iter() {
                match value {
                    Some(value) => transaction.prepare_cached("REPLACE INTO kv VALUES (?1, ?2)")?.execute((key, value))?,
                    None => transaction.prepare_cached("DELETE FROM kv WHERE key = ?1")?.execute([key])?,
                };
            }
            transaction.commit()
        })
    }

    async fn size(&self) -> Result<Usage> {
        let used = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
        self.call(Operation::Usage, |db| db.query_row(used, [], |row| Ok(Usage::new(row.get::<_, i64>(0)?.try_into().ok(), None, None))))
    }

    async fn close(&self) -> Result<()> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        connection.map(drop).ok_or_else(|| Error::new(ErrorKind::Closed, Operation::Close))
    }
}

/// Opens the engine over it.
pub async fn open(path: &Path) -> Result<KvBackend<Table>> {
    KvBackend::open(Table::open(path)?, KvOptions::new().durability(Durability::PowerLoss).immediate(true).checksums(false)).await
}

#[cfg(test)]
#[path = "sqlite_table/tests.rs"]
mod tests;

#[cfg(test)]
anystorage_conformance::suite!(subject = tests::in_temporary_files());

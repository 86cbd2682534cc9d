//! Transactions that are numbered, and known by their numbers.

use anystorage_conformance::simdisk::Rng;
use anystorage_sqlite::{Settings, Vfs};
use rusqlite::{Connection, params};

use crate::{Outcome, integrity_check};

/// A database of numbered transactions: each adds rows and changes older ones, so that a half one, or one without those before it, shows.
#[derive(Debug)]
pub struct Ledger {
    database: Connection,
}

impl Ledger {
    /// Opens `ledger.db`, which is created if it is not there.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(vfs: &Vfs, settings: &Settings) -> rusqlite::Result<Self> {
        let database = vfs.open_with("ledger.db", settings)?;
        // Small, so that pages are written before the commit, and the log is played back often.
        database.execute_batch("PRAGMA cache_size = 8; PRAGMA wal_autocheckpoint = 12")?;
        database.execute_batch(
            "BEGIN;
             CREATE TABLE IF NOT EXISTS entry (number INTEGER, part INTEGER, data BLOB, PRIMARY KEY (number, part));
             CREATE INDEX IF NOT EXISTS by_data ON entry (substr(data, 1, 8));
             CREATE TABLE IF NOT EXISTS total (id INTEGER PRIMARY KEY CHECK (id = 0), last INTEGER, parts INTEGER);
             INSERT OR IGNORE INTO total VALUES (0, 0, 0);
             COMMIT",
        )?;
        Ok(Self { database })
    }

    /// So many rows a transaction adds.
    const fn parts(number: u64) -> u64 {
        1 + number * 7 % 5
    }

    /// What is in a row: short, or longer than a page.
    fn data(number: u64, part: u64) -> Vec<u8> {
        let mut rng = Rng::new(number << 8 | part);
        let len = if number.is_multiple_of(4) { 6_000 } else { 40 + rng.below(900) };
        (0..len).map(|_| rng.bits().to_le_bytes()[0]).collect()
    }

    /// The transaction of that number; when it returns it is durable.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn commit(&mut self, number: u64) -> rusqlite::Result<()> {
        let transaction = self.database.transaction()?;
        for part in 0..Self::parts(number) {
            transaction.execute("INSERT INTO entry VALUES (?, ?, ?)", params![number, part, Self::data(number, part)])?;
        }
        // Older transactions shrink to their first rows.
        transaction.execute("DELETE FROM entry WHERE number = ? AND part > 0", [number.saturating_sub(3)])?;
        transaction.execute("UPDATE total SET last = last + 1, parts = parts + ?", [Self::parts(number)])?;
        transaction.commit()
    }

    /// The number of the last transaction; 0 if there was none.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn committed(&self) -> rusqlite::Result<u64> {
        self.database.query_row("SELECT last FROM total", [], |row| row.get(0))
    }

    /// How many transactions are there, all of them whole, and no other.
    ///
    /// # Errors
    /// What is damaged, missing or too much.
    pub fn check(&mut self) -> Outcome<u64> {
        integrity_check(&self.database)?;
        let (last, parts): (u64, u64) =
            self.database.query_row("SELECT last, parts FROM total", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if parts != (1..=last).map(Self::parts).sum::<u64>() {
            return Err(format!("{last} transactions do not have {parts} parts").into());
        }
        let mut statement = self.database.prepare("SELECT number, part, data FROM entry ORDER BY number, part")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let found: Vec<(u64, u64, Vec<u8>)> = rows.collect::<rusqlite::Result<_>>()?;
        let left = |number: u64| if number + 3 <= last { 1 } else { Self::parts(number) };
        let expected = (1..=last).flat_map(|number| (0..left(number)).map(move |part| (number, part)));
        if !expected.map(|(number, part)| (number, part, Self::data(number, part))).eq(found.iter().cloned()) {
            let found: Vec<(u64, u64)> = found.iter().map(|(number, part, _)| (*number, *part)).collect();
            return Err(format!("after {last} transactions there are other rows than there should be: {found:?}").into());
        }
        Ok(last)
    }

    /// Closes it.
    ///
    /// # Errors
    /// What SQLite says, which then keeps it open.
    pub fn close(self) -> rusqlite::Result<()> {
        self.database.close().map_err(|(_, error)| error)
    }
}

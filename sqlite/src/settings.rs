//! How a connection is set up.

use std::time::Duration;

use rusqlite::{Connection, Error, ffi};

/// How SQLite makes transactions atomic: `PRAGMA journal_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Journal {
    /// A rollback journal that each commit removes. In [exclusive](Settings::exclusive) locking SQLite overwrites its header instead, as with
    /// [`Persist`](Self::Persist).
    Delete,
    /// A rollback journal that each commit cuts to length 0. On engines without `atomic_sync` that takes one sync more than
    /// [`Persist`](Self::Persist): its header is erased before it is cut.
    Truncate,
    /// A rollback journal of which each commit overwrites the header.
    Persist,
    /// A rollback journal in memory: a kill in the middle of a transaction may damage the database.
    Memory,
    /// A write-ahead log. It needs [exclusive](Settings::exclusive) locking: there is no memory that connections share.
    Wal,
    /// None: there is no rollback, and a kill in the middle of a transaction may damage the database.
    Off,
}

impl Journal {
    /// As the pragma spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Persist => "persist",
            Self::Memory => "memory",
            Self::Wal => "wal",
            Self::Off => "off",
        }
    }
}

/// When SQLite waits for a sync: `PRAGMA synchronous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Synchronous {
    /// Never: a kill may damage the database on engines that write in place.
    Off,
    /// Where the database would be damaged otherwise; the last commits may be lost.
    Normal,
    /// At each commit: what is committed is as durable as the engine's syncs. This is `FULL`, and `EXTRA` with [`Journal::Delete`], where a
    /// commit is the removal of a file, which `FULL` does not wait for.
    Full,
}

/// Settings of a connection, applied in an order in which they work.
///
/// ```
/// use anystorage_sqlite::{Journal, Settings};
///
/// let settings = Settings::recommended().page_size(8192);
/// assert_eq!(settings, Settings::default().page_size(8192));
/// assert_ne!(settings, Settings::shared());
/// assert_eq!(Journal::Wal.as_str(), "wal");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    page_size: u32,
    journal: Journal,
    synchronous: Synchronous,
    exclusive: bool,
    foreign_keys: bool,
    busy_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self::recommended()
    }
}

impl Settings {
    /// One connection, a write-ahead log, one sync for each commit: pages of 4,096 bytes, exclusive locking, WAL, `FULL`, foreign keys
    /// checked, five seconds of patience with other connections.
    #[must_use]
    pub const fn recommended() -> Self {
        Self {
            page_size: 4096,
            journal: Journal::Wal,
            synchronous: Synchronous::Full,
            exclusive: true,
            foreign_keys: true,
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// For several connections to one database: as recommended, with locks that last for a transaction, and a journal of which
    /// each commit overwrites the header: the cheapest of those that need no shared memory.
    #[must_use]
    pub const fn shared() -> Self {
        Self { journal: Journal::Persist, exclusive: false, ..Self::recommended() }
    }

    /// Bytes of a page, a power of two from 512 to 65,536. It counts for a database that is created.
    #[must_use]
    pub const fn page_size(mut self, bytes: u32) -> Self {
        self.page_size = bytes;
        self
    }

    /// The journal.
    #[must_use]
    pub const fn journal(mut self, journal: Journal) -> Self {
        self.journal = journal;
        self
    }

    /// When to wait for a sync.
    #[must_use]
    pub const fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Whether the connection keeps its locks until it is closed, and so is alone with the database.
    #[must_use]
    pub const fn exclusive(mut self, yes: bool) -> Self {
        self.exclusive = yes;
        self
    }

    /// Whether foreign keys are checked.
    #[must_use]
    pub const fn foreign_keys(mut self, yes: bool) -> Self {
        self.foreign_keys = yes;
        self
    }

    /// How long to wait for the locks of other connections: 24 days at most. In a browser's worker nobody else can give them up meanwhile.
    #[must_use]
    pub const fn busy_timeout(mut self, time: Duration) -> Self {
        self.busy_timeout = time;
        self
    }

    /// Sets up a connection that has not been used so far.
    ///
    /// # Errors
    /// What SQLite says; `SQLITE_BUSY` if another connection has the database in exclusive locking; `SQLITE_MISUSE` for WAL without
    /// exclusive locking, or if SQLite does not take the journal mode.
    pub fn apply(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.journal == Journal::Wal && !self.exclusive {
            return Err(misuse("a write-ahead log needs exclusive locking: this VFS has no memory that connections share".to_owned()));
        }
        // SQLite counts milliseconds.
        connection.busy_timeout(self.busy_timeout.min(Duration::from_millis(i32::MAX.unsigned_abs().into())))?;
        connection.pragma_update(None, "page_size", self.page_size)?;
        // First of what touches the file: a database that was left with a write-ahead log cannot be opened otherwise.
        set(connection, "locking_mode", "exclusive")?;
        // A change of the journal mode may be a transaction of its own, with a rollback journal. Who wants no syncs may have none to offer.
        let first = if self.synchronous == Synchronous::Off { "off" } else { "extra" };
        connection.pragma_update(None, "synchronous", first)?;
        set(connection, "journal_mode", self.journal.as_str())?;
        if !self.exclusive {
            set(connection, "locking_mode", "normal")?;
            // The lock goes with the next access.
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        }
        let synchronous = match (self.synchronous, self.journal) {
            (Synchronous::Off, _) => "off",
            (Synchronous::Normal, _) => "normal",
            (Synchronous::Full, Journal::Delete) => "extra",
            (Synchronous::Full, _) => "full",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", self.foreign_keys)
    }
}

/// A pragma that answers what is set now.
fn set(connection: &Connection, pragma: &str, value: &str) -> rusqlite::Result<()> {
    let found: String = connection.pragma_update_and_check(None, pragma, value, |row| row.get(0))?;
    if found == value { Ok(()) } else { Err(misuse(format!("{pragma} is {found}, and {value} was asked for"))) }
}

fn misuse(text: String) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_MISUSE), Some(text))
}

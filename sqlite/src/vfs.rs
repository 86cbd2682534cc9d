//! The VFS as its user sees it.

use std::sync::Arc;
use std::time::Duration;

use anystorage_api::{Blocking, Error, ErrorKind, OpenOptions, Operation, Result, StorageBackend, StoragePath};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, MAIN_DB, OpenFlags, ffi};

use crate::failure::forget;
use crate::registration::{Registered, register as register_state};
use crate::settings::Settings;
use crate::state::State;
use crate::transfer::{SUFFIXES, check, without_log};

/// An SQLite VFS over an engine. Clones are the same one.
///
/// SQLite knows it by its [name](Self::name) until it is [unregistered](Self::unregister), whether this handle still exists or not.
#[derive(Clone, Debug)]
pub struct Vfs {
    name: Arc<str>,
    state: Arc<State>,
    registered: Arc<Registered>,
}

/// Registers a VFS with SQLite, under a name that connections ask for. It never is the default one.
///
/// Give it the engine whole: two VFSes over one engine do not see each other's locks. An `Arc` of an engine is an engine as well, for whoever
/// has other files there.
///
/// ```
/// use anystorage_api::Blocking;
/// use anystorage_memory::MemoryBackend;
///
/// let vfs = anystorage_sqlite::register("memory of the example", Blocking::new(MemoryBackend::new())?)?;
/// let database = vfs.open("notes/app.db")?;
/// database.execute_batch("CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('bread');")?;
/// drop(database);
/// vfs.unregister()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if the name is taken, [`ErrorKind::InvalidInput`] if it is empty or has a NUL,
/// [`ErrorKind::Unsupported`] for an engine that several processes may have open at once, for locks reach no further than this one, and if
/// SQLite was built for a single thread where there are others.
pub fn register<B: StorageBackend>(name: &str, storage: Blocking<B>) -> Result<Vfs> {
    if storage.capabilities().shared {
        let text = "several processes may have its files open at once, and SQLite's locks would not reach them";
        return Err(Error::new(ErrorKind::Unsupported, Operation::Configure).with_text(text));
    }
    let boxed: Box<dyn StorageBackend> = Box::new(storage.into_inner());
    let state = Arc::new(State::new(Blocking::new(boxed)?));
    let registered = Arc::new(register_state(name, Arc::clone(&state))?);
    Ok(Vfs { name: name.into(), state, registered })
}

impl Vfs {
    /// The name that SQLite knows it by: for `Connection::open_with_flags_and_vfs`, or `?vfs=` in a URI.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens a database with the [recommended](Settings::recommended) settings, or creates it, and the directories that lead to it.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(&self, path: &str) -> rusqlite::Result<Connection> {
        self.open_with(path, &Settings::recommended())
    }

    /// The same with settings of one's own.
    ///
    /// # Errors
    /// What SQLite says; [`last_error`](Self::last_error) tells the cause. `SQLITE_BUSY` if another connection has the database in exclusive
    /// locking.
    pub fn open_with(&self, path: &str, settings: &Settings) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = self.connect(path, flags)?;
        settings.apply(&connection)?;
        Ok(connection)
    }

    /// Opens a database as the flags say, with SQLite's own settings, which are not the same natively and in browsers. A connection locks
    /// itself against use by several threads at once, unless the flags say otherwise.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn connect(&self, path: &str, flags: OpenFlags) -> rusqlite::Result<Connection> {
        // With a `/` in front no name is one of those that SQLite takes for a database in memory or a temporary one.
        let path = format!("/{}", path.strip_prefix('/').unwrap_or(path));
        Connection::open_with_flags_and_vfs(path, flags, &*self.name)
    }

    /// What the engine said when a call of SQLite last failed in this thread, by whichever connection of this VFS: the kind, the operation,
    /// the path and the cause, of which SQLite passes on a code. A busy lock counts as a failure.
    #[must_use]
    pub fn last_error(&self) -> Option<Error> {
        self.state.last_error()
    }

    /// The bytes of a database as one file, which any SQLite opens: what its write-ahead log has is in it. In memory as a whole.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Locked`] while a connection has it locked, [`export`] takes such a one;
    /// [`ErrorKind::Corrupt`].
    pub fn export(&self, path: &str) -> Result<Vec<u8>> {
        let parsed = self.state.database_path(path)?;
        self.state.storage(Operation::Read)?.stat(&parsed)?;
        forget(self.state.id);
        let failed = |error| self.failed(error, Operation::Read, &parsed);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut connection = self.connect(path, flags).map_err(failed)?;
        connection.busy_timeout(Duration::ZERO).map_err(failed)?;
        let locked: rusqlite::Result<String> = connection.pragma_update_and_check(None, "locking_mode", "exclusive", |row| row.get(0));
        locked.map_err(failed)?;
        export(&mut connection).map_err(failed)
    }

    /// Stores the bytes of a database under a name that is free, durably, or not at all. The header is looked at, and no more of it:
    /// `PRAGMA integrity_check` tells of the rest.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they are not a whole database, [`ErrorKind::AlreadyExists`] if the name is taken, [`ErrorKind::NoSpace`].
    pub fn import(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let path = self.state.database_path(path)?;
        check(&path, bytes)?;
        let storage = self.state.storage(Operation::Write)?;
        let _names = self.state.names();
        if storage.exists(&path)? || self.state.locks(|locks| locks.is_open(&path)) {
            let text = "a database is there already; remove it first, or take another name";
            return Err(Error::new(ErrorKind::AlreadyExists, Operation::Write).with_path(&path).with_text(text));
        }
        if let Some(directory) = path.parent() {
            storage.create_dir_all(&directory)?;
        }
        // What an earlier database left beside the name would be played into this one.
        self.remove_journals(&path)?;
        storage.sync()?;
        storage.write(&path, bytes)?;
        storage.open(&path, &OpenOptions::reading()).and_then(|file| file.sync()).inspect_err(|_| {
            // What is not durable is not to be there: the error that matters is this one.
            let _ = storage.remove_file(&path);
        })
    }

    /// Removes a database and its journals, durably.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Locked`] while a connection has it open.
    pub fn remove(&self, path: &str) -> Result<()> {
        let path = self.state.database_path(path)?;
        let storage = self.state.storage(Operation::RemoveFile)?;
        let _names = self.state.names();
        if self.state.locks(|locks| locks.is_open(&path)) {
            let text = "a connection has the database open; close it first";
            return Err(Error::new(ErrorKind::Locked, Operation::RemoveFile).with_path(&path).with_text(text));
        }
        // The database first, and durably: without its journal it would be damaged, the journal without it is nothing.
        storage.remove_file(&path)?;
        storage.sync()?;
        self.remove_journals(&path)?;
        storage.sync()
    }

    /// Has SQLite forget the VFS, and gives the engine free. The name may be used again.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] while a connection has a file open; [`ErrorKind::Closed`] if it was unregistered before.
    pub fn unregister(&self) -> Result<()> {
        self.state.leave_storage()?;
        forget(self.state.id);
        self.registered.unregister()
    }

    fn remove_journals(&self, path: &StoragePath) -> Result<()> {
        let storage = self.state.storage(Operation::RemoveFile)?;
        for suffix in SUFFIXES {
            let journal = StoragePath::parse(&format!("{path}{suffix}"))?;
            match storage.remove_file(&journal) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// An error of SQLite as one of this project, with what the engine said if it was that.
    fn failed(&self, error: rusqlite::Error, operation: Operation, path: &StoragePath) -> Error {
        use rusqlite::ErrorCode as Code;
        let kind = match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => ErrorKind::Locked,
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => ErrorKind::Corrupt,
            Some(Code::DiskFull) => ErrorKind::NoSpace,
            _ => self.last_error().map_or(ErrorKind::Io, |last| last.kind()),
        };
        let told = Error::new(kind, operation).with_path(path).with_text(error.to_string());
        match self.last_error() {
            Some(cause) => told.with_cause(cause),
            None => told.with_cause(error),
        }
    }
}

/// The bytes of the database of an open connection as one file, which any SQLite opens. In memory as a whole, and for a moment twice.
///
/// # Errors
/// What SQLite says: `SQLITE_BUSY` while another connection writes.
pub fn export(connection: &mut Connection) -> rusqlite::Result<Vec<u8>> {
    // SQLite's own serialisation takes a page that cannot be read for zeros, and says nothing; a backup fails.
    let mut copy = Connection::open_in_memory()?;
    match Backup::new(connection, &mut copy)?.step(-1)? {
        StepResult::Done => {}
        _ => return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None)),
    }
    let mut bytes = copy.serialize(MAIN_DB)?.to_vec();
    without_log(&mut bytes);
    Ok(bytes)
}

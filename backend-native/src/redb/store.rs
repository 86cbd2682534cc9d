use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anystorage_api::{Error, ErrorKind, Operation, Result, Usage, engine};
use anystorage_kv::{Batch, Commit, KvEntry, KvStore};

use super::medium::Medium;
use super::open;
use super::options::RedbOptions;
use super::session::{self, Change, Session};
use crate::faults::FlushSwitch;
use crate::panics::{caught, lock};

/// Relaxed commits are kept in memory until the next durable one, so that none is lost when redb has to be opened again. When they are more
/// than this, in bytes, a relaxed commit is made durable.
const RELAXED_BYTES: usize = 8 << 20;

pub(super) const NAME: &str = "redb";

/// A redb database in one host file, with one table, as a key-value store. The [module](super) says what it promises and what it assumes.
#[derive(Debug)]
pub struct RedbStore {
    medium: Arc<Medium>,
    session: RwLock<Session>,
    writer: Mutex<Writer>,
    cache: usize,
}

#[derive(Debug, Default)]
struct Writer {
    /// The relaxed commits since the last durable one.
    relaxed: Vec<Batch>,
    relaxed_bytes: usize,
    /// What stopped all changes until the location is opened again.
    latched: Option<Error>,
    /// The bytes in use compared with those at the opening, now and at most.
    live: i64,
    most: i64,
}

impl RedbStore {
    /// Opens the file `path` as `options` say, and holds it until [`close`](KvStore::close) or the drop of the store. Files that are
    /// something else are left as they are, byte for byte.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked), at once, if another instance holds it, with the process that does where the host tells;
    /// [`NotFound`](ErrorKind::NotFound) if nothing is there and nothing is to be created; [`Corrupt`](ErrorKind::Corrupt) for a damaged
    /// database or a file that is none; [`InvalidInput`](ErrorKind::InvalidInput) for a file that is known to be something else, or that
    /// holds the tables of another program; [`IsADirectory`](ErrorKind::IsADirectory); what the host reports.
    pub fn open(path: impl AsRef<Path>, options: &RedbOptions) -> Result<Self> {
        Self::open_with_switch(path, options, &FlushSwitch::default())
    }

    /// As [`open`](Self::open), with flushes that fail while `switch` says so: for tests.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_with_switch(path: impl AsRef<Path>, options: &RedbOptions, switch: &FlushSwitch) -> Result<Self> {
        let cache = options.cache_bytes / 4 * 3;
        let (medium, database) = open::open(path.as_ref(), options.mode, cache, switch)?;
        Ok(Self { medium, session: RwLock::new(Session::Live(database)), writer: Mutex::default(), cache })
    }

    fn shared(&self) -> RwLockReadGuard<'_, Session> {
        self.session.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, Session> {
        self.session.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, call: impl FnOnce(&redb::Database) -> Result<T>) -> Result<T> {
        let session = self.shared();
        let database = session.reading(Operation::Read)?;
        let mut panicked = true;
        let found = caught(NAME, Operation::Read, || {
            let found = call(database);
            panicked = false;
            found
        });
        if panicked && let Err(error) = &found {
            lock(&self.writer).latched.get_or_insert_with(|| error.clone());
        }
        found
    }

    fn commit_now(&self, batch: Batch, durability: Commit) -> Result<()> {
        let mut writer = lock(&self.writer);
        let session = self.shared();
        let database = session.changing(Operation::Sync)?;
        if let Some(error) = &writer.latched {
            return Err(error.clone().in_operation(Operation::Sync));
        }
        if batch.is_empty() && (durability == Commit::Relaxed || writer.relaxed.is_empty()) {
            return Ok(());
        }
        let durable = durability == Commit::Durable || writer.relaxed_bytes.saturating_add(batch.bytes()) > RELAXED_BYTES;
        let made = caught(NAME, Operation::Sync, || session::apply(database, &self.medium, [&batch], durable));
        match made {
            Ok(change) => {
                writer.count(change);
                if durable {
                    self.medium.settle();
                    writer.forget();
                } else {
                    writer.keep(batch);
                }
                Ok(())
            }
            Err(error) => {
                drop(session);
                Err(self.recover(&mut writer, error))
            }
        }
    }

    /// After a commit that failed, redb takes no more calls. Where space ran out before anything was published, it is opened again on what
    /// is durable, and the relaxed commits since are made again. Otherwise it is opened for reading alone. The answer is what to tell.
    fn recover(&self, writer: &mut Writer, error: Error) -> Error {
        let mut session = self.exclusive();
        self.medium.seal(true);
        let old = std::mem::replace(&mut *session, Session::Closed);
        let _ = caught(NAME, Operation::Sync, || {
            drop(old);
            Ok(())
        });
        self.medium.seal(false);
        let published = self.medium.is_published();
        if error.kind() == ErrorKind::NoSpace && !published {
            let again = caught(NAME, Operation::Sync, || {
                self.medium.take_back().map_err(|error| Error::from_io(error, Operation::Sync))?;
                let database = session::live(&self.medium, self.cache)?;
                session::apply(&database, &self.medium, &writer.relaxed, false)?;
                Ok(database)
            });
            if let Ok(database) = again {
                *session = Session::Live(database);
                return error.with_text("the disk is full: nothing of this was stored; make room and sync again");
            }
        }
        let kind = if error.kind() == ErrorKind::NoSpace { ErrorKind::Io } else { error.kind() };
        let text = "what reached the disk is unknown: no more changes until the location is opened again";
        let latched = Error::new(kind, Operation::Sync).with_text(text).with_cause(error);
        self.medium.seal(true);
        let view = caught(NAME, Operation::Read, || {
            let database = session::view(&self.medium, self.cache)?;
            // What is published has them already.
            let relaxed = if published { &[] } else { writer.relaxed.as_slice() };
            session::apply(&database, &self.medium, relaxed, false)?;
            Ok(database)
        });
        *session = match view {
            Ok(database) => Session::View(database, latched.clone()),
            Err(_) => Session::Failed(latched.clone()),
        };
        writer.forget();
        writer.latched = Some(latched.clone());
        latched
    }

    fn usage(&self) -> Result<Usage> {
        let fail = |error| Error::from_io(error, Operation::Usage);
        let reusable = {
            let writer = lock(&self.writer);
            u64::try_from(writer.most - writer.live).unwrap_or(0)
        };
        self.shared().reading(Operation::Usage)?;
        let occupied = self.medium.occupied().map_err(fail)?;
        let free = self.medium.free().map_err(fail)?;
        let reusable = reusable.min(occupied);
        Ok(Usage::new(Some(occupied - reusable), None, Some(free.saturating_add(reusable))))
    }
}

impl Writer {
    fn count(&mut self, change: Change) {
        let signed = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.live = self.live.saturating_add(signed(change.added)).saturating_sub(signed(change.removed));
        self.most = self.most.max(self.live);
    }

    fn keep(&mut self, batch: Batch) {
        self.relaxed_bytes = self.relaxed_bytes.saturating_add(batch.bytes());
        self.relaxed.push(batch);
    }

    fn forget(&mut self) {
        self.relaxed = Vec::new();
        self.relaxed_bytes = 0;
    }
}

#[engine]
impl KvStore for RedbStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read(|database| session::get(database, key))
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        self.read(|database| session::scan(database, from, to, limit))
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        self.commit_now(batch, durability)
    }

    async fn size(&self) -> Result<Usage> {
        self.usage()
    }

    async fn close(&self) -> Result<()> {
        let mut session = self.exclusive();
        if matches!(*session, Session::Closed) {
            return Err(Error::new(ErrorKind::Closed, Operation::Close));
        }
        let old = std::mem::replace(&mut *session, Session::Closed);
        let closed = caught(NAME, Operation::Close, || {
            drop(old);
            Ok(())
        });
        self.medium.unlock();
        closed
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        let session = std::mem::replace(&mut *self.exclusive(), Session::Closed);
        let _ = caught(NAME, Operation::Close, || {
            drop(session);
            Ok(())
        });
    }
}

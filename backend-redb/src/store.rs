use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anystorage_api::{Error, ErrorKind, Operation, Result, Usage, engine};
use anystorage_kv::panics::caught;
use anystorage_kv::{Batch, Commit, KvEntry, KvStore};
use redb::Database;

use crate::file::StoreFile;
use crate::guard::lock;
use crate::log::Unwritten;
use crate::medium::{Medium, is_no_space};
use crate::open::{self, Opened};
use crate::options::RedbOptions;
use crate::relaxed::Relaxed;
use crate::session::{self, Change, Session, Strength};
use crate::snapshot::{Snapshot, Table};
use crate::writer::Writer;

pub(crate) const NAME: &str = "redb";

/// With less free space, in bytes, nothing is logged: what is in the log has to find room in redb's pages later, and what is removed cannot make
/// room for it in the same commit.
const AMPLE: u64 = 32 << 20;

/// What is in the log may take as much room, in bytes, when redb gets it. That is kept for it, so that a disk that others fill cannot come between.
const MOST_PROMISED: usize = 2 << 20;

/// A redb database in one file, with one table, as a key-value store. The [crate](crate) says what it promises and what it assumes.
#[derive(Debug)]
pub struct RedbStore {
    pub(crate) medium: Arc<Medium>,
    session: RwLock<Session>,
    writer: Mutex<Writer>,
    /// Changed by who has the writer; of the locks it is the last.
    relaxed: RwLock<Relaxed>,
    pub(crate) snapshot: Snapshot,
    pub(crate) cache: usize,
    relaxed_bytes: usize,
}

impl RedbStore {
    /// Opens the database in `file`, which is called `title` in errors, and holds it until [`close`](KvStore::close) or the drop of the
    /// store. A file that is something else is left as it is, byte for byte.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing is there and nothing is to be created; [`Corrupt`](ErrorKind::Corrupt) for a damaged
    /// database or a file that is none; [`InvalidInput`](ErrorKind::InvalidInput) for a file that is known to be something else, or that
    /// holds the tables of another program; what the file reports.
    pub fn open(file: impl StoreFile, title: &str, options: &RedbOptions) -> Result<Self> {
        let cache = options.cache_bytes / 4 * 3;
        let (medium, Opened { database, writer, relaxed }) = open::open(Box::new(file), title, options.creates(), cache)?;
        let (session, writer, relaxed) = (RwLock::new(Session::Live(database)), Mutex::new(writer), RwLock::new(relaxed));
        Ok(Self { medium, session, writer, relaxed, snapshot: Snapshot::default(), cache, relaxed_bytes: options.relaxed_bytes })
    }

    fn shared(&self) -> RwLockReadGuard<'_, Session> {
        self.session.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn exclusive(&self) -> RwLockWriteGuard<'_, Session> {
        self.session.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn relaxed(&self) -> RwLockReadGuard<'_, Relaxed> {
        self.relaxed.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn relaxed_mut(&self) -> RwLockWriteGuard<'_, Relaxed> {
        self.relaxed.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls with the table, which is none if redb was never given anything, and with what redb may not have got yet.
    fn read<T>(&self, call: impl FnOnce(Option<&Table>, &Relaxed) -> Result<T>) -> Result<T> {
        let session = self.shared();
        let database = session.reading(Operation::Read)?;
        let mut panicked = true;
        let found = caught(NAME, Operation::Read, || {
            // Before the table: what redb is given is taken from here when the table shows it.
            let relaxed = self.relaxed();
            let found = self.snapshot.table(database).and_then(|table| call(table.as_deref(), &relaxed));
            panicked = false;
            found
        });
        // Commits take the writer first.
        drop(session);
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
        if batch.is_empty() && (durability == Commit::Relaxed || !writer.has_unlogged) {
            return Ok(());
        }
        let is_durable = durability == Commit::Durable;
        // What the host has to be asked for is asked for only where it matters.
        let is_too_much = || self.relaxed().is_too_much_with(&batch, self.relaxed_bytes, || self.room(&writer));
        let is_ample = || self.medium.free().is_ok_and(|free| free >= AMPLE);
        let record = if is_durable && !writer.has_unlogged { writer.log.record(&batch) } else { None };
        let record = match record.filter(|_| is_ample() && !is_too_much()) {
            Some(record) => match self.promise(&batch) {
                Ok(is_promised) => is_promised.then_some(record),
                Err(error) => {
                    drop(session);
                    return self.recover(&mut writer, &batch, true, error);
                }
            },
            None => None,
        };
        let by_redb = record.is_none() && (is_durable || is_too_much());
        let made = match &record {
            Some(record) => match writer.log.write(&self.medium, record) {
                Ok(()) => {
                    self.relaxed_mut().keep_pending(batch);
                    return Ok(());
                }
                // What was begun of it is no record, and the log is void with the commit that redb makes instead.
                Err(Unwritten::Write(error)) if is_no_space(&error) => self.commit_durably(database, &mut writer, &batch),
                // Not as a lack of space, of which it would be known that nothing of this was or will be stored.
                Err(Unwritten::Write(error) | Unwritten::Flush(error)) => Err(Error::new(ErrorKind::Io, Operation::Sync).with_cause(error)),
            },
            None if by_redb => self.commit_durably(database, &mut writer, &batch),
            None => match self.give(database, &batch, Strength::Relaxed) {
                Ok((mut relaxed, change)) => {
                    writer.has_unlogged = true;
                    relaxed.keep(batch, change);
                    return Ok(());
                }
                Err(error) => Err(error),
            },
        };
        made.or_else(|error| {
            drop(session);
            self.recover(&mut writer, &batch, by_redb || is_durable, error)
        })
    }

    /// Keeps room for what is in the log, with a batch. False if there is none.
    fn promise(&self, batch: &Batch) -> Result<bool> {
        let room = self.relaxed().room_with(batch);
        if room > MOST_PROMISED {
            return Ok(false);
        }
        match self.medium.promise(room) {
            Ok(()) => Ok(true),
            Err(error) if is_no_space(&error) => Ok(false),
            Err(error) => Err(Error::new(ErrorKind::Io, Operation::Sync).with_cause(error)),
        }
    }

    /// With all that was committed since the last durable commit of redb.
    fn commit_durably(&self, database: &Database, writer: &mut Writer, batch: &Batch) -> Result<()> {
        let strength = self.relaxed().strength(batch, &writer.log);
        let (mut relaxed, change) = self.give(database, batch, strength)?;
        self.settle(writer, &mut relaxed, change);
        Ok(())
    }

    /// Has redb make a batch, with what it has not got yet. If it has not got something, nobody reads until that is noted: who did could find
    /// what is pending over what was changed behind it.
    fn give(&self, database: &Database, batch: &Batch, strength: Strength<'_>) -> Result<(RwLockWriteGuard<'_, Relaxed>, Change)> {
        let apply = |relaxed: &Relaxed| {
            let (changes, before) = (relaxed.missing(batch), relaxed.before());
            self.snapshot.drop_table();
            let made = caught(NAME, Operation::Sync, || session::apply(database, &self.medium, changes, before, strength));
            self.snapshot.drop_table();
            made
        };
        let shared = self.relaxed();
        if shared.is_pending() {
            drop(shared);
            let alone = self.relaxed_mut();
            return apply(&alone).map(|change| (alone, change));
        }
        let made = apply(&shared);
        drop(shared);
        made.map(|change| (self.relaxed_mut(), change))
    }

    /// redb has made a durable commit of all, which changed the bytes in use by `change`.
    pub(crate) fn settle(&self, writer: &mut Writer, relaxed: &mut Relaxed, change: Change) {
        *relaxed = Relaxed::default();
        // Less is kept: that cannot fail.
        let _ = self.medium.promise(0);
        self.medium.settle();
        writer.settle(change);
    }

    /// Before redb is closed, which would make what it has in memory last, beside a log that may have parts of it: with the log's next number, or
    /// not at all.
    fn end(&self, session: Session) {
        let mut writer = lock(&self.writer);
        if let Session::Live(database) = &session
            && writer.log.has_records()
            && (writer.latched.is_some() || self.commit_durably(database, &mut writer, &Batch::new()).is_err())
        {
            self.medium.seal(true);
        }
        if !writer.log.has_records() {
            let _ = self.medium.promise(0);
        }
        drop(session);
        self.medium.seal(false);
    }

    /// What still fits, in bytes, as far as it is known.
    fn room(&self, writer: &Writer) -> u64 {
        let reusable = writer.reusable(self.medium.occupied().unwrap_or(0));
        self.medium.free().map_or(u64::MAX, |free| free.saturating_add(reusable))
    }

    fn usage(&self) -> Result<Usage> {
        let fail = |error| Error::from_io(error, Operation::Usage);
        self.shared().reading(Operation::Usage)?;
        let occupied = self.medium.occupied().map_err(fail)?;
        let free = match self.medium.free() {
            Err(error) if error.kind() == std::io::ErrorKind::Unsupported => None,
            free => Some(free.map_err(fail)?),
        };
        let reusable = lock(&self.writer).reusable(occupied).min(occupied);
        Ok(Usage::new(Some(occupied - reusable), None, free.map(|free| free.saturating_add(reusable))))
    }
}

#[engine]
impl KvStore for RedbStore {
    const LOCATES: bool = true;

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read(|table, relaxed| session::get(table, relaxed, key))
    }

    async fn get_located(&self, key: &[u8]) -> Result<Option<(Vec<u8>, Option<u64>)>> {
        self.read(|table, relaxed| {
            let found = session::get(table, relaxed, key)?;
            Ok(found.map(|value| {
                let place = self.medium.seen.place_of(key, &value).and_then(|offset| self.medium.place_of(offset, value.len()));
                (value, place)
            }))
        })
    }

    async fn read_located(&self, at: u64, out: &mut [u8]) -> bool {
        self.shared().reading(Operation::Read).is_ok() && self.medium.read_place(at, out).is_ok()
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        self.read(|table, relaxed| session::scan(table, relaxed, from, to, limit))
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
        drop(session);
        self.snapshot.drop_table();
        let closed = caught(NAME, Operation::Close, || {
            self.end(old);
            Ok(())
        });
        self.medium.unlock();
        closed
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        let session = std::mem::replace(&mut *self.exclusive(), Session::Closed);
        self.snapshot.drop_table();
        let _ = caught(NAME, Operation::Close, || {
            self.end(session);
            Ok(())
        });
    }
}

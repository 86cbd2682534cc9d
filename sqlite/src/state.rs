//! What a registered VFS has: the engine, and who has which database open.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{
    Blocking, BlockingFile, Capabilities, Error, ErrorKind, MAX_PATH_LEN, Operation, Result, StorageBackend, StoragePath,
};

use crate::failure;
use crate::locks::{Holder, Locks};

/// The engine, whichever it is.
pub(crate) type Storage = Blocking<Box<dyn StorageBackend>>;

/// The longest suffix that SQLite gives to a database's name: `-mj`, 6 digits, `9`, 2 digits.
const LONGEST_SUFFIX: usize = 12;

/// What a VFS and its files share. It outlives the registration.
#[derive(Debug)]
pub(crate) struct State {
    /// Of all VFSes that there ever were.
    pub(crate) id: u64,
    pub(crate) capabilities: Capabilities,
    next_holder: AtomicU64,
    /// While names of databases come and go, or one is opened.
    names: Mutex<()>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// None once the VFS is unregistered.
    storage: Option<Arc<Storage>>,
    /// Files that SQLite has open, temporary ones too.
    open: usize,
    locks: Locks,
    /// Directories in which a file was removed that a kill may bring back, with the number of the last such removal.
    removed_in: BTreeMap<StoragePath, u64>,
    /// Removals so far.
    removals: u64,
}

impl State {
    pub(crate) fn new(storage: Storage) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            capabilities: storage.capabilities(),
            next_holder: AtomicU64::new(0),
            names: Mutex::new(()),
            inner: Mutex::new(Inner {
                storage: Some(Arc::new(storage)),
                open: 0,
                locks: Locks::default(),
                removed_in: BTreeMap::new(),
                removals: 0,
            }),
        }
    }

    /// The engine.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] once the VFS is unregistered.
    pub(crate) fn storage(&self, operation: Operation) -> Result<Arc<Storage>> {
        self.inner().storage.clone().ok_or_else(|| closed(operation))
    }

    /// Counts a file that is about to be opened, so that the VFS stays.
    pub(crate) fn enter(&self) -> Result<Arc<Storage>> {
        let mut inner = self.inner();
        let storage = inner.storage.clone().ok_or_else(|| closed(Operation::Open))?;
        inner.open += 1;
        Ok(storage)
    }

    /// Counts it out.
    pub(crate) fn leave(&self) {
        let mut inner = self.inner();
        inner.open = inner.open.saturating_sub(1);
    }

    /// Gives the engine free.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] while SQLite has a file open, [`ErrorKind::Closed`] the second time.
    pub(crate) fn leave_storage(&self) -> Result<()> {
        let mut inner = self.inner();
        if inner.open > 0 {
            let text = format!("connections have {} files of it open; close them first", inner.open);
            return Err(Error::new(ErrorKind::Locked, Operation::Close).with_text(text));
        }
        let storage = inner.storage.take();
        drop(inner);
        storage.map(drop).ok_or_else(|| closed(Operation::Close))
    }

    /// For as long as nobody else may open a database, or give or take a name.
    pub(crate) fn names(&self) -> MutexGuard<'_, ()> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new handle of a database file.
    pub(crate) fn holder(&self, path: &StoragePath) -> Holder {
        let holder = self.next_holder.fetch_add(1, Ordering::Relaxed);
        self.locks(|locks| locks.enter(path, holder));
        holder
    }

    /// Something with the locks.
    pub(crate) fn locks<T>(&self, what: impl FnOnce(&mut Locks) -> T) -> T {
        what(&mut self.inner().locks)
    }

    /// Syncs a file, and with it what was removed beside it.
    ///
    /// SQLite relies on that: its own VFS flushes the directory with a new journal, and so the removal of an older one before. The sync of a
    /// file here says nothing of other names; the journal of an earlier transaction would be there again after a kill, and be rolled back
    /// into a database that has gone on.
    pub(crate) fn sync(&self, file: &BlockingFile, path: &StoragePath) -> Result<()> {
        let directory = path.parent().unwrap_or_else(StoragePath::root);
        let inner = self.inner();
        if !inner.removed_in.contains_key(&directory) {
            drop(inner);
            return file.sync();
        }
        let covered = inner.removals;
        drop(inner);
        self.storage(Operation::Sync)?.sync()?;
        // Only now: until it is done, syncs of other threads must not take the removals for durable.
        self.inner().removed_in.retain(|_, removal| *removal > covered);
        Ok(())
    }

    /// Remembers that a file was removed, for the next [`sync`](Self::sync) beside it.
    pub(crate) fn removed(&self, path: &StoragePath) {
        let mut inner = self.inner();
        inner.removals += 1;
        let removal = inner.removals;
        inner.removed_in.insert(path.parent().unwrap_or_else(StoragePath::root), removal);
    }

    /// The path that SQLite names, with or without a `/` in front.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`].
    pub(crate) fn path(&self, name: &str) -> Result<StoragePath> {
        StoragePath::parse(name.strip_prefix('/').unwrap_or(name))
    }

    /// The path of a database, whose journals have names that the engine takes as well: better refused now than in the middle of a
    /// transaction.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`].
    pub(crate) fn database_path(&self, name: &str) -> Result<StoragePath> {
        let path = self.path(name)?;
        let refused = |text: String| Err(Error::new(ErrorKind::InvalidPath, Operation::ParsePath).with_path(&path).with_text(text));
        let Some(file_name) = path.file_name() else { return refused("a database is a file, and this is the root".to_owned()) };
        let longest = self.capabilities.max_name_len.saturating_sub(LONGEST_SUFFIX);
        if file_name.len() > longest || path.as_str().len() > MAX_PATH_LEN - LONGEST_SUFFIX {
            return refused(format!("with the suffixes of SQLite's journals it is too long; its name may have {longest} bytes"));
        }
        if let Some(link) = self.storage(Operation::ParsePath)?.link_on(&path)? {
            return refused(format!("{link} is a symbolic link: name the database itself, for locks and journals go by its name"));
        }
        Ok(path)
    }

    /// The last failure in this thread.
    pub(crate) fn last_error(&self) -> Option<Error> {
        failure::last_error(self.id)
    }

    /// Nothing that is done under this lock can panic half-way, so a poisoned one is as good.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed(operation: Operation) -> Error {
    Error::new(ErrorKind::Closed, operation).with_text("the VFS was unregistered")
}

//! An open file of SQLite: one of the engine, or a temporary one in memory.

use std::sync::Arc;

use anystorage_api::{BlockingFile, Capabilities, Durability, Error, ErrorKind, Operation, Result, StoragePath};
use rsqlite_vfs::{DeviceCharacteristics, FileKind, LockLevel, MemChunksFile, SyncOptions, VfsFile, VfsResult};

use crate::ahead::{Ahead, Taken};
use crate::failure::{Caught, Wanted, caught, told};
use crate::locks::Holder;
use crate::state::State;

/// Temporary files grow by this.
const TEMPORARY_CHUNK: usize = 64 << 10;

/// What a rollback journal begins with once it is done, as `PRAGMA journal_mode = PERSIST` has it.
const ERASED_HEADER: [u8; 28] = [0; 28];

/// What SQLite has open.
pub(crate) struct OpenFile {
    state: Arc<State>,
    content: Content,
}

enum Content {
    Stored(Stored),
    /// Without a name, and gone with its handle.
    Temporary(MemChunksFile),
}

struct Stored {
    /// None once it is closed.
    file: Option<BlockingFile>,
    path: StoragePath,
    /// Of a database, which is all that SQLite locks.
    holder: Option<Holder>,
    is_journal: bool,
    /// Of a write-ahead log.
    ahead: Option<Ahead>,
    /// The panic that left it in a state that nobody knows. It answers with that until it is opened again.
    broken: Option<Error>,
}

impl OpenFile {
    /// A file of the engine; the state has counted it.
    pub(crate) fn stored(state: Arc<State>, file: BlockingFile, path: StoragePath, kind: Option<FileKind>) -> Self {
        let holder = (kind == Some(FileKind::MainDb)).then(|| state.holder(&path));
        let is_journal = kind == Some(FileKind::MainJournal);
        let ahead = (kind == Some(FileKind::Wal)).then(Ahead::default);
        Self { state, content: Content::Stored(Stored { file: Some(file), path, holder, is_journal, ahead, broken: None }) }
    }

    /// A temporary file; the state has counted it.
    pub(crate) fn temporary(state: Arc<State>) -> Self {
        Self { state, content: Content::Temporary(MemChunksFile::new(TEMPORARY_CHUNK)) }
    }

    /// Closes it, whatever the engine says of that.
    pub(crate) fn close(mut self) -> VfsResult<()> {
        let Content::Stored(stored) = &mut self.content else { return Ok(()) };
        let written = stored.write_ahead(&self.state);
        let Some(file) = stored.file.take() else { return Ok(()) };
        let closed = caught(Operation::Close, || file.close()).into_result();
        written.and(closed.map_err(|error| told(self.state.id, error, Wanted::Close)))
    }

    /// Raises or lowers the lock; what SQLite does not lock has none.
    fn locked<T>(&self, otherwise: T, what: impl FnOnce(&State, &StoragePath, Holder) -> T) -> T {
        match &self.content {
            Content::Stored(Stored { path, holder: Some(holder), .. }) => what(&self.state, path, *holder),
            _ => otherwise,
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Content::Stored(stored) = &mut self.content {
            if stored.file.is_some() {
                // As of a write that no sync follows, nobody hears of an error.
                let _ = stored.write_ahead(&self.state);
            }
            // An engine may panic in a drop as well.
            let file = stored.file.take();
            let closed = caught(Operation::Close, || {
                drop(file);
                Ok(())
            });
            drop(closed);
            if let Some(holder) = stored.holder {
                self.state.locks(|locks| locks.leave(&stored.path, holder));
            }
        }
        self.state.leave();
    }
}

impl Stored {
    /// Writes what is gathered, and then calls.
    fn call<T>(
        &mut self,
        state: &State,
        wanted: Wanted,
        operation: Operation,
        call: impl FnOnce(&BlockingFile) -> Result<T>,
    ) -> VfsResult<T> {
        self.write_ahead(state)?;
        self.call_alone(state, wanted, operation, call)
    }

    fn write(&mut self, state: &State, buf: &[u8], offset: u64) -> VfsResult<()> {
        match self.ahead.as_mut().map_or(Taken::Not, |ahead| ahead.take(offset, buf)) {
            Taken::Held => return Ok(()),
            Taken::Due => return self.write_ahead(state),
            Taken::Not => self.write_ahead(state)?,
        }
        // It may be the first piece of what is gathered next.
        match self.ahead.as_mut().map_or(Taken::Not, |ahead| ahead.take(offset, buf)) {
            Taken::Held => Ok(()),
            Taken::Due => self.write_ahead(state),
            Taken::Not => {
                if let Some(ahead) = &mut self.ahead {
                    ahead.passed(offset, buf);
                }
                self.call_alone(state, Wanted::Write, Operation::Write, |file| file.write_at(offset, buf))
            }
        }
    }

    fn write_ahead(&mut self, state: &State) -> VfsResult<()> {
        let Some(mut ahead) = self.ahead.take() else { return Ok(()) };
        let written =
            ahead.write(|offset, bytes| self.call_alone(state, Wanted::Write, Operation::Write, |file| file.write_at(offset, bytes)));
        self.ahead = Some(ahead);
        written
    }

    fn call_alone<T>(
        &mut self,
        state: &State,
        wanted: Wanted,
        operation: Operation,
        call: impl FnOnce(&BlockingFile) -> Result<T>,
    ) -> VfsResult<T> {
        let failed = |error| Err(told(state.id, error, wanted));
        if let Some(error) = &self.broken {
            return failed(error.clone());
        }
        let Some(file) = &self.file else {
            return failed(Error::new(ErrorKind::Closed, operation).with_path(&self.path));
        };
        match caught(operation, || call(file)) {
            Caught::Value(value) => Ok(value),
            Caught::Error(error) => failed(error),
            Caught::Panic(error) => {
                let error = error.with_path(&self.path);
                self.broken = Some(error.clone());
                failed(error)
            }
        }
    }
}

impl VfsFile for OpenFile {
    fn device_characteristics(&self) -> DeviceCharacteristics {
        match &self.content {
            Content::Stored(_) => characteristics(&self.state.capabilities),
            Content::Temporary(_) => DeviceCharacteristics::SUBPAGE_READ,
        }
    }

    fn read(&mut self, buf: &mut [u8], offset: u64) -> VfsResult<usize> {
        match &mut self.content {
            Content::Stored(stored) => {
                let wanted = if stored.holder.is_some() { Wanted::ReadDatabase } else { Wanted::Read };
                stored.call(&self.state, wanted, Operation::Read, |file| file.read_at(offset, buf))
            }
            Content::Temporary(file) => file.read(buf, offset),
        }
    }

    fn write(&mut self, buf: &[u8], offset: u64) -> VfsResult<()> {
        match &mut self.content {
            Content::Stored(stored) => stored.write(&self.state, buf, offset),
            Content::Temporary(file) => file.write(buf, offset),
        }
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        match &mut self.content {
            Content::Stored(stored) => {
                let ends_transaction = stored.is_journal && size == 0 && !cuts_are_whole(&self.state.capabilities);
                let path = stored.path.clone();
                stored.call(&self.state, Wanted::Truncate, Operation::SetLen, |file| {
                    if ends_transaction {
                        erase_header(&self.state, file, &path)?;
                    }
                    file.set_len(size)
                })
            }
            Content::Temporary(file) => file.truncate(size),
        }
    }

    /// Of whatever strength: the engine has one sync, and it is the strongest that there is.
    fn sync(&mut self, _: SyncOptions) -> VfsResult<()> {
        match &mut self.content {
            Content::Stored(stored) => {
                let path = stored.path.clone();
                stored.call(&self.state, Wanted::Sync, Operation::Sync, |file| self.state.sync(file, &path))
            }
            // It is never found again.
            Content::Temporary(_) => Ok(()),
        }
    }

    fn size(&self) -> VfsResult<u64> {
        match &self.content {
            Content::Stored(Stored { file: Some(file), broken: None, ahead, .. }) => {
                let stat = caught(Operation::Stat, || file.stat()).into_result();
                let gathered = ahead.as_ref().map_or(0, Ahead::least_len);
                stat.map(|stat| stat.len.max(gathered)).map_err(|error| told(self.state.id, error, Wanted::Size))
            }
            Content::Stored(stored) => {
                let error = stored.broken.clone().unwrap_or_else(|| Error::new(ErrorKind::Closed, Operation::Stat).with_path(&stored.path));
                Err(told(self.state.id, error, Wanted::Size))
            }
            Content::Temporary(file) => file.size(),
        }
    }

    fn lock(&mut self, level: LockLevel) -> VfsResult<()> {
        let granted = self.locked(Ok(()), |state, path, holder| {
            if state.locks(|locks| locks.lock(path, holder, level)) {
                return Ok(());
            }
            let error = Error::new(ErrorKind::Locked, Operation::Open).with_path(path);
            Err(error.with_text("another connection of this process has the database locked"))
        });
        granted.map_err(|error| told(self.state.id, error, Wanted::Lock))
    }

    fn unlock(&mut self, level: LockLevel) -> VfsResult<()> {
        self.locked((), |state, path, holder| state.locks(|locks| locks.unlock(path, holder, level)));
        Ok(())
    }

    fn check_reserved_lock(&self) -> VfsResult<bool> {
        Ok(self.locked(false, |state, path, _| state.locks(|locks| locks.is_reserved(path))))
    }
}

/// Whether a file that is cut is found after a kill with its old length and all of its old bytes, or cut: by contract line 3. By line 2 alone
/// it may have its old length, and zeros in places.
fn cuts_are_whole(capabilities: &Capabilities) -> bool {
    capabilities.atomic_sync || !capabilities.is_durable()
}

/// Ends a rollback journal durably before it is cut. Cutting it is how SQLite commits; a journal that was half cut would be rolled back as
/// far as it goes, and leave half of a transaction.
fn erase_header(state: &State, file: &BlockingFile, path: &StoragePath) -> Result<()> {
    if file.stat()?.len < ERASED_HEADER.len() as u64 {
        return Ok(());
    }
    file.write_at(0, &ERASED_HEADER)?;
    state.sync(file, path)
}

/// What SQLite may rely on, by what the engine declares and the contract promises:
///
/// - `POWERSAFE_OVERWRITE`: contract line 2, what was not written is not damaged. All engines.
/// - `SUBPAGE_READ`: parts of a page can be read. All engines.
/// - `ATOMIC` and `SAFE_APPEND`: contract line 3, after a kill a file is at one of its syncs, so no write is torn, and no length is ahead of
///   its bytes. Engines with `atomic_sync`.
///
/// `SEQUENTIAL` is given by none, for the sync of one file publishes nothing of another; nor `BATCH_ATOMIC`, for a sync of the whole
/// location may come in the middle of a batch; nor `UNDELETABLE_WHEN_OPEN`, by contract line 12.
fn characteristics(capabilities: &Capabilities) -> DeviceCharacteristics {
    let all = DeviceCharacteristics::POWERSAFE_OVERWRITE | DeviceCharacteristics::SUBPAGE_READ;
    if capabilities.atomic_sync && capabilities.durability > Durability::None {
        all | DeviceCharacteristics::ATOMIC | DeviceCharacteristics::SAFE_APPEND
    } else {
        all
    }
}

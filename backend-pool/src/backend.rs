use std::sync::Arc;

use anystorage_api::{
    Capabilities, DirEntry, Durability, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile,
    StoragePath, Timestamp, engine,
};

use crate::file::{MAX_FILE_LEN, PoolFile};
use crate::location::{Location, State};
use crate::names::Entry;
use crate::raw::RawFile;

/// A location over files of the host that are open already. Clones are the same location.
///
/// It is closed by [`close`](StorageBackend::close), or when all clones and all its open files are dropped.
#[derive(Debug)]
pub struct PoolBackend<F: RawFile> {
    location: Arc<Location<F>>,
    durability: Durability,
    /// The revision of what has not changed since it was opened.
    salt: u64,
}

impl<F: RawFile> Clone for PoolBackend<F> {
    fn clone(&self) -> Self {
        Self { location: Arc::clone(&self.location), ..*self }
    }
}

/// What a pool is told of its host.
#[derive(Clone, Copy, Debug)]
pub struct PoolHost {
    durability: Durability,
    clock: fn() -> Option<Timestamp>,
    salt: u64,
}

impl PoolHost {
    /// A host whose flushes survive the process, without a clock.
    #[must_use]
    pub fn new() -> Self {
        Self { durability: Durability::Process, clock: || None, salt: 0 }
    }

    /// Sets what a flush of its files survives.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets where the time comes from.
    #[must_use]
    pub const fn clock(mut self, clock: fn() -> Option<Timestamp>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets from where on revisions are counted: a random number, so that no two instances give the same.
    #[must_use]
    pub const fn salt(mut self, salt: u64) -> Self {
        self.salt = salt;
        self
    }
}

impl Default for PoolHost {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: RawFile> PoolBackend<F> {
    /// Opens a location: the file of its name table, and all others, each with the number that it is known by.
    ///
    /// A new location is one whose table is empty and that has no other files yet. Files that the table does not name may be emptied, so
    /// all of them have to be given, and nobody else may use them. Their numbers are below 2^32 - 1.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if both places of the table are damaged; [`Unsupported`](ErrorKind::Unsupported) for a table of a
    /// later format; what the host reports.
    pub fn open(table: F, files: Vec<(u32, F)>, host: PoolHost) -> Result<Self> {
        let location = Location::open(table, files, host.clock, host.salt)?;
        Ok(Self { location: Arc::new(location), durability: host.durability, salt: host.salt })
    }

    /// A number for files that [`add`](Self::add) takes in: neither this nor a higher one is known. 2^32 - 1 if there are no more.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        self.location.lock().next_number()
    }

    /// Takes in a file that is new, empty and lasts, under a number that nothing has, such as [`next_number`](Self::next_number) and those behind
    /// it, in any order: one more can be created.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a number that is known, or 2^32 - 1: a name may lead to it, although the host has no such file any more;
    /// [`Closed`](ErrorKind::Closed).
    pub fn add(&self, number: u32, file: F) -> Result<()> {
        self.location.check_open(Operation::Open)?;
        self.location.lock().add(number, file, self.location.next_revision())
    }

    /// How many files it has, whatever they are used for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.location.lock().capacity().0
    }

    /// How many files can be created without removing any.
    #[must_use]
    pub fn spare(&self) -> usize {
        self.location.lock().capacity().1
    }

    /// How many files are kept that have bytes and no name: when the location was opened one of the two places of its table was damaged, or a
    /// power cut had torn it, and it may have named them.
    #[must_use]
    pub fn set_aside(&self) -> usize {
        self.location.lock().set_aside()
    }

    /// Gives up what was set aside, so that new files can have it.
    ///
    /// # Errors
    /// Those of [`sync`](StorageBackend::sync).
    pub fn discard_set_aside(&self) -> Result<()> {
        self.location.check_open(Operation::Sync)?;
        self.location.lock().discard_set_aside()
    }

    /// The tree, for a change of it.
    fn changing(&self, operation: Operation) -> Result<impl std::ops::DerefMut<Target = State<F>>> {
        self.location.check_open(operation)?;
        let state = self.location.lock();
        state.check()?;
        Ok(state)
    }

    fn open_file(&self, path: &StoragePath, options: &OpenOptions) -> Result<PoolFile<F>> {
        let operation = Operation::Open;
        let refused = |kind| Err(Error::new(kind, operation));
        self.location.check_open(operation)?;
        options.check(path)?;
        let mut state = self.location.lock();
        let node = match state.table.names.find(path, operation)? {
            Some(_) if options.is_create_new() => return refused(ErrorKind::AlreadyExists),
            Some(Entry::Directory) => return refused(ErrorKind::IsADirectory),
            Some(Entry::File(number)) => state.node(number, operation)?,
            None if options.is_create() => {
                state.check()?;
                let node = state.take_spare(operation)?;
                state.bind(path, &node, self.location.next_revision());
                node
            }
            None => return refused(ErrorKind::NotFound),
        };
        let mut inner = node.lock();
        inner.file()?;
        inner.openers += 1;
        drop(inner);
        drop(state);
        let file = PoolFile::new(node, Arc::clone(&self.location), path, options);
        if options.is_truncate() {
            file.truncate()?;
        }
        Ok(file)
    }

    fn replace(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        let operation = Operation::Write;
        let mut state = self.changing(operation)?;
        if state.table.names.find(path, operation)? == Some(Entry::Directory) {
            return Err(Error::new(ErrorKind::IsADirectory, operation));
        }
        let fill = |state: &mut State<F>| {
            let node = state.take_spare(operation)?;
            let filled = node.lock().change(self.location.next_revision(), self.location.now(), |file| file.write(0, data));
            match filled {
                Ok(()) => Ok(node),
                Err(error) => {
                    state.give_back(&node);
                    Err(error)
                }
            }
        };
        let node = match fill(&mut state) {
            // Space may be had that only waits for the table to be stored.
            Err(error) if error.kind() == ErrorKind::NoSpace && state.has_waiting() && state.store().is_ok() => fill(&mut state)?,
            filled => filled?,
        };
        state.bind(path, &node, self.location.next_revision());
        Ok(())
    }

    fn rename_entry(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let operation = Operation::Rename;
        let refused = |kind| Err(Error::new(kind, operation));
        let mut state = self.changing(operation)?;
        if from.is_root() || to.is_root() {
            let text = "the root can be neither renamed nor replaced";
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text(text));
        }
        let Some(moving) = state.table.names.find(from, operation)? else { return refused(ErrorKind::NotFound) };
        if from == to {
            return Ok(());
        }
        if moving == Entry::Directory && to.starts_with(from) {
            let text = format!("a directory cannot move into itself, to {to:?}");
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text(text));
        }
        let replaced = state.table.names.find(to, operation).map_err(|error| error.with_path(to))?;
        let refused = |kind| Err(Error::new(kind, operation).with_path(to));
        match (moving, replaced) {
            (Entry::Directory, Some(Entry::Directory)) => return refused(ErrorKind::AlreadyExists),
            (Entry::Directory, Some(Entry::File(_))) => return refused(ErrorKind::NotADirectory),
            (Entry::File(_), Some(Entry::Directory)) => return refused(ErrorKind::IsADirectory),
            (_, None) | (Entry::File(_), Some(Entry::File(_))) => {}
        }
        let moved = state.table.names.rename(from, to)?;
        let revision = self.location.next_revision();
        state.moved(&moved, revision);
        state.unname(replaced);
        state.name_changed(from, revision);
        state.name_changed(to, revision);
        Ok(())
    }

    fn remove(&self, path: &StoragePath, operation: Operation) -> Result<()> {
        let refused = |kind| Err(Error::new(kind, operation));
        let is_file = operation == Operation::RemoveFile;
        let mut state = self.changing(operation)?;
        if path.is_root() {
            if is_file {
                return refused(ErrorKind::IsADirectory);
            }
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text("the root cannot be removed"));
        }
        match state.table.names.find(path, operation)? {
            Some(Entry::File(_)) if is_file => {}
            Some(Entry::File(_)) => return refused(ErrorKind::NotADirectory),
            Some(Entry::Directory) if is_file => return refused(ErrorKind::IsADirectory),
            Some(Entry::Directory) if state.table.names.is_empty_directory(path) => {}
            Some(Entry::Directory) => return refused(ErrorKind::DirectoryNotEmpty),
            None => return refused(ErrorKind::NotFound),
        }
        let removed = state.table.names.remove(path);
        state.unname(removed);
        state.name_changed(path, self.location.next_revision());
        Ok(())
    }
}

fn about(operation: Operation, path: &StoragePath) -> impl FnOnce(Error) -> Error {
    move |error| {
        let error = error.in_operation(operation);
        if error.path().is_some() { error } else { error.with_path(path) }
    }
}

#[engine]
impl<F: RawFile> StorageBackend for PoolBackend<F> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
            .durability(self.durability)
            .atomic_rename_file(true)
            .atomic_rename_dir(true)
            .immediate(true)
            .max_file_len(MAX_FILE_LEN)
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        Ok(Box::new(self.open_file(path, options).map_err(about(Operation::Open, path))?))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        let found = || {
            self.location.check_open(Operation::Stat)?;
            let state = self.location.lock();
            match state.table.names.find(path, Operation::Stat)? {
                Some(Entry::Directory) => Ok(Metadata::directory().with_revision(state.revision(path, self.salt))),
                Some(Entry::File(number)) => state.node(number, Operation::Stat)?.lock().metadata(),
                None => Err(Error::new(ErrorKind::NotFound, Operation::Stat)),
            }
        };
        found().map_err(about(Operation::Stat, path))
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let listed = || {
            self.location.check_open(Operation::List)?;
            let state = self.location.lock();
            match state.table.names.find(directory, Operation::List)? {
                Some(Entry::Directory) => Ok(state.table.names.page(directory, after, limit)),
                Some(Entry::File(_)) => Err(Error::new(ErrorKind::NotADirectory, Operation::List)),
                None => Err(Error::new(ErrorKind::NotFound, Operation::List)),
            }
        };
        listed().map_err(about(Operation::List, directory))
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        let operation = Operation::CreateDir;
        let created = || {
            let mut state = self.changing(operation)?;
            if state.table.names.find(path, operation)?.is_some() {
                return Err(Error::new(ErrorKind::AlreadyExists, operation));
            }
            let revision = self.location.next_revision();
            state.table.names.insert(path, Entry::Directory);
            state.touch_directory(path, revision);
            state.name_changed(path, revision);
            Ok(())
        };
        created().map_err(about(operation, path))
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.remove(path, Operation::RemoveFile).map_err(about(Operation::RemoveFile, path))
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.remove(path, Operation::RemoveDir).map_err(about(Operation::RemoveDir, path))
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.rename_entry(from, to).map_err(about(Operation::Rename, from))
    }

    async fn sync(&self) -> Result<()> {
        self.location.check_open(Operation::Sync)?;
        self.location.lock().sync().map_err(|error| error.in_operation(Operation::Sync))
    }

    async fn close(&self) -> Result<()> {
        self.location.close()
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.replace(path, data).map_err(about(Operation::Write, path))
    }
}

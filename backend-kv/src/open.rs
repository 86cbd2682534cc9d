//! Opening files.

use std::sync::Arc;

use anystorage_api::{Detached, Error, ErrorKind, OpenOptions, Operation, Result, StoragePath};

use crate::engine::Engine;
use crate::records::Kind;
use crate::store::KvStore;
use crate::whole::check_file;

/// A file that somebody has open: a handle, or a call that was begun through one. The inode lives as long as a name or one of these does.
#[derive(Debug)]
pub(crate) struct OpenFile<S: KvStore> {
    pub(crate) engine: Arc<Engine<S>>,
    pub(crate) ino: u64,
}

impl<S: KvStore> OpenFile<S> {
    /// To be made while the state is held in which the inode was found.
    fn new(engine: &Arc<Engine<S>>, ino: u64) -> Self {
        engine.handles.acquire(ino);
        Self { engine: Arc::clone(engine), ino }
    }

    pub(crate) fn carries_on(&self) -> Option<fn(Detached)> {
        self.engine.carries_on()
    }

    pub(crate) async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.engine.write_at(self.ino, offset, data).await
    }

    pub(crate) async fn set_len(&self, len: u64) -> Result<()> {
        self.engine.set_len(self.ino, len).await
    }

    pub(crate) async fn sync(&self) -> Result<()> {
        self.engine.sync(Some(self.ino)).await
    }
}

impl<S: KvStore> Drop for OpenFile<S> {
    fn drop(&mut self) {
        self.engine.handles.release(self.ino);
    }
}

/// Opens a file that is there.
pub(crate) async fn existing<S: KvStore>(engine: &Arc<Engine<S>>, path: &StoragePath) -> Result<OpenFile<S>> {
    let state = engine.shared(Operation::Open).await?;
    let entry = engine.find(&state, path).await?;
    check_file(entry.kind, Operation::Open)?;
    Ok(OpenFile::new(engine, entry.ino))
}

/// Opens a file with options that may create it or cut it.
pub(crate) async fn changing<S: KvStore>(engine: &Arc<Engine<S>>, path: &StoragePath, options: &OpenOptions) -> Result<OpenFile<S>> {
    let operation = Operation::Open;
    let mut state = engine.growing(operation).await?;
    let exists = || Error::new(ErrorKind::AlreadyExists, operation);
    let Some((place, entry)) = engine.place(&state, path).await? else {
        return Err(if options.is_create_new() { exists() } else { Error::new(ErrorKind::IsADirectory, operation) });
    };
    let ino = match entry {
        Some(_) if options.is_create_new() => return Err(exists()),
        Some(entry) => {
            check_file(entry.kind, Operation::Open)?;
            entry.ino
        }
        None if options.is_create() => engine.create(&mut state, place, Kind::File).await?,
        None => return Err(Error::new(ErrorKind::NotFound, operation)),
    };
    if entry.is_some() && options.is_truncate() {
        engine.set_len_to(&mut state, ino, 0).await?;
    }
    Ok(OpenFile::new(engine, ino))
}

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, engine};

use crate::backend::MAX_FILE_LEN;
use crate::detach::to_end;
use crate::engine::Engine;
use crate::open::OpenFile;
use crate::store::KvStore;

/// A handle.
#[derive(Debug)]
pub(crate) struct KvFile<S: KvStore> {
    open: Arc<OpenFile<S>>,
    /// Where it was opened, for errors.
    path: StoragePath,
    read: bool,
    write: bool,
}

impl<S: KvStore> KvFile<S> {
    pub(crate) fn new(open: OpenFile<S>, path: StoragePath, options: &OpenOptions) -> Self {
        Self { open: Arc::new(open), path, read: options.is_read(), write: options.is_write() }
    }

    fn engine(&self) -> &Engine<S> {
        &self.open.engine
    }

    fn about(&self, operation: Operation) -> impl FnOnce(Error) -> Error {
        let path = self.path.clone();
        move |error| error.in_operation(operation).with_path(&path)
    }

    fn refused(&self, operation: Operation, why: &str) -> Error {
        Error::new(ErrorKind::PermissionDenied, operation).with_path(&self.path).with_text(why)
    }

    fn check_writable(&self, operation: Operation, end: Option<u64>) -> Result<()> {
        if !self.write {
            return Err(self.refused(operation, "the file was not opened for writing"));
        }
        if end.is_some_and(|end| end <= MAX_FILE_LEN) {
            return Ok(());
        }
        let why = format!("the end would lie beyond {MAX_FILE_LEN}, the longest a file may be");
        Err(Error::new(ErrorKind::InvalidInput, operation).with_path(&self.path).with_text(why))
    }

    /// Refuses every call after the backend was closed.
    async fn check_open(&self, operation: Operation) -> Result<()> {
        self.engine().shared(operation).await.map(drop).map_err(self.about(operation))
    }
}

#[engine]
impl<S: KvStore> StorageFile for KvFile<S> {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        if !self.read {
            self.check_open(Operation::Read).await?;
            return Err(self.refused(Operation::Read, "the file was not opened for reading"));
        }
        self.engine().read_at(self.open.ino, offset, buf).await.map_err(self.about(Operation::Read))
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let end = offset.checked_add(data.len() as u64);
        let refused = self.check_writable(Operation::Write, if data.is_empty() { Some(0) } else { end });
        if refused.is_err() || data.is_empty() {
            self.check_open(Operation::Write).await?;
            return refused;
        }
        to_end!((self.open => open, data), open.write_at(offset, data)).map_err(self.about(Operation::Write))
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        let refused = self.check_writable(Operation::SetLen, Some(len));
        if refused.is_err() {
            self.check_open(Operation::SetLen).await?;
            return refused;
        }
        to_end!((self.open => open), open.set_len(len)).map_err(self.about(Operation::SetLen))
    }

    async fn stat(&self) -> Result<Metadata> {
        let found = async {
            let state = self.engine().shared(Operation::Stat).await?;
            self.engine().metadata(&state, self.open.ino).await
        };
        found.await.map_err(self.about(Operation::Stat))
    }

    async fn sync(&self) -> Result<()> {
        to_end!((self.open => open), open.sync()).map_err(self.about(Operation::Sync))
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.check_open(Operation::Close).await
    }
}

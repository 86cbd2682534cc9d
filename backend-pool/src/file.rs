use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, engine};

use crate::location::Location;
use crate::node::Node;
use crate::raw::RawFile;

/// The longest file: what every platform can count.
pub(crate) const MAX_FILE_LEN: u64 = (1 << 53) - 1;

/// An open file.
#[derive(Debug)]
pub(crate) struct PoolFile<F: RawFile> {
    node: Arc<Node<F>>,
    location: Arc<Location<F>>,
    /// Where it was opened, for errors.
    path: StoragePath,
    read: bool,
    write: bool,
}

impl<F: RawFile> PoolFile<F> {
    /// Whoever calls has counted it among the openers.
    pub(crate) fn new(node: Arc<Node<F>>, location: Arc<Location<F>>, path: &StoragePath, options: &OpenOptions) -> Self {
        Self { node, location, path: path.clone(), read: options.is_read(), write: options.is_write() }
    }

    fn about(&self, operation: Operation) -> impl FnOnce(Error) -> Error {
        move |error| {
            let error = error.in_operation(operation);
            if error.path().is_some() { error } else { error.with_path(&self.path) }
        }
    }

    fn check(&self, operation: Operation, allowed: bool, end: Option<u64>) -> Result<()> {
        self.location.check_open(operation)?;
        if !allowed {
            let wanted = if operation == Operation::Read { "reading" } else { "writing" };
            return Err(Error::new(ErrorKind::PermissionDenied, operation).with_text(format!("the file was not opened for {wanted}")));
        }
        if end.is_none_or(|end| end > MAX_FILE_LEN) {
            let why = format!("the end would lie beyond {MAX_FILE_LEN}, the longest a file may be");
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text(why));
        }
        Ok(())
    }

    /// Makes a change, a second time if there is space that only waited for the table to be stored.
    fn change(&self, change: impl Fn(&F) -> Result<()>) -> Result<()> {
        let once = || self.node.lock().change(self.location.next_revision(), self.location.now(), &change);
        match once() {
            Err(error) if error.kind() == ErrorKind::NoSpace && self.location.make_room() => once(),
            done => done,
        }
    }

    /// Cuts it, unless it is empty.
    pub(crate) fn truncate(&self) -> Result<()> {
        let is_empty = self.node.lock().file()?.is_empty()?;
        if is_empty { Ok(()) } else { self.change(|file| file.set_len(0)) }
    }
}

impl<F: RawFile> Drop for PoolFile<F> {
    fn drop(&mut self) {
        self.location.let_go(&self.node);
    }
}

#[engine]
impl<F: RawFile> StorageFile for PoolFile<F> {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let mut read = || {
            self.check(Operation::Read, self.read, Some(0))?;
            if offset > MAX_FILE_LEN {
                return Ok(0);
            }
            self.node.lock().file()?.read(offset, buf)
        };
        read().map_err(self.about(Operation::Read))
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let end = if data.is_empty() { Some(0) } else { offset.checked_add(data.len() as u64) };
        let written = || {
            self.check(Operation::Write, self.write, end)?;
            if data.is_empty() { Ok(()) } else { self.change(|file| file.write(offset, data)) }
        };
        written().map_err(self.about(Operation::Write))
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        let cut = || {
            self.check(Operation::SetLen, self.write, Some(len))?;
            self.change(|file| file.set_len(len))
        };
        cut().map_err(self.about(Operation::SetLen))
    }

    async fn stat(&self) -> Result<Metadata> {
        let found = || {
            self.location.check_open(Operation::Stat)?;
            self.node.lock().metadata()
        };
        found().map_err(self.about(Operation::Stat))
    }

    async fn sync(&self) -> Result<()> {
        let synced = || {
            self.location.check_open(Operation::Sync)?;
            let mut state = self.location.lock();
            let mut inner = self.node.lock();
            inner.flush()?;
            let is_unstored = inner.is_unstored();
            drop(inner);
            if is_unstored { state.store() } else { Ok(()) }
        };
        synced().map_err(self.about(Operation::Sync))
    }

    async fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

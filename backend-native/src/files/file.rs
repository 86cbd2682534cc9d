use std::fmt;
use std::io;
use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, engine};

use super::backend::{file_metadata, read_whole};
use super::disk::{Disk, DiskFile};
use super::error::host_error;
use super::guard::{exclusive, lock, shared};
use super::instance::{Instance, read_full, write_all};
use super::names::user_path;
use super::node::{Name, Node};
use super::revision::times;

/// The longest file that the engine takes.
const MAX_LEN: u64 = anystorage_api::Capabilities::new().max_file_len;

/// One handle on a file of the host.
pub(super) struct NativeFile<D: Disk> {
    instance: Arc<Instance<D>>,
    node: Arc<Node>,
    file: Arc<D::File>,
    opened_as: StoragePath,
    readable: bool,
    writable: bool,
}

impl<D: Disk> NativeFile<D> {
    /// A handle on a node that counts it already.
    pub(super) fn new(
        instance: Arc<Instance<D>>,
        node: Arc<Node>,
        file: Arc<D::File>,
        opened_as: StoragePath,
        options: &OpenOptions,
    ) -> Self {
        Self { instance, node, file, opened_as, readable: options.is_read(), writable: options.is_write() }
    }

    /// The path that errors name: where the file is now, or where it was opened.
    fn path(&self) -> StoragePath {
        match self.node.name() {
            Name::At(path) => user_path(&path).unwrap_or_else(|| self.opened_as.clone()),
            Name::Elsewhere | Name::Removed => self.opened_as.clone(),
        }
    }

    fn refuse(&self, kind: ErrorKind, operation: Operation, text: &str) -> Error {
        Error::new(kind, operation).with_path(&self.path()).with_text(text)
    }

    /// Changes the file while nobody else reads or changes it.
    pub(super) fn change(&self, operation: Operation, change: impl FnOnce(&D::File) -> io::Result<()>) -> Result<()> {
        let mut state = exclusive(&self.node.state);
        self.instance.check_open(operation)?;
        self.instance.check_flushes(operation)?;
        if let Some(failed) = &state.failed {
            return Err(failed.clone().in_operation(operation));
        }
        state.change();
        let changed = change(&self.file);
        if let Some(seen) = state.seen {
            match self.file.metadata() {
                Ok(now) if times(&now) == seen => lock(&self.instance.revisions).bump_file(self.node.id()),
                _ => state.seen = None,
            }
        }
        changed.map_err(|error| host_error(error, operation, &self.path()))
    }

    /// Checks that this handle may write, and that the file stays within what it can be long.
    fn check_write(&self, operation: Operation, end: Option<u64>) -> Result<()> {
        self.instance.check_open(operation)?;
        if !self.writable {
            return Err(self.refuse(ErrorKind::PermissionDenied, operation, "the file was not opened for writing"));
        }
        match end {
            Some(end) if end <= MAX_LEN => Ok(()),
            _ => Err(self.refuse(ErrorKind::InvalidInput, operation, &format!("a file has at most {MAX_LEN} bytes"))),
        }
    }

    /// The whole file, which was `expected` bytes long when it was opened.
    pub(super) fn read_to_end(&self, expected: u64) -> Result<Vec<u8>> {
        let _state = shared(&self.node.state);
        self.instance.check_open(Operation::Read)?;
        read_whole(&*self.file, expected).map_err(|error| host_error(error, Operation::Read, &self.path()))
    }
}

#[engine]
impl<D: Disk> StorageFile for NativeFile<D> {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        if !self.readable {
            self.instance.check_open(Operation::Read)?;
            return Err(self.refuse(ErrorKind::PermissionDenied, Operation::Read, "the file was not opened for reading"));
        }
        let _state = shared(&self.node.state);
        self.instance.check_open(Operation::Read)?;
        if offset >= MAX_LEN {
            return Ok(0);
        }
        read_full(&*self.file, offset, buf).map_err(|error| host_error(error, Operation::Read, &self.path()))
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.check_write(Operation::Write, offset.checked_add(data.len() as u64))?;
        if data.is_empty() {
            return Ok(());
        }
        self.change(Operation::Write, |file| write_all(file, offset, data))
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        self.check_write(Operation::SetLen, Some(len))?;
        self.change(Operation::SetLen, |file| file.set_len(len))
    }

    async fn stat(&self) -> Result<Metadata> {
        let mut state = exclusive(&self.node.state);
        self.instance.check_open(Operation::Stat)?;
        let found = self.file.metadata().map_err(|error| host_error(error, Operation::Stat, &self.path()))?;
        state.seen = Some(times(&found));
        Ok(file_metadata(&self.instance, &found))
    }

    async fn sync(&self) -> Result<()> {
        self.instance.check_open(Operation::Sync)?;
        if self.instance.read_only {
            return Ok(());
        }
        self.instance.check_flushes(Operation::Sync)?;
        self.instance.flush_file(&self.node, &self.file, &self.path())?;
        self.instance.flush_leading_to(|| self.node.name())
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.instance.check_open(Operation::Close)
    }
}

impl<D: Disk> Drop for NativeFile<D> {
    fn drop(&mut self) {
        let waited_longest = lock(&self.instance.tree).nodes.release(self.node.id());
        if let Some((node, file)) = waited_longest {
            self.instance.flush_closed(&node, &file);
        }
    }
}

impl<D: Disk> fmt::Debug for NativeFile<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeFile")
            .field("opened_as", &self.opened_as)
            .field("node", &self.node)
            .field("readable", &self.readable)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}

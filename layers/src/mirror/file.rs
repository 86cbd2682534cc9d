//! An open file of a mirror.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, engine};

use super::node::Id;
use super::shared::Shared;
use super::state::{Call, State};

#[derive(Debug)]
pub(super) struct MirrorFile {
    shared: Arc<Shared>,
    id: Id,
    /// Where it was opened, for errors.
    path: StoragePath,
    options: OpenOptions,
    /// It belongs to a face that may not wait.
    may_not_wait: bool,
}

impl MirrorFile {
    /// A handle, which the node was told of.
    pub(super) const fn new(shared: Arc<Shared>, id: Id, path: StoragePath, options: OpenOptions, may_not_wait: bool) -> Self {
        Self { shared, id, path, options, may_not_wait }
    }

    const fn call(&self, operation: Operation) -> Call<'_> {
        Call { operation, path: &self.path }
    }

    fn refused(&self, operation: Operation, why: &str) -> Error {
        self.call(operation).error(ErrorKind::PermissionDenied).with_text(why)
    }

    fn begin_change(&self, state: &State, operation: Operation, end: Option<u64>) -> Result<()> {
        let call = self.call(operation);
        state.begin_change(call)?;
        if !self.options.is_write() {
            return Err(self.refused(operation, "the file was not opened for writing"));
        }
        if state.node(self.id, call)?.link.is_some() {
            return Err(call.is_a_link());
        }
        let longest = state.capabilities.max_file_len;
        if end.is_none_or(|end| end > longest) {
            let why = format!("the end would lie beyond {longest}, the longest a file may be");
            return Err(call.error(ErrorKind::InvalidInput).with_text(why));
        }
        Ok(())
    }
}

impl Drop for MirrorFile {
    fn drop(&mut self) {
        self.shared.leave(self.id);
    }
}

#[engine]
impl StorageFile for MirrorFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let call = self.call(Operation::Read);
        self.shared.lock().begin(call)?;
        if !self.options.is_read() {
            return Err(self.refused(Operation::Read, "the file was not opened for reading"));
        }
        self.shared.read(self.id, offset, buf, call)
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut state = self.shared.lock();
        let end = if data.is_empty() { Some(0) } else { offset.checked_add(data.len() as u64) };
        self.begin_change(&state, Operation::Write, end)?;
        if data.is_empty() {
            return Ok(());
        }
        state.write_at(self.id, offset, data, self.call(Operation::Write))
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        let mut state = self.shared.lock();
        self.begin_change(&state, Operation::SetLen, Some(len))?;
        state.set_len(self.id, len, self.call(Operation::SetLen))
    }

    async fn stat(&self) -> Result<Metadata> {
        let call = self.call(Operation::Stat);
        let state = self.shared.lock();
        state.begin(call)?;
        Ok(state.node(self.id, call)?.metadata())
    }

    async fn sync(&self) -> Result<()> {
        self.shared.lock().begin(self.call(Operation::Sync))?;
        if self.may_not_wait && !self.shared.is_immediate {
            return Err(super::io::would_block(Operation::Sync, "sync").with_path(&self.path));
        }
        self.shared.sync(Some((self.id, self.path.clone()))).await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.shared.lock().begin(self.call(Operation::Close))
    }
}

//! A file that is open, or that has bytes which are not flushed.

use std::cell::{Cell, RefCell};

use anystorage_api::{Error, Operation, Result};
use anystorage_browser_host::global::now;

use crate::faults::FlushFaults;
use crate::host::{Handle, Plain};

/// Shared by all handles on one file.
#[derive(Debug)]
pub(super) struct Node {
    plain: RefCell<Plain>,
    handle: RefCell<Option<Handle>>,
    /// The number of its file among the hidden ones, once its name is gone.
    hidden: Cell<Option<u64>>,
    pub(super) openers: Cell<usize>,
    /// Calls that have been polled and wait, or are under way.
    queued: Cell<usize>,
    unflushed: Cell<bool>,
    failure: RefCell<Option<Error>>,
    /// When it was last changed through this instance, in milliseconds since 1970.
    pub(super) modified: Cell<Option<i64>>,
    pub(super) revision: Cell<u64>,
}

impl Node {
    pub(super) const fn new(plain: Plain, handle: Handle, revision: u64) -> Self {
        Self {
            plain: RefCell::new(plain),
            handle: RefCell::new(Some(handle)),
            hidden: Cell::new(None),
            openers: Cell::new(0),
            queued: Cell::new(0),
            unflushed: Cell::new(false),
            failure: RefCell::new(None),
            modified: Cell::new(None),
            revision: Cell::new(revision),
        }
    }

    /// Does something with the handle now; none if it is closed, or if others wait for their turn on this file.
    pub(super) fn at_once<T>(&self, act: impl FnOnce(&Handle) -> Result<T>) -> Option<Result<T>> {
        if self.queued.get() > 0 {
            return None;
        }
        self.handle.borrow().as_ref().map(act)
    }

    /// Does something with the handle, which is opened if it is closed. Whoever calls has the turn.
    pub(super) async fn in_turn<T>(&self, faults: &FlushFaults, act: impl FnOnce(&Handle) -> Result<T>) -> Result<T> {
        if self.handle.borrow().is_none() {
            let plain = self.plain.borrow().clone();
            let handle = plain.open(faults).await?;
            self.handle.borrow_mut().get_or_insert(handle);
        }
        match self.handle.borrow().as_ref() {
            Some(handle) => act(handle),
            None => Err(Error::new(anystorage_api::ErrorKind::Closed, Operation::Open)),
        }
    }

    /// Counts a call that waits, until it is dropped.
    pub(super) fn queue(&self) -> Queued<'_> {
        self.queued.set(self.queued.get() + 1);
        Queued(self)
    }

    /// Notes that its bytes change, unless a flush has failed.
    pub(super) fn changes(&self, revision: u64) -> Result<()> {
        self.check()?;
        self.unflushed.set(true);
        self.touched(revision);
        Ok(())
    }

    pub(super) fn touched(&self, revision: u64) {
        self.revision.set(revision);
        self.modified.set(now().map(|now| now.unix_millis()));
    }

    /// The error of the flush that failed, if one did.
    pub(super) fn check(&self) -> Result<()> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    pub(super) fn is_unflushed(&self) -> bool {
        self.unflushed.get()
    }

    /// Flushes with this handle, if there is anything to flush.
    pub(super) fn flush(&self, handle: &Handle) -> Result<()> {
        self.check()?;
        if !self.unflushed.get() {
            return Ok(());
        }
        handle.flush().inspect_err(|error| *self.failure.borrow_mut() = Some(error.clone()))?;
        self.unflushed.set(false);
        Ok(())
    }

    /// Closes the handle, which is opened again when it is needed.
    pub(super) fn close(&self) {
        self.handle.take();
    }

    /// The number of its hidden file; none as long as it has a name.
    pub(super) const fn hidden(&self) -> Option<u64> {
        self.hidden.get()
    }

    /// Its bytes are elsewhere by now, in the hidden file of this number.
    pub(super) fn hide(&self, plain: Plain, number: u64) {
        self.close();
        self.plain.replace(plain);
        self.hidden.set(Some(number));
    }

    /// It has another name by now.
    pub(super) fn moved(&self, plain: Plain) {
        self.close();
        self.plain.replace(plain);
    }

    pub(super) fn plain(&self) -> Plain {
        self.plain.borrow().clone()
    }
}

/// A call that waits for its turn.
#[derive(Debug)]
pub(super) struct Queued<'a>(&'a Node);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.queued.set(self.0.queued.get().saturating_sub(1));
    }
}

//! A file that is open, or that has bytes which are not flushed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use anystorage_api::{Error, Result};
use anystorage_browser_host::global::now;

use crate::host::Plain;
use crate::open_file::{Access, OpenFile};
use crate::stream::Stream;
use crate::worker::WorkerHandle;

/// Shared by all handles on one file.
#[derive(Debug)]
pub(super) struct Node {
    plain: RefCell<Plain>,
    /// Shared with the call that has the turn.
    file: RefCell<Option<Rc<OpenFile>>>,
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
    pub(super) const fn new(plain: Plain, file: Rc<OpenFile>, revision: u64) -> Self {
        Self {
            plain: RefCell::new(plain),
            file: RefCell::new(Some(file)),
            hidden: Cell::new(None),
            openers: Cell::new(0),
            queued: Cell::new(0),
            unflushed: Cell::new(false),
            failure: RefCell::new(None),
            modified: Cell::new(None),
            revision: Cell::new(revision),
        }
    }

    /// Does something with the file now; none if that needs waiting, if it is closed, or if others wait for their turn on it.
    pub(super) fn at_once<T>(&self, act: impl FnOnce(&OpenFile) -> Option<Result<T>>) -> Option<Result<T>> {
        if self.queued.get() > 0 {
            return None;
        }
        self.file.borrow().as_deref().and_then(act)
    }

    /// Has the worker do something with the file, in the order in which it is asked; none if the file is not there, if it is closed, or if
    /// others wait for their turn on it.
    pub(super) fn elsewhere<T>(&self, act: impl FnOnce(&WorkerHandle) -> T) -> Option<T> {
        if self.queued.get() > 0 {
            return None;
        }
        match self.file.borrow().as_deref() {
            Some(OpenFile::Worker(handle)) => Some(act(handle)),
            _ => None,
        }
    }

    /// Does something with the file, which is opened if it is closed. Whoever calls has the turn.
    pub(super) async fn in_turn<T>(&self, access: &Access, act: impl AsyncFnOnce(&OpenFile) -> Result<T>) -> Result<T> {
        let _queued = self.queue();
        let open = self.file.borrow().clone();
        let file = match open {
            Some(file) => file,
            None => {
                let file = Rc::new(access.open(&self.plain()).await?);
                self.file.replace(Some(Rc::clone(&file)));
                file
            }
        };
        act(&file).await
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

    /// Flushes it, if there is anything to flush; none if that needs waiting.
    pub(super) fn flush_now(&self, file: &OpenFile) -> Option<Result<()>> {
        match self.check() {
            Err(error) => Some(Err(error)),
            Ok(()) if !self.unflushed.get() => Some(Ok(())),
            Ok(()) => file.flush_now().map(|flushed| self.flushed(file, flushed)),
        }
    }

    /// Flushes it, if there is anything to flush.
    pub(super) async fn flush(&self, file: &OpenFile) -> Result<()> {
        self.check()?;
        if !self.unflushed.get() {
            return Ok(());
        }
        let flushed = file.flush().await;
        self.flushed(file, flushed)
    }

    fn flushed(&self, file: &OpenFile, flushed: Result<()>) -> Result<()> {
        match &flushed {
            Ok(()) => self.unflushed.set(false),
            Err(error) if file.refuses_whole(error) => {}
            Err(error) => *self.failure.borrow_mut() = Some(error.clone()),
        }
        flushed
    }

    /// Closes the handle, which is opened again when it is needed. A stream, whose changes are in memory, lets go of its snapshot alone.
    pub(super) fn close(&self) {
        self.file.borrow_mut().take_if(|file| !file.is_stream());
        self.with_stream(Stream::forget_snapshot);
    }

    fn with_stream(&self, act: impl FnOnce(&Stream)) {
        if let Some(OpenFile::Stream(stream)) = self.file.borrow().as_deref() {
            act(stream);
        }
    }

    /// The number of its hidden file; none as long as it has a name.
    pub(super) const fn hidden(&self) -> Option<u64> {
        self.hidden.get()
    }

    /// Its bytes are elsewhere by now, in the hidden file of this number.
    pub(super) fn hide(&self, plain: Plain, number: u64) {
        self.moved(plain);
        self.hidden.set(Some(number));
    }

    /// It has another name by now.
    pub(super) fn moved(&self, plain: Plain) {
        self.close();
        self.with_stream(|stream| stream.moved(plain.clone()));
        self.plain.replace(plain);
    }

    pub(super) fn plain(&self) -> Plain {
        match self.file.borrow().as_deref() {
            Some(OpenFile::Stream(stream)) => stream.plain(),
            _ => self.plain.borrow().clone(),
        }
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

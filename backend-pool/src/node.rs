//! One of the files of a pool, whatever name it has.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Metadata, Operation, Result, Timestamp};

use crate::raw::RawFile;

/// Shared by all that have it open.
#[derive(Debug)]
pub(crate) struct Node<F> {
    pub(crate) number: u32,
    inner: Mutex<Inner<F>>,
}

/// What a file is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// A name leads to it. `is_stored` once the stored table says the same.
    Named { is_stored: bool },
    /// No name leads to it any more. It is open, or the stored table knows it still.
    Unnamed,
    /// A new file may have it. It is empty.
    Spare,
    /// Kept as it is, because a table was damaged that may have named it.
    SetAside,
}

#[derive(Debug)]
pub(crate) struct Inner<F> {
    /// None if the host has it no more, and once the location is closed.
    file: Option<F>,
    pub(crate) usage: Use,
    /// Whether it has bytes, or a length, that may not last.
    unflushed: bool,
    failure: Option<Error>,
    pub(crate) openers: usize,
    modified: Option<Timestamp>,
    revision: u64,
}

impl<F: RawFile> Node<F> {
    /// `file` is none if the host has it no more.
    pub(crate) const fn new(number: u32, file: Option<F>, usage: Use, revision: u64) -> Self {
        let inner = Inner { file, usage, unflushed: false, failure: None, openers: 0, modified: None, revision };
        Self { number, inner: Mutex::new(inner) }
    }

    /// For the length of one call. Nobody who has it takes the lock of the location.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner<F>> {
        // No code that holds it panics.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: RawFile> Inner<F> {
    pub(crate) fn file(&self) -> Result<&F> {
        self.file.as_ref().ok_or_else(|| {
            let text = "the file that has its bytes is missing: somebody else has removed it";
            Error::new(ErrorKind::Corrupt, Operation::Open).with_text(text)
        })
    }

    /// Closes it.
    pub(crate) fn take_file(&mut self) -> Option<F> {
        self.file.take()
    }

    /// Whether the stored table may not lead to it before it is flushed.
    pub(crate) const fn is_unstored(&self) -> bool {
        matches!(self.usage, Use::Named { is_stored: false })
    }

    pub(crate) const fn is_named(&self) -> bool {
        matches!(self.usage, Use::Named { .. })
    }

    /// Whether nobody has it any more, and another file may: not where a flush has failed.
    pub(crate) fn is_over(&self) -> bool {
        self.usage == Use::Unnamed && self.openers == 0 && self.failure.is_none()
    }

    /// The error of the flush that failed, if one did.
    pub(crate) fn check(&self) -> Result<()> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        Ok(Metadata::file(self.file()?.len()?).with_modified(self.modified).with_revision(self.revision))
    }

    /// It is another thing at its path.
    pub(crate) const fn renumber(&mut self, revision: u64) {
        self.revision = revision;
    }

    /// Changes it. A change that fails may have been made in part.
    pub(crate) fn change(&mut self, revision: u64, now: Option<Timestamp>, change: impl FnOnce(&F) -> Result<()>) -> Result<()> {
        self.check()?;
        self.file()?;
        self.unflushed = true;
        self.revision = revision;
        self.modified = now;
        change(self.file()?)
    }

    /// Flushes it, if there is anything to flush.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.check()?;
        if !self.unflushed {
            return Ok(());
        }
        let flushed = self.file().and_then(F::flush);
        match &flushed {
            Ok(()) => self.unflushed = false,
            Err(error) => self.failure = Some(error.clone()),
        }
        flushed
    }

    /// Empties it for whoever has it next; false if that cannot be, and nobody shall have it.
    pub(crate) fn recycle(&mut self) -> bool {
        let emptied = self.check().and_then(|()| {
            let file = self.file()?;
            if file.is_empty()? { Ok(()) } else { file.set_len(0) }
        });
        match emptied {
            Ok(()) => {
                // Whatever was cut just now, or by an earlier holder who was killed: no name leads here before that lasts.
                self.unflushed = true;
                self.modified = None;
                self.usage = Use::Spare;
                true
            }
            Err(error) => {
                log::warn!("a file of the pool is not used until the location is opened again: {error}");
                self.failure = Some(error);
                false
            }
        }
    }
}

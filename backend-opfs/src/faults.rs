//! Flushes that fail on demand, for contract line 11.

use std::cell::Cell;
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

/// Decides whether flushes work, and counts those that failed; clones are the same switch. They work until it is told otherwise.
#[derive(Clone, Debug, Default)]
pub struct FlushFaults(Rc<(Cell<bool>, Cell<u64>)>);

impl FlushFaults {
    /// From now on every flush fails, or works again.
    pub fn set_failing(&self, failing: bool) {
        self.0.0.set(failing);
    }

    /// How many flushes have failed so far.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.1.get()
    }

    /// Whether flushes have to fail.
    #[cfg(feature = "packed-page")]
    pub(crate) fn is_failing(&self) -> bool {
        self.0.0.get()
    }

    /// Notes that so many more have failed, elsewhere.
    #[cfg(feature = "packed-page")]
    pub(crate) fn count(&self, failed: u64) {
        self.0.1.set(self.0.1.get() + failed);
    }

    /// Fails where this flush has to.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.0.0.get() {
            return Ok(());
        }
        self.0.1.set(self.0.1.get() + 1);
        Err(Error::new(ErrorKind::Io, Operation::Sync).with_text("this flush was made to fail"))
    }
}

#[cfg(feature = "conformance")]
impl anystorage_conformance::subject::FlushFaults for FlushFaults {
    fn set_failing(&self, failing: bool) {
        Self::set_failing(self, failing);
    }

    fn failed(&self) -> u64 {
        Self::failed(self)
    }
}

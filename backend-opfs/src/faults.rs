//! Flushes that fail on demand, for contract line 11.

use std::cell::Cell;
use std::rc::Rc;

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

    /// Whether this flush has to fail.
    pub(crate) fn fails(&self) -> bool {
        let fails = self.0.0.get();
        self.0.1.set(self.0.1.get() + u64::from(fails));
        fails
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

//! Flushes that fail on demand, for contract line 11.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::io::Errno;

/// Decides whether the flushes of a store's files work, and counts them; clones are the same switch. Flushes work until they are told not
/// to.
#[derive(Clone, Debug, Default)]
pub struct FlushSwitch(Arc<State>);

#[derive(Debug, Default)]
struct State {
    failing: AtomicBool,
    failed: AtomicU64,
    asked: AtomicU64,
}

impl FlushSwitch {
    /// From now on every flush fails with an input/output error, or works again.
    pub fn set_failing(&self, failing: bool) {
        self.0.failing.store(failing, Ordering::SeqCst);
    }

    /// How many flushes have failed so far.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::SeqCst)
    }

    /// How many flushes were asked for so far.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Flushes, or fails.
    pub(crate) fn flush(&self, flush: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        if self.0.failing.load(Ordering::SeqCst) {
            self.0.failed.fetch_add(1, Ordering::SeqCst);
            return Err(Errno::IO.into());
        }
        flush()
    }
}

#[cfg(feature = "conformance")]
impl anystorage_conformance::subject::FlushFaults for FlushSwitch {
    fn set_failing(&self, failing: bool) {
        Self::set_failing(self, failing);
    }

    fn failed(&self) -> u64 {
        Self::failed(self)
    }
}

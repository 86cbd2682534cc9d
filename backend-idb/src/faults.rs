//! Commits that go wrong on demand, for contract line 11 and for connections that are lost in the middle of one.

use std::cell::Cell;
use std::rc::Rc;

/// What goes wrong with a durable commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// It fails, as if the disk had.
    Fails,
    /// The connection is lost before it is made.
    LostBefore,
    /// It is made, and the connection is lost before that is told.
    LostAfter,
}

/// Says what goes wrong with the durable commits of a store, and counts how often it did; clones are the same. Nothing does until it is
/// told to.
#[derive(Clone, Debug, Default)]
pub struct CommitFaults(Rc<State>);

#[derive(Debug, Default)]
struct State {
    always: Cell<bool>,
    once: Cell<Option<CommitFault>>,
    count: Cell<u64>,
}

impl CommitFaults {
    /// From now on every durable commit [fails](CommitFault::Fails), or works again.
    pub fn set_failing(&self, failing: bool) {
        self.0.always.set(failing);
    }

    /// Lets the next durable commit go wrong.
    pub fn next(&self, fault: CommitFault) {
        self.0.once.set(Some(fault));
    }

    /// How many commits went wrong so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count.get()
    }

    /// What is to go wrong with the durable commit that is made now.
    pub(crate) fn take(&self) -> Option<CommitFault> {
        let fault = self.0.once.take().or_else(|| self.0.always.get().then_some(CommitFault::Fails));
        self.0.count.set(self.0.count.get() + u64::from(fault.is_some()));
        fault
    }
}

#[cfg(feature = "conformance")]
impl anystorage_conformance::subject::FlushFaults for CommitFaults {
    fn set_failing(&self, failing: bool) {
        Self::set_failing(self, failing);
    }

    fn failed(&self) -> u64 {
        self.count()
    }
}

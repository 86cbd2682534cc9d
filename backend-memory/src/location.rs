//! What the backend and all its open files share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::room::Room;

/// One location: open until it is closed.
#[derive(Debug)]
pub(crate) struct Location {
    room: Arc<Room>,
    revision: AtomicU64,
    closed: AtomicBool,
}

impl Location {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self { room: Arc::new(Room::new(limit)), revision: AtomicU64::new(1), closed: AtomicBool::new(false) }
    }

    pub(crate) const fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// A revision that nothing in this location has had.
    pub(crate) fn next_revision(&self) -> u64 {
        self.revision.fetch_add(1, Ordering::Relaxed)
    }

    /// What every call does first.
    pub(crate) fn check_open(&self, operation: Operation) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, operation).with_text("the backend was closed"));
        }
        Ok(())
    }

    pub(crate) fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(Error::new(ErrorKind::Closed, Operation::Close).with_text("the backend was closed before"));
        }
        Ok(())
    }
}

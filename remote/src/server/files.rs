//! The files that a client has open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Operation, Result, StorageFile};
use tokio::sync::RwLock;

/// No client has more of them open: each takes memory.
const MOST: usize = 1 << 20;

/// A file, until it is closed. Calls on it share it; closing it waits for them.
pub(super) type Slot = Arc<RwLock<Option<Box<dyn StorageFile>>>>;

/// Files by their numbers.
#[derive(Debug, Default)]
pub(super) struct Files(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u64, Slot>,
    last: u64,
}

impl Files {
    pub(super) fn add(&self, file: Box<dyn StorageFile>) -> Result<u64> {
        let mut table = self.table();
        if table.open.len() >= MOST {
            return Err(Error::new(ErrorKind::NoSpace, Operation::Open).with_text(format!("{MOST} files are open: close some")));
        }
        table.last += 1;
        let number = table.last;
        table.open.insert(number, Arc::new(RwLock::new(Some(file))));
        Ok(number)
    }

    pub(super) fn get(&self, number: u64, operation: Operation) -> Result<Slot> {
        self.table().open.get(&number).map(Arc::clone).ok_or_else(|| closed(operation))
    }

    pub(super) fn remove(&self, number: u64) -> Result<Slot> {
        self.table().open.remove(&number).ok_or_else(|| closed(Operation::Close))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That a file is not open, or not any more.
pub(super) fn closed(operation: Operation) -> Error {
    Error::new(ErrorKind::Closed, operation)
}

//! Who has a file open.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The open files of a location, by inode.
///
/// It has a lock of its own, which is never held across a wait: a handle that is dropped cannot wait for the state.
#[derive(Debug, Default)]
pub(crate) struct Handles(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u64, usize>,
    /// Open files that have no name any more.
    removed: HashSet<u64>,
    /// Those of them whose last handle went.
    released: Vec<u64>,
}

impl Handles {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn acquire(&self, ino: u64) {
        *self.table().open.entry(ino).or_default() += 1;
    }

    pub(crate) fn release(&self, ino: u64) {
        let mut table = self.table();
        let Some(count) = table.open.get_mut(&ino) else { return };
        *count -= 1;
        if *count == 0 {
            table.open.remove(&ino);
            if table.removed.remove(&ino) {
                table.released.push(ino);
            }
        }
    }

    pub(crate) fn is_open(&self, ino: u64) -> bool {
        self.table().open.contains_key(&ino)
    }

    /// Says that a file has lost its name. True if it is open, and stays until it is released.
    pub(crate) fn remove(&self, ino: u64) -> bool {
        let mut table = self.table();
        let open = table.open.contains_key(&ino);
        if open {
            table.removed.insert(ino);
        }
        open
    }

    /// A removed file whose last handle went, each of them once.
    pub(crate) fn take_released(&self) -> Option<u64> {
        self.table().released.pop()
    }
}

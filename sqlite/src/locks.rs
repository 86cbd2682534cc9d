//! The locks between the connections of one process: SQLite's five levels for each database file.
//!
//! A location has one holder (contract line 7), so no other process can have the file open, and what the connections of this one know of
//! each other is all there is to know.

use std::collections::BTreeMap;

use anystorage_api::StoragePath;
use rsqlite_vfs::LockLevel;

/// A handle of a database file; no two of a VFS have the same.
pub(crate) type Holder = u64;

/// The locks of the database files that are open.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    files: BTreeMap<StoragePath, Lock>,
}

/// Who has which level of one file. At most one holder is above SHARED, as all rules below together make sure.
#[derive(Debug, Default)]
struct Lock {
    /// Every handle of the file, with its level.
    levels: BTreeMap<Holder, LockLevel>,
}

impl Locks {
    /// Says that `holder` has the file open, without a lock so far.
    pub(crate) fn enter(&mut self, path: &StoragePath, holder: Holder) {
        self.files.entry(path.clone()).or_default().levels.insert(holder, LockLevel::None);
    }

    /// Says that `holder` has closed it; its lock goes with it.
    pub(crate) fn leave(&mut self, path: &StoragePath, holder: Holder) {
        if let Some(lock) = self.files.get_mut(path) {
            lock.levels.remove(&holder);
            if lock.levels.is_empty() {
                self.files.remove(path);
            }
        }
    }

    /// Whether anybody has the file open.
    pub(crate) fn is_open(&self, path: &StoragePath) -> bool {
        self.files.contains_key(path)
    }

    /// Raises the level of `holder` to `wanted`, and says whether that was possible. Where EXCLUSIVE has to wait for readers, PENDING is
    /// kept, which lets no new ones in.
    pub(crate) fn lock(&mut self, path: &StoragePath, holder: Holder, wanted: LockLevel) -> bool {
        let lock = self.files.entry(path.clone()).or_default();
        let own = lock.levels.get(&holder).copied().unwrap_or(LockLevel::None);
        if own >= wanted {
            return true;
        }
        let others = lock.levels.iter().filter(|(other, _)| **other != holder).map(|(_, level)| *level).max().unwrap_or(LockLevel::None);
        let (granted, level) = match wanted {
            LockLevel::None => (true, own),
            LockLevel::Shared => (others < LockLevel::Pending, LockLevel::Shared),
            LockLevel::Reserved => (others < LockLevel::Reserved, LockLevel::Reserved),
            LockLevel::Pending => (others < LockLevel::Reserved, LockLevel::Pending),
            LockLevel::Exclusive if others >= LockLevel::Reserved => (false, own),
            LockLevel::Exclusive if others >= LockLevel::Shared => {
                lock.levels.insert(holder, LockLevel::Pending);
                return false;
            }
            LockLevel::Exclusive => (true, LockLevel::Exclusive),
        };
        if granted {
            lock.levels.insert(holder, level);
        }
        granted
    }

    /// Lowers the level of `holder` to `kept`.
    pub(crate) fn unlock(&mut self, path: &StoragePath, holder: Holder, kept: LockLevel) {
        if let Some(own) = self.files.get_mut(path).and_then(|lock| lock.levels.get_mut(&holder)) {
            *own = (*own).min(kept);
        }
    }

    /// Whether anybody is about to write, or does.
    pub(crate) fn is_reserved(&self, path: &StoragePath) -> bool {
        self.files.get(path).is_some_and(|lock| lock.levels.values().any(|level| *level >= LockLevel::Reserved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LockLevel::{Exclusive, None, Pending, Reserved, Shared};

    fn two() -> (Locks, StoragePath) {
        let (mut locks, path) = (Locks::default(), StoragePath::parse("a").unwrap());
        locks.enter(&path, 1);
        locks.enter(&path, 2);
        (locks, path)
    }

    /// What each level lets another connection have: the table of SQLite's documentation.
    #[test]
    fn each_level_lets_in_what_sqlite_says() {
        for (held, lets) in [
            (None, [true, true, true]),
            (Shared, [true, true, false]),
            (Reserved, [true, false, false]),
            (Pending, [false, false, false]),
            (Exclusive, [false, false, false]),
        ] {
            for (wanted, expected) in [Shared, Reserved, Exclusive].into_iter().zip(lets) {
                let (mut locks, path) = two();
                assert!(held == None || locks.lock(&path, 1, held));
                assert_eq!(locks.lock(&path, 2, wanted), expected, "{held:?}, then {wanted:?}");
            }
        }
    }

    #[test]
    fn who_waits_for_readers_lets_no_new_ones_in() {
        let (mut locks, path) = two();
        locks.enter(&path, 3);
        assert!(locks.lock(&path, 1, Shared) && locks.lock(&path, 2, Shared));
        assert!(!locks.lock(&path, 2, Exclusive));
        assert!(!locks.lock(&path, 3, Shared) && locks.is_reserved(&path));
        locks.unlock(&path, 1, None);
        assert!(locks.lock(&path, 2, Exclusive));
        locks.unlock(&path, 2, Shared);
        assert!(locks.lock(&path, 3, Shared) && !locks.is_reserved(&path));
    }

    #[test]
    fn a_lock_goes_with_its_holder() {
        let (mut locks, path) = two();
        assert!(locks.lock(&path, 1, Exclusive));
        locks.leave(&path, 1);
        assert!(locks.lock(&path, 2, Exclusive));
        locks.leave(&path, 2);
        assert!(!locks.is_open(&path));
    }
}

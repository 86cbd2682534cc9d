//! Which names a directory cannot have, so that the store need not be asked for them.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// So much is remembered, counted in names: about 2 MiB.
const MOST: usize = 1 << 16;

/// A directory takes as much as so many names.
const DIRECTORY: usize = 8;

/// Of directories that were created since the location was opened, the hashes of all names that each was ever given. What is not among
/// them is not there, neither stored nor changed. Of a directory that is not here nothing is known. When there is too much to remember all of
/// it is forgotten: so a large directory that nobody uses any more does not take the place of new ones.
#[derive(Debug, Default)]
pub(crate) struct Names {
    given: HashMap<u64, HashSet<u64>>,
    count: usize,
}

impl Names {
    /// A directory was created, and has no names.
    pub(crate) fn created(&mut self, directory: u64) {
        self.make_room();
        if self.given.insert(directory, HashSet::new()).is_none() {
            self.count += DIRECTORY;
        }
    }

    /// A directory is gone.
    pub(crate) fn forget(&mut self, directory: u64) {
        if let Some(names) = self.given.remove(&directory) {
            self.count -= DIRECTORY + names.len();
        }
    }

    /// A directory is given a name.
    pub(crate) fn given(&mut self, directory: u64, name: &str) {
        if let Some(names) = self.given.get_mut(&directory) {
            self.count += usize::from(names.insert(hash(name)));
            self.make_room();
        }
    }

    fn make_room(&mut self) {
        if self.count >= MOST {
            *self = Self::default();
        }
    }

    /// Whether it is certain that a directory was never given a name.
    pub(crate) fn lacks(&self, directory: u64, name: &str) -> bool {
        self.given.get(&directory).is_some_and(|names| !names.contains(&hash(name)))
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_once_may_be_there_and_what_is_unknown_too() {
        let mut names = Names::default();
        assert!(!names.lacks(7, "a"), "nothing is known of this directory");
        names.created(7);
        assert!(names.lacks(7, "a"));
        names.given(7, "a");
        names.given(7, "a");
        names.given(8, "b");
        assert_eq!([names.lacks(7, "a"), names.lacks(7, "b"), names.lacks(8, "c")], [false, true, false]);
        names.created(9);
        assert_eq!(names.count, 2 * DIRECTORY + 1);
        names.forget(7);
        names.forget(7);
        assert_eq!((names.lacks(7, "b"), names.count), (false, DIRECTORY));
    }

    #[test]
    fn too_much_is_forgotten_and_what_comes_then_is_known_again() {
        let mut names = Names::default();
        names.created(1);
        for number in 0..MOST {
            names.given(1, &number.to_string());
        }
        assert_eq!((names.lacks(1, "x"), names.count), (false, 0));
        names.created(2);
        names.given(1, "x");
        assert_eq!([names.lacks(1, "y"), names.lacks(2, "x")], [false, true]);
        for directory in 3..100_000 {
            names.created(directory);
            assert!(names.count <= MOST && names.lacks(directory, "x"));
        }
    }
}

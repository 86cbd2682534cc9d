//! Which names a directory cannot have, so that the store need not be asked for them.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// So many names and directories are remembered: about 2 MiB.
const MOST: usize = 1 << 16;

/// Of directories that were created since the location was opened, the hashes of all names that each was ever given. What is not among
/// them is not there, neither stored nor changed. Of a directory that is not here nothing is known.
#[derive(Debug, Default)]
pub(crate) struct Names {
    given: HashMap<u64, HashSet<u64>>,
    count: usize,
}

impl Names {
    /// A directory was created, and has no names.
    pub(crate) fn created(&mut self, directory: u64) {
        if self.count < MOST && self.given.insert(directory, HashSet::new()).is_none() {
            self.count += 1;
        }
    }

    /// A directory is gone; or nothing is to be known of it.
    pub(crate) fn forget(&mut self, directory: u64) {
        if let Some(names) = self.given.remove(&directory) {
            self.count -= 1 + names.len();
        }
    }

    /// A directory is given a name.
    pub(crate) fn given(&mut self, directory: u64, name: &str) {
        let Some(names) = self.given.get_mut(&directory) else { return };
        if self.count < MOST {
            self.count += usize::from(names.insert(hash(name)));
        } else {
            self.forget(directory);
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
        assert_eq!(names.count, 3);
        names.forget(7);
        names.forget(7);
        assert_eq!((names.lacks(7, "b"), names.count), (false, 1));
    }

    #[test]
    fn nothing_is_known_of_a_directory_that_has_too_many_names() {
        let mut names = Names::default();
        names.created(1);
        names.created(2);
        names.given(2, "a");
        for number in 0..MOST {
            names.given(1, &number.to_string());
        }
        assert_eq!([names.lacks(1, "x"), names.lacks(2, "x"), names.count <= 2], [false, true, true]);
        names.created(3);
        assert!(names.lacks(3, "x"), "there is room again");
    }
}

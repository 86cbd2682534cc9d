//! Which directories have entries that no flush has covered yet.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{below, parent};

/// The directories, by host path, whose entries changed since their last flush.
#[derive(Debug, Default)]
pub(super) struct DirtyDirs {
    dirs: BTreeMap<String, Dirty>,
    clock: u64,
}

#[derive(Debug)]
struct Dirty {
    /// Names this record wherever its directory moves.
    record: u64,
    /// When the last change was.
    changed: u64,
    /// The other ends of renames into or out of it: flushed along, so that a rename is never durable at one end alone.
    others: BTreeSet<String>,
}

/// One directory to flush.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToFlush {
    pub(super) path: String,
    pub(super) record: u64,
    changed: u64,
}

impl DirtyDirs {
    /// An entry of this directory came, went or was replaced.
    pub(super) fn mark(&mut self, directory: &str) {
        self.clock += 1;
        let now = self.clock;
        match self.dirs.get_mut(directory) {
            Some(dirty) => dirty.changed = now,
            None => {
                let dirty = Dirty { record: now, changed: now, others: BTreeSet::new() };
                self.dirs.insert(directory.to_owned(), dirty);
            }
        }
    }

    /// An entry went from one directory to another.
    pub(super) fn mark_rename(&mut self, from: &str, to: &str) {
        self.mark(from);
        self.mark(to);
        if from != to {
            for (one, other) in [(from, to), (to, from)] {
                if let Some(dirty) = self.dirs.get_mut(one) {
                    dirty.others.insert(other.to_owned());
                }
            }
        }
    }

    /// A directory, with all below it, got another path.
    pub(super) fn moved(&mut self, from: &str, to: &str) {
        let moved = |path: &str| below(path, from).map(|rest| if rest.is_empty() { to.to_owned() } else { format!("{to}/{rest}") });
        self.dirs = std::mem::take(&mut self.dirs)
            .into_iter()
            .map(|(path, mut dirty)| {
                if dirty.others.iter().any(|other| below(other, from).is_some()) {
                    dirty.others = dirty.others.iter().map(|other| moved(other).unwrap_or_else(|| other.clone())).collect();
                }
                (moved(&path).unwrap_or(path), dirty)
            })
            .collect();
    }

    /// A directory is gone, and nothing of it needs to be flushed any more.
    pub(super) fn removed(&mut self, directory: &str) {
        self.dirs.remove(directory);
    }

    /// The dirty ones among those that lead to `path`, and the other ends of their renames.
    pub(super) fn leading_to(&self, path: &str) -> Vec<ToFlush> {
        if self.dirs.is_empty() {
            return Vec::new();
        }
        let mut leading = BTreeSet::new();
        let mut next = path;
        while !next.is_empty() {
            next = parent(next);
            leading.extend(self.dirs.get_key_value(next).map(|(directory, _)| directory.as_str()));
        }
        let others = self.other_ends(&leading);
        let mut list = self.in_order(leading);
        list.extend(self.in_order(others));
        list
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<ToFlush> {
        self.in_order(self.dirs.keys().map(String::as_str).collect())
    }

    /// Those of `wanted` (records) that are still dirty, wherever they are now.
    pub(super) fn still(&self, wanted: &BTreeSet<u64>) -> Vec<ToFlush> {
        self.in_order(self.dirs.iter().filter(|(_, dirty)| wanted.contains(&dirty.record)).map(|(path, _)| path.as_str()).collect())
    }

    /// A flush of `flushed.path` returned. False if another directory has come to that path meanwhile.
    pub(super) fn flushed(&mut self, flushed: &ToFlush) -> bool {
        match self.dirs.get(&flushed.path) {
            Some(dirty) if dirty.record == flushed.record => {
                if dirty.changed == flushed.changed {
                    self.dirs.remove(&flushed.path);
                }
                true
            }
            _ => false,
        }
    }

    /// Whether the record is still at that path.
    pub(super) fn is_at(&self, entry: &ToFlush) -> bool {
        self.dirs.get(&entry.path).is_some_and(|dirty| dirty.record == entry.record)
    }

    fn other_ends<'s>(&'s self, leading: &BTreeSet<&'s str>) -> BTreeSet<&'s str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = leading.iter().copied().collect();
        while let Some(next) = open.pop() {
            let others = self.dirs.get(next).into_iter().flat_map(|dirty| &dirty.others);
            for other in others.filter_map(|other| self.dirs.get_key_value(other)).map(|(path, _)| path.as_str()) {
                if !leading.contains(other) && found.insert(other) {
                    open.push(other);
                }
            }
        }
        found
    }

    /// The deepest first: what a directory holds is durable before its own name is.
    fn in_order(&self, paths: BTreeSet<&str>) -> Vec<ToFlush> {
        let depth = |path: &str| if path.is_empty() { 0 } else { 1 + path.matches('/').count() };
        let mut list: Vec<ToFlush> = paths
            .into_iter()
            .filter_map(|path| self.dirs.get(path).map(|dirty| (path, dirty)))
            .map(|(path, dirty)| ToFlush { path: path.to_owned(), record: dirty.record, changed: dirty.changed })
            .collect();
        list.sort_by_key(|entry| std::cmp::Reverse(depth(&entry.path)));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(list: &[ToFlush]) -> Vec<&str> {
        list.iter().map(|entry| entry.path.as_str()).collect()
    }

    #[test]
    fn only_what_leads_there_deepest_first() {
        let mut dirs = DirtyDirs::default();
        for dir in ["", "a", "a/b", "c", "a/b/x/y"] {
            dirs.mark(dir);
        }
        assert_eq!(paths(&dirs.leading_to("a/b/x/f")), ["a/b", "a", ""]);
        assert_eq!(paths(&dirs.all()), ["a/b/x/y", "a/b", "a", "c", ""]);
    }

    #[test]
    fn both_ends_of_a_rename_go_together_also_after_a_move() {
        let mut dirs = DirtyDirs::default();
        dirs.mark_rename("from", "to");
        assert_eq!(paths(&dirs.leading_to("to/f")), ["to", "from"]);
        dirs.moved("from", "elsewhere/from");
        assert_eq!(paths(&dirs.leading_to("to/f")), ["to", "elsewhere/from"]);
    }

    #[test]
    fn a_change_during_the_flush_stays_dirty() {
        let mut dirs = DirtyDirs::default();
        dirs.mark("a");
        let before = dirs.all();
        dirs.mark("a");
        assert!(dirs.flushed(&before[0]));
        assert_eq!(paths(&dirs.all()), ["a"]);
        assert!(dirs.flushed(&dirs.all()[0]));
        assert!(dirs.all().is_empty());
    }

    #[test]
    fn a_flush_of_another_directory_at_the_same_path_does_not_count() {
        let mut dirs = DirtyDirs::default();
        dirs.mark("a");
        let before = dirs.all();
        dirs.moved("a", "b");
        dirs.mark("a");
        assert!(!dirs.flushed(&before[0]));
        assert_eq!(paths(&dirs.still(&BTreeSet::from([before[0].record]))), ["b"]);
    }
}

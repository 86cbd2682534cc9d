//! The directory entries: as callers see them, as they are durable, and the operations between the two.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::Chooser;

/// The inode of the root directory.
pub(super) const ROOT: u64 = 1;

/// Where an entry leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) inode: u64,
    pub(super) is_directory: bool,
}

pub(super) type Entries = BTreeMap<String, Entry>;

/// The entries of every directory, by inode.
type Directories = BTreeMap<u64, Entries>;

/// Gives a name in a directory another meaning.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) directory: u64,
    pub(super) name: String,
    pub(super) entry: Option<Entry>,
}

/// One atomic operation on names: all its edits survive or none.
#[derive(Clone, Debug)]
struct Step {
    edits: Vec<Edit>,
    /// The directories within which it keeps its place in the order: those it edits, and a directory that it moves or removes.
    ordered_in: BTreeSet<u64>,
}

impl Step {
    fn edits(&self, directory: u64) -> bool {
        self.edits.iter().any(|edit| edit.directory == directory)
    }

    fn apply(&self, directories: &mut Directories) {
        for edit in &self.edits {
            let entries = directories.entry(edit.directory).or_default();
            match edit.entry {
                Some(entry) => {
                    entries.insert(edit.name.clone(), entry);
                    if entry.is_directory {
                        directories.entry(entry.inode).or_default();
                    }
                }
                None => {
                    entries.remove(&edit.name);
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Names {
    live: Directories,
    durable: Directories,
    pending: Vec<Step>,
}

impl Names {
    pub(super) fn new() -> Self {
        let root = Directories::from([(ROOT, Entries::new())]);
        Self { live: root.clone(), durable: root, pending: Vec::new() }
    }

    pub(super) fn entries(&self, directory: u64) -> Option<&Entries> {
        self.live.get(&directory)
    }

    pub(super) fn entry(&self, directory: u64, name: &str) -> Option<Entry> {
        self.live.get(&directory)?.get(name).copied()
    }

    /// Does one operation. `moved` are directories that it moves or removes themselves.
    pub(super) fn change(&mut self, edits: Vec<Edit>, moved: &[u64]) {
        let ordered_in = edits.iter().map(|edit| edit.directory).chain(moved.iter().copied()).collect();
        let step = Step { edits, ordered_in };
        step.apply(&mut self.live);
        self.pending.push(step);
    }

    /// fsync of a directory: what edited it is durable, with everything that has to come before.
    pub(super) fn sync(&mut self, directory: u64) {
        let mut needed = BTreeSet::new();
        let mut durable: Vec<bool> = Vec::new();
        for step in self.pending.iter().rev() {
            let goes = step.edits(directory) || !step.ordered_in.is_disjoint(&needed);
            if goes {
                needed.extend(&step.ordered_in);
            }
            durable.push(goes);
        }
        durable.reverse();
        let mut goes = durable.into_iter();
        let durable = &mut self.durable;
        self.pending.retain(|step| {
            let goes = goes.next().unwrap_or(false);
            if goes {
                step.apply(durable);
            }
            !goes
        });
    }

    /// The names as a cut may leave them: of the operations that are not durable, each one only if all that come before it in one of its
    /// directories have survived too.
    pub(super) fn after_cut(&self, chooser: &mut Chooser) -> Self {
        let mut directories = self.durable.clone();
        let mut lost = BTreeSet::new();
        for step in &self.pending {
            if step.ordered_in.is_disjoint(&lost) && chooser.keeps_name() {
                step.apply(&mut directories);
            } else {
                lost.extend(&step.ordered_in);
            }
        }
        let mut reached = Directories::new();
        let mut work = vec![ROOT];
        while let Some(inode) = work.pop() {
            let entries = directories.remove(&inode).unwrap_or_default();
            work.extend(entries.values().filter(|entry| entry.is_directory).map(|entry| entry.inode));
            reached.insert(inode, entries);
        }
        Self { live: reached.clone(), durable: reached, pending: Vec::new() }
    }

    /// The inodes that have a name.
    pub(super) fn named(&self) -> impl Iterator<Item = u64> {
        self.live.values().flat_map(Entries::values).map(|entry| entry.inode)
    }
}

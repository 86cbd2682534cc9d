//! The tree of a location: which file each path leads to.

use std::collections::BTreeMap;
use std::ops::Bound;

use anystorage_api::{DirEntry, Error, ErrorKind, FileKind, Operation, Result, StoragePath};

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Directory,
    /// The file of this number.
    File(u32),
}

/// All paths but the root, which is always a directory. What lies below a directory has its path and a `/` before its own: those are next to
/// one another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(BTreeMap<String, Entry>);

impl Names {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, each directory before what lies in it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), *entry))
    }

    /// The numbers of all files.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.values().filter_map(|entry| if let Entry::File(number) = entry { Some(*number) } else { None })
    }

    /// The path that leads to this file.
    pub(crate) fn path_of(&self, number: u32) -> Option<StoragePath> {
        let (path, _) = self.0.iter().find(|(_, entry)| **entry == Entry::File(number))?;
        StoragePath::parse(path).ok()
    }

    /// What is at a path, whatever leads there.
    pub(crate) fn at(&self, path: &StoragePath) -> Option<Entry> {
        if path.is_root() { Some(Entry::Directory) } else { self.0.get(path.as_str()).copied() }
    }

    /// What is at a path; none if nothing is and something could be.
    pub(crate) fn find(&self, path: &StoragePath, operation: Operation) -> Result<Option<Entry>> {
        if let found @ Some(_) = self.at(path) {
            return Ok(found);
        }
        for above in path.ancestors() {
            match self.at(&above) {
                Some(Entry::Directory) => {}
                Some(Entry::File(_)) => return Err(Error::new(ErrorKind::NotADirectory, operation).with_path(path)),
                None => return Err(Error::new(ErrorKind::NotFound, operation).with_path(path)),
            }
        }
        Ok(None)
    }

    /// What was at the path before.
    pub(crate) fn insert(&mut self, path: &StoragePath, entry: Entry) -> Option<Entry> {
        self.0.insert(path.as_str().to_owned(), entry)
    }

    pub(crate) fn remove(&mut self, path: &StoragePath) -> Option<Entry> {
        self.0.remove(path.as_str())
    }

    /// What lies below a directory, however deep: the rest of the path, and the entry.
    fn below(&self, directory: &StoragePath) -> impl Iterator<Item = (&str, Entry)> {
        let prefix = if directory.is_root() { String::new() } else { format!("{directory}/") };
        let from = self.0.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let len = prefix.len();
        from.take_while(move |(path, _)| path.starts_with(&prefix)).filter_map(move |(path, entry)| Some((path.get(len..)?, *entry)))
    }

    pub(crate) fn is_empty_directory(&self, directory: &StoragePath) -> bool {
        self.below(directory).next().is_none()
    }

    /// The entries of a directory behind `after`, at most `limit`, by name.
    pub(crate) fn page(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Vec<DirEntry> {
        let inside = self.below(directory).filter(|(name, _)| !name.contains('/') && after.is_none_or(|after| *name > after));
        let kind = |entry| if entry == Entry::Directory { FileKind::Directory } else { FileKind::File };
        inside.take(limit).map(|(name, entry)| DirEntry::new(name, kind(entry))).collect()
    }

    /// Gives what is at `from`, with all that lies below, the path `to`, which is free; all that has moved, by its new paths.
    ///
    /// # Errors
    /// [`InvalidPath`](ErrorKind::InvalidPath) if a path gets too long: then nothing has moved.
    pub(crate) fn rename(&mut self, from: &StoragePath, to: &StoragePath) -> Result<Vec<(StoragePath, Entry)>> {
        let mut moved = Vec::new();
        for (rest, entry) in self.below(from) {
            moved.push((from.join_path(&StoragePath::parse(rest)?)?, to.join_path(&StoragePath::parse(rest)?)?, entry));
        }
        if let Some(entry) = self.at(from) {
            moved.push((from.clone(), to.clone(), entry));
        }
        for (from, _, _) in &moved {
            self.remove(from);
        }
        let moved: Vec<_> = moved.into_iter().map(|(_, to, entry)| (to, entry)).collect();
        for (to, entry) in &moved {
            self.insert(to, *entry);
        }
        Ok(moved)
    }
}

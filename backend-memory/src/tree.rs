//! Directories and the names in them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use anystorage_api::{DirEntry, Error, ErrorKind, FileKind, Metadata, Operation, Result, StoragePath};

use crate::inode::Inode;
use crate::location::Location;

/// What a name stands for.
#[derive(Debug)]
pub(crate) enum Node {
    File(Arc<Inode>),
    Directory(Directory),
}

/// A directory: the root, or below it.
#[derive(Debug)]
pub(crate) struct Directory {
    entries: BTreeMap<String, Node>,
    revision: u64,
}

/// A call on the tree, for its errors.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    pub(crate) path: &'a StoragePath,
}

impl Call<'_> {
    pub(crate) fn error(self, kind: ErrorKind) -> Error {
        Error::new(kind, self.operation).with_path(self.path)
    }
}

impl Node {
    pub(crate) const fn kind(&self) -> FileKind {
        match self {
            Self::File(_) => FileKind::File,
            Self::Directory(_) => FileKind::Directory,
        }
    }

    pub(crate) fn metadata(&self) -> Metadata {
        match self {
            Self::File(inode) => inode.metadata(),
            Self::Directory(directory) => directory.metadata(),
        }
    }
}

impl Directory {
    pub(crate) fn new(location: &Location) -> Self {
        Self { entries: BTreeMap::new(), revision: location.next_revision() }
    }

    /// The directory at `path`, seen from here: every part must be there and be a directory.
    pub(crate) fn directory(&self, path: &str, call: Call<'_>) -> Result<&Self> {
        parts(path).try_fold(self, |directory, name| match directory.entries.get(name) {
            Some(Node::Directory(next)) => Ok(next),
            Some(Node::File(_)) => Err(call.error(ErrorKind::NotADirectory)),
            None => Err(call.error(ErrorKind::NotFound)),
        })
    }

    fn directory_mut(&mut self, path: &str, call: Call<'_>) -> Result<&mut Self> {
        parts(path).try_fold(self, |directory, name| match directory.entries.get_mut(name) {
            Some(Node::Directory(next)) => Ok(next),
            Some(Node::File(_)) => Err(call.error(ErrorKind::NotADirectory)),
            None => Err(call.error(ErrorKind::NotFound)),
        })
    }

    /// The directory that holds `path`, and the name in it; none for the root.
    pub(crate) fn holder<'a, 'p>(&'a self, path: &'p StoragePath, call: Call<'_>) -> Result<Option<(&'a Self, &'p str)>> {
        let Some((parent, name)) = split(path) else {
            return Ok(None);
        };
        Ok(Some((self.directory(parent, call)?, name)))
    }

    /// As [`Self::holder`], to change it.
    pub(crate) fn holder_mut<'a, 'p>(&'a mut self, path: &'p StoragePath, call: Call<'_>) -> Result<Option<(&'a mut Self, &'p str)>> {
        let Some((parent, name)) = split(path) else {
            return Ok(None);
        };
        Ok(Some((self.directory_mut(parent, call)?, name)))
    }

    /// What `name` stands for here.
    pub(crate) fn entry(&self, name: &str) -> Option<&Node> {
        self.entries.get(name)
    }

    pub(crate) const fn metadata(&self) -> Metadata {
        Metadata::directory().with_revision(self.revision)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives `name` to `node`; what had the name before is returned.
    pub(crate) fn insert(&mut self, name: &str, node: Node, location: &Location) -> Option<Node> {
        self.revision = location.next_revision();
        self.entries.insert(name.to_owned(), node)
    }

    /// Takes `name` away.
    pub(crate) fn remove(&mut self, name: &str, location: &Location) -> Option<Node> {
        self.revision = location.next_revision();
        self.entries.remove(name)
    }

    /// The entries behind `after`, at most `limit`.
    pub(crate) fn page(&self, after: Option<&str>, limit: usize) -> Vec<DirEntry> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.entries.range::<str, _>((from, Bound::Unbounded));
        behind.take(limit).map(|(name, node)| DirEntry::new(name, node.kind())).collect()
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// The path of the directory, and the name in it; without the copies that [`StoragePath::parent`] makes.
fn split(path: &StoragePath) -> Option<(&str, &str)> {
    let path = path.as_str();
    (!path.is_empty()).then(|| path.rsplit_once('/').unwrap_or(("", path)))
}

/// Without recursion: renames can build trees deeper than any path, and the stack is not.
impl Drop for Directory {
    fn drop(&mut self) {
        let mut pending = vec![std::mem::take(&mut self.entries)];
        while let Some(entries) = pending.pop() {
            for node in entries.into_values() {
                if let Node::Directory(mut directory) = node {
                    pending.push(std::mem::take(&mut directory.entries));
                }
            }
        }
    }
}

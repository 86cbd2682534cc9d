use std::collections::BTreeMap;
use std::collections::btree_map;

use anystorage_api::{Error, ErrorKind, FileKind, Operation, Result, StorageBackend, StoragePath};

/// What is at a path of a [`Tree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// A file with these bytes.
    File(Vec<u8>),
}

/// All that a location holds, the root itself not among it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<StoragePath, Node>);

impl Tree {
    /// An empty location.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Reads everything that `backend` has.
    ///
    /// # Errors
    /// What the backend answers; [`ErrorKind::Corrupt`] for an entry that is neither a file nor a directory or cannot be addressed.
    pub async fn observe(backend: &dyn StorageBackend) -> Result<Self> {
        const PAGE: usize = 256;
        let mut tree = Self::new();
        let mut directories = vec![StoragePath::root()];
        while let Some(directory) = directories.pop() {
            let mut after: Option<String> = None;
            loop {
                let page = backend.list(&directory, after.as_deref(), PAGE).await?;
                let last = page.len() < PAGE;
                after = page.last().map(|entry| entry.name.clone()).or(after);
                for entry in page {
                    let path = directory.join(&entry.name)?;
                    let node = match entry.kind {
                        FileKind::Directory if entry.addressable => {
                            directories.push(path.clone());
                            Node::Directory
                        }
                        FileKind::File if entry.addressable => Node::File(backend.read(&path).await?),
                        other => {
                            let text = format!("found something that nobody put there: {}", other.as_str());
                            return Err(Error::new(ErrorKind::Corrupt, Operation::List).with_path(&path).with_text(text));
                        }
                    };
                    tree.insert(path, node);
                }
                if last {
                    break;
                }
            }
        }
        Ok(tree)
    }

    /// Puts something at a path, and returns what was there.
    pub fn insert(&mut self, path: StoragePath, node: Node) -> Option<Node> {
        self.0.insert(path, node)
    }

    /// What is at a path.
    #[must_use]
    pub fn get(&self, path: &StoragePath) -> Option<&Node> {
        self.0.get(path)
    }

    /// Every path with what is there, a directory before what it holds.
    pub fn iter(&self) -> btree_map::Iter<'_, StoragePath, Node> {
        self.0.iter()
    }

    /// How many files and directories there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it as bytes, to be sent elsewhere.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut field = |field: &[u8]| {
            bytes.extend_from_slice(&(field.len() as u64).to_le_bytes());
            bytes.extend_from_slice(field);
        };
        for (path, node) in self {
            field(path.as_str().as_bytes());
            match node {
                Node::Directory => field(DIRECTORY),
                Node::File(content) => {
                    field(FILE);
                    field(content);
                }
            }
        }
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) made; none if these are other bytes.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut tree = Self::new();
        let mut field = || {
            let (len, rest) = bytes.split_first_chunk::<8>()?;
            let (field, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
            bytes = rest;
            Some(field)
        };
        while let Some(path) = field() {
            let path = StoragePath::parse(std::str::from_utf8(path).ok()?).ok()?;
            let node = match field()? {
                DIRECTORY => Node::Directory,
                FILE => Node::File(field()?.to_vec()),
                _ => return None,
            };
            tree.insert(path, node);
        }
        bytes.is_empty().then_some(tree)
    }
}

/// What stands for a kind in [`Tree::to_bytes`].
const DIRECTORY: &[u8] = b"d";
const FILE: &[u8] = b"f";

impl<'a> IntoIterator for &'a Tree {
    type Item = (&'a StoragePath, &'a Node);
    type IntoIter = btree_map::Iter<'a, StoragePath, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_comes_back_from_its_bytes() {
        let path = |text: &str| StoragePath::parse(text).unwrap_or_default();
        let mut tree = Tree::new();
        assert_eq!(Tree::from_bytes(&tree.to_bytes()), Some(tree.clone()));
        tree.insert(path("d"), Node::Directory);
        tree.insert(path("d/\u{1f5c4} f"), Node::File(vec![0, 1, 255]));
        tree.insert(path("e"), Node::File(Vec::new()));
        let bytes = tree.to_bytes();
        assert_eq!(Tree::from_bytes(&bytes), Some(tree));
        for cut in 1..bytes.len() {
            let cut_off = bytes.get(..cut).and_then(Tree::from_bytes);
            assert!(cut_off.is_none_or(|tree| tree.len() < 3), "{cut}");
        }
    }
}

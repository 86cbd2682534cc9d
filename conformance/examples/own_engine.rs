//! A whole engine of one's own: a map from paths to what is there, gone with the instance.
//!
//! `cargo run -p anystorage-conformance --example own_engine` runs the suite on it and shows every case. The last line of this file does
//! the same as tests: `cargo test -p anystorage-conformance --example own_engine`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath,
    engine,
};
use anystorage_conformance::report::CaseReport;
use anystorage_conformance::subject;
use anystorage_conformance::suite::{self, Options};
use futures_lite::future::block_on;

/// The engine. Its files share the map, because closing the engine closes them.
#[derive(Debug)]
pub(crate) struct Shelf(Arc<Mutex<Map>>);

#[derive(Debug)]
struct Map {
    nodes: BTreeMap<StoragePath, Node>,
    changes: u64,
    closed: bool,
}

#[derive(Debug)]
enum Node {
    Directory { revision: u64 },
    File(Arc<Mutex<Content>>),
}

/// In blocks, because a hole takes no room: offsets beyond 4 GiB must work.
#[derive(Debug, Default)]
struct Content {
    blocks: BTreeMap<u64, Vec<u8>>,
    len: u64,
    revision: u64,
}

/// One open file. It holds the content, not the path: so it follows a rename and outlives a removal.
#[derive(Debug)]
struct Handle {
    map: Arc<Mutex<Map>>,
    content: Arc<Mutex<Content>>,
    options: OpenOptions,
    opened_as: StoragePath,
}

const BLOCK: u64 = 4096;

impl Shelf {
    pub(crate) fn new() -> Self {
        let nodes = BTreeMap::from([(StoragePath::root(), Node::Directory { revision: 0 })]);
        Self(Arc::new(Mutex::new(Map { nodes, changes: 0, closed: false })))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_open(map: &Mutex<Map>, operation: Operation) -> Result<MutexGuard<'_, Map>> {
    let map = lock(map);
    if map.closed { Err(Error::new(ErrorKind::Closed, operation)) } else { Ok(map) }
}

impl Map {
    /// What is at `path`, if anything; everything that leads to it must be a directory.
    fn node(&self, path: &StoragePath, operation: Operation) -> Result<Option<&Node>> {
        for above in path.ancestors() {
            let kind = match self.nodes.get(&above) {
                Some(Node::Directory { .. }) => continue,
                Some(Node::File(_)) => ErrorKind::NotADirectory,
                None => ErrorKind::NotFound,
            };
            return Err(Error::new(kind, operation).with_path(path));
        }
        Ok(self.nodes.get(path))
    }

    fn next_revision(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }

    /// Puts a node in place or takes it away, which changes the directory that holds it.
    fn set(&mut self, path: &StoragePath, node: Option<Node>) -> Option<Node> {
        let changed = self.next_revision();
        if let Some(Node::Directory { revision }) = path.parent().and_then(|parent| self.nodes.get_mut(&parent)) {
            *revision = changed;
        }
        match node {
            Some(node) => self.nodes.insert(path.clone(), node),
            None => self.nodes.remove(path),
        }
    }
}

impl Content {
    fn metadata(&self) -> Metadata {
        Metadata::file(self.len).with_revision(self.revision)
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> usize {
        let count = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        let (mut at, mut rest) = (offset, buf.get_mut(..count).unwrap_or_default());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at_mut(rest.len().min((BLOCK - at % BLOCK) as usize));
            let block = self.blocks.get(&(at / BLOCK)).and_then(|block| block.get((at % BLOCK) as usize..));
            match block.and_then(|bytes| bytes.get(..piece.len())) {
                Some(bytes) => piece.copy_from_slice(bytes),
                None => piece.fill(0),
            }
            at += piece.len() as u64;
            rest = behind;
        }
        count
    }

    fn write(&mut self, offset: u64, data: &[u8]) {
        let (mut at, mut rest) = (offset, data);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min((BLOCK - at % BLOCK) as usize));
            let block = self.blocks.entry(at / BLOCK).or_insert_with(|| vec![0; BLOCK as usize]);
            if let Some(bytes) = block.get_mut((at % BLOCK) as usize..).and_then(|bytes| bytes.get_mut(..piece.len())) {
                bytes.copy_from_slice(piece);
            }
            at += piece.len() as u64;
            rest = behind;
        }
        self.len = self.len.max(at);
    }

    fn set_len(&mut self, len: u64) {
        self.blocks.split_off(&len.div_ceil(BLOCK));
        if let Some(rest) = self.blocks.get_mut(&(len / BLOCK)).and_then(|block| block.get_mut((len % BLOCK) as usize..)) {
            rest.fill(0);
        }
        self.len = len;
    }
}

#[engine]
impl StorageBackend for Shelf {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new().immediate(true)
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let mut map = lock_open(&self.0, Operation::Open)?;
        options.check(path)?;
        let error = |kind| Err(Error::new(kind, Operation::Open).with_path(path));
        let content = match map.node(path, Operation::Open)? {
            Some(_) if options.is_create_new() => return error(ErrorKind::AlreadyExists),
            Some(Node::Directory { .. }) => return error(ErrorKind::IsADirectory),
            Some(Node::File(content)) => Arc::clone(content),
            None if !options.is_create() => return error(ErrorKind::NotFound),
            None => {
                let content = Arc::new(Mutex::new(Content { revision: map.next_revision(), ..Content::default() }));
                map.set(path, Some(Node::File(Arc::clone(&content))));
                content
            }
        };
        let file = Handle { map: Arc::clone(&self.0), content, options: *options, opened_as: path.clone() };
        drop(map);
        if options.is_truncate() {
            file.change(|content| content.set_len(0));
        }
        Ok(Box::new(file))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        match lock_open(&self.0, Operation::Stat)?.node(path, Operation::Stat)? {
            Some(Node::Directory { revision }) => Ok(Metadata::directory().with_revision(*revision)),
            Some(Node::File(content)) => Ok(lock(content).metadata()),
            None => Err(Error::new(ErrorKind::NotFound, Operation::Stat).with_path(path)),
        }
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let map = lock_open(&self.0, Operation::List)?;
        let kind = match map.node(directory, Operation::List)? {
            Some(Node::Directory { .. }) => {
                let inside = map.nodes.iter().filter(|(path, _)| path.parent().as_ref() == Some(directory));
                let named = inside.filter_map(|(path, node)| Some((path.file_name()?, node)));
                let behind = named.filter(|(name, _)| after.is_none_or(|after| *name > after));
                let entry = |(name, node): (&str, &Node)| match node {
                    Node::Directory { .. } => DirEntry::new(name, FileKind::Directory),
                    Node::File(_) => DirEntry::new(name, FileKind::File),
                };
                return Ok(behind.take(limit).map(entry).collect());
            }
            Some(Node::File(_)) => ErrorKind::NotADirectory,
            None => ErrorKind::NotFound,
        };
        Err(Error::new(kind, Operation::List).with_path(directory))
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        let mut map = lock_open(&self.0, Operation::CreateDir)?;
        if map.node(path, Operation::CreateDir)?.is_some() {
            return Err(Error::new(ErrorKind::AlreadyExists, Operation::CreateDir).with_path(path));
        }
        let revision = map.next_revision();
        map.set(path, Some(Node::Directory { revision }));
        Ok(())
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        let mut map = lock_open(&self.0, Operation::RemoveFile)?;
        let kind = match map.node(path, Operation::RemoveFile)? {
            Some(Node::File(_)) => {
                map.set(path, None);
                return Ok(());
            }
            Some(Node::Directory { .. }) => ErrorKind::IsADirectory,
            None => ErrorKind::NotFound,
        };
        Err(Error::new(kind, Operation::RemoveFile).with_path(path))
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        let mut map = lock_open(&self.0, Operation::RemoveDir)?;
        let kind = match map.node(path, Operation::RemoveDir)? {
            _ if path.is_root() => ErrorKind::InvalidInput,
            Some(Node::File(_)) => ErrorKind::NotADirectory,
            Some(_) if map.nodes.keys().any(|below| below != path && below.starts_with(path)) => ErrorKind::DirectoryNotEmpty,
            None => ErrorKind::NotFound,
            Some(Node::Directory { .. }) => {
                map.set(path, None);
                return Ok(());
            }
        };
        Err(Error::new(kind, Operation::RemoveDir).with_path(path))
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let mut map = lock_open(&self.0, Operation::Rename)?;
        let error = |kind, path| Err(Error::new(kind, Operation::Rename).with_path(path));
        if from.is_root() || to.is_root() {
            return error(ErrorKind::InvalidInput, from);
        }
        let is_directory = match map.node(from, Operation::Rename)? {
            None => return error(ErrorKind::NotFound, from),
            Some(_) if from == to => return Ok(()),
            Some(node) => matches!(node, Node::Directory { .. }),
        };
        if is_directory && to.starts_with(from) {
            return error(ErrorKind::InvalidInput, from);
        }
        match (is_directory, map.node(to, Operation::Rename)?) {
            (true, Some(Node::Directory { .. })) => return error(ErrorKind::AlreadyExists, to),
            (true, Some(Node::File(_))) => return error(ErrorKind::NotADirectory, to),
            (false, Some(Node::Directory { .. })) => return error(ErrorKind::IsADirectory, to),
            (_, None) | (false, Some(Node::File(_))) => {}
        }
        let moving = |old: &StoragePath| Some(old.strip_prefix(from)?).map(|tail| Ok((old.clone(), to.join_path(&tail)?)));
        let moves = map.nodes.keys().filter_map(moving).collect::<Result<Vec<_>>>()?;
        for (old, new) in moves {
            let node = map.set(&old, None);
            map.set(&new, node);
        }
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        lock_open(&self.0, Operation::Sync).map(drop)
    }

    async fn close(&self) -> Result<()> {
        lock_open(&self.0, Operation::Close)?.closed = true;
        Ok(())
    }
}

impl Handle {
    fn error(&self, kind: ErrorKind, operation: Operation) -> Error {
        Error::new(kind, operation).with_path(&self.opened_as)
    }

    fn check_open(&self, operation: Operation) -> Result<()> {
        if lock(&self.map).closed { Err(self.error(ErrorKind::Closed, operation)) } else { Ok(()) }
    }

    /// Refuses changes of a file that was opened for reading, and those that end beyond the longest file there can be.
    fn check_change(&self, end: Option<u64>, operation: Operation) -> Result<()> {
        self.check_open(operation)?;
        if !self.options.is_write() {
            return Err(self.error(ErrorKind::PermissionDenied, operation));
        }
        match end {
            Some(end) if end <= Capabilities::new().max_file_len => Ok(()),
            _ => Err(self.error(ErrorKind::InvalidInput, operation)),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Content)) {
        let revision = lock(&self.map).next_revision();
        let mut content = lock(&self.content);
        content.revision = revision;
        change(&mut content);
    }
}

#[engine]
impl StorageFile for Handle {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.check_open(Operation::Read)?;
        if !self.options.is_read() {
            return Err(self.error(ErrorKind::PermissionDenied, Operation::Read));
        }
        Ok(lock(&self.content).read(offset, buf))
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.check_change(offset.checked_add(data.len() as u64), Operation::Write)?;
        if !data.is_empty() {
            self.change(|content| content.write(offset, data));
        }
        Ok(())
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        self.check_change(Some(len), Operation::SetLen)?;
        self.change(|content| content.set_len(len));
        Ok(())
    }

    async fn stat(&self) -> Result<Metadata> {
        self.check_open(Operation::Stat)?;
        Ok(lock(&self.content).metadata())
    }

    async fn sync(&self) -> Result<()> {
        self.check_open(Operation::Sync)
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.check_open(Operation::Close)
    }
}

fn main() {
    let shelf = subject::from_fn("shelf", |_place| async { Ok(Shelf::new()) });
    let mut tell = |case: &CaseReport| println!("line {:2}  {:7?}  {}  {}", case.line, case.status, case.name, case.detail);
    block_on(suite::run(&shelf, &Options::new(), None, &mut tell));
}

#[cfg(test)]
anystorage_conformance::suite!(|_place: String| async { Ok(Shelf::new()) });

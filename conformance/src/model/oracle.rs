//! What every call must answer: the contract as the plainest code that could hold it. Files are nodes with a number, directories are maps
//! from names to numbers, and handles are numbers too; nothing is shared with any engine.

use std::collections::BTreeMap;

use anystorage_api::{Capabilities, DirEntry, ErrorKind, FileKind, OpenOptions};

use super::call::SLOTS;
use super::sparse::{Fnv, Sparse};

/// The root's number.
pub(crate) const ROOT: u64 = 0;

/// What a call may answer: the value, or an error of one of these kinds. Both, where the contract leaves it open; several kinds, where
/// several things are wrong at once.
#[derive(Clone, Debug)]
pub(crate) struct Expected<T> {
    pub(crate) value: Option<T>,
    pub(crate) errors: Vec<ErrorKind>,
}

impl<T> Expected<T> {
    fn value(value: T) -> Self {
        Self { value: Some(value), errors: Vec::new() }
    }

    fn error(kind: ErrorKind) -> Self {
        Self { value: None, errors: vec![kind] }
    }

    fn or(mut self, kind: ErrorKind) -> Self {
        self.errors.push(kind);
        self
    }

    fn of(outcome: Result<T, ErrorKind>) -> Self {
        outcome.map_or_else(Self::error, Self::value)
    }
}

#[derive(Clone, Debug)]
enum Content {
    File(Sparse),
    Directory(BTreeMap<String, u64>),
}

/// A file or a directory.
#[derive(Clone, Debug)]
struct Node {
    content: Content,
    /// Counts the changes of bytes, length or entries.
    version: u64,
    /// Counts whatever an engine may take for a change: also bytes written over with equal ones, and renames.
    touched: u64,
}

/// What `stat` must answer, and what a revision is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) node: u64,
    pub(crate) kind: FileKind,
    pub(crate) len: u64,
    pub(crate) version: u64,
    pub(crate) touched: u64,
    pub(crate) fingerprint: u64,
}

#[derive(Clone, Copy, Debug)]
struct Handle {
    node: u64,
    options: OpenOptions,
}

/// The state of a location.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    nodes: BTreeMap<u64, Node>,
    handles: [Option<Handle>; SLOTS],
    max_name_len: usize,
    max_file_len: u64,
}

type Outcome<T> = Result<T, ErrorKind>;

impl Oracle {
    pub(crate) fn new(capabilities: &Capabilities) -> Self {
        let root = Node { content: Content::Directory(BTreeMap::new()), version: 0, touched: 0 };
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            handles: [None; SLOTS],
            max_name_len: capabilities.max_name_len,
            max_file_len: capabilities.max_file_len,
        }
    }

    pub(crate) fn open(&mut self, slot: usize, path: &str, options: &OpenOptions) -> Expected<()> {
        let contradictory =
            (!options.is_read() && !options.is_write()) || (!options.is_write() && (options.is_create() || options.is_truncate()));
        if contradictory {
            return Expected::error(ErrorKind::InvalidInput);
        }
        let node = match self.find(path) {
            Ok(_) if options.is_create_new() => return Expected::error(ErrorKind::AlreadyExists),
            Ok(node) if self.is_dir(node) => return Expected::error(ErrorKind::IsADirectory),
            Ok(node) => {
                if options.is_truncate() {
                    self.change_file(node, |file| file.set_len(0));
                }
                node
            }
            Err(ErrorKind::NotFound) if options.is_create() => match self.find_parent(path) {
                Ok((parent, name)) => self.add(parent, &name, Content::File(Sparse::default())),
                Err(kind) => return Expected::error(kind),
            },
            Err(kind) => return Expected::error(kind),
        };
        if let Some(handle) = self.handles.get_mut(slot) {
            *handle = Some(Handle { node, options: *options });
        }
        Expected::value(())
    }

    pub(crate) fn has_handle(&self, slot: usize) -> bool {
        self.handle(slot).is_some()
    }

    pub(crate) fn forget_handle(&mut self, slot: usize) {
        if let Some(handle) = self.handles.get_mut(slot) {
            *handle = None;
        }
    }

    pub(crate) fn forget_all_handles(&mut self) {
        self.handles = [None; SLOTS];
    }

    pub(crate) fn read_at(&self, slot: usize, offset: u64, len: usize) -> Expected<Vec<u8>> {
        let Some(handle) = self.handle(slot) else { return Expected::error(ErrorKind::Closed) };
        let bytes = self.file(handle.node).map(|file| file.read(offset, len)).unwrap_or_default();
        match (handle.options.is_read(), len) {
            (true, _) => Expected::value(bytes),
            (false, 0) => Expected::value(bytes).or(ErrorKind::PermissionDenied),
            (false, _) => Expected::error(ErrorKind::PermissionDenied),
        }
    }

    pub(crate) fn write_at(&mut self, slot: usize, offset: u64, data: &[u8]) -> Expected<()> {
        let Some(handle) = self.handle(slot) else { return Expected::error(ErrorKind::Closed) };
        let mut expected = Expected { value: data.is_empty().then_some(()), errors: Vec::new() };
        if !handle.options.is_write() {
            expected = expected.or(ErrorKind::PermissionDenied);
        }
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > self.max_file_len) {
            expected = expected.or(ErrorKind::InvalidInput);
        }
        if expected.errors.is_empty() {
            if !data.is_empty() {
                self.change_file(handle.node, |file| file.write(offset, data));
            }
            return Expected::value(());
        }
        expected
    }

    pub(crate) fn set_len(&mut self, slot: usize, len: u64) -> Expected<()> {
        let Some(handle) = self.handle(slot) else { return Expected::error(ErrorKind::Closed) };
        let mut expected = Expected { value: None, errors: Vec::new() };
        if !handle.options.is_write() {
            expected = expected.or(ErrorKind::PermissionDenied);
        }
        if len > self.max_file_len {
            expected = expected.or(ErrorKind::InvalidInput);
        }
        if expected.errors.is_empty() {
            self.change_file(handle.node, |file| file.set_len(len));
            return Expected::value(());
        }
        expected
    }

    pub(crate) fn stat_file(&self, slot: usize) -> Expected<State> {
        self.handle(slot).map_or_else(|| Expected::error(ErrorKind::Closed), |handle| Expected::value(self.state(handle.node)))
    }

    pub(crate) fn stat(&self, path: &str) -> Expected<State> {
        Expected::of(self.find(path).map(|node| self.state(node)))
    }

    pub(crate) fn list(&self, path: &str, after: Option<&str>, limit: usize) -> Expected<Vec<DirEntry>> {
        let found = self.find(path).and_then(|node| self.entries(node));
        match found {
            Ok(entries) => {
                let behind = entries.iter().filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
                Expected::value(behind.take(limit).map(|(name, node)| DirEntry::new(name.as_str(), self.state(*node).kind)).collect())
            }
            Err(kind) => Expected::error(kind),
        }
    }

    pub(crate) fn create_dir(&mut self, path: &str) -> Expected<()> {
        match self.find(path) {
            Ok(_) => Expected::error(ErrorKind::AlreadyExists),
            Err(ErrorKind::NotFound) => Expected::of(self.find_parent(path).map(|(parent, name)| {
                self.add(parent, &name, Content::Directory(BTreeMap::new()));
            })),
            Err(kind) => Expected::error(kind),
        }
    }

    pub(crate) fn remove_file(&mut self, path: &str) -> Expected<()> {
        Expected::of(self.find(path).and_then(|node| {
            if self.is_dir(node) {
                return Err(ErrorKind::IsADirectory);
            }
            self.take(path)
        }))
    }

    pub(crate) fn remove_dir(&mut self, path: &str) -> Expected<()> {
        if path.is_empty() {
            return Expected::error(ErrorKind::InvalidInput);
        }
        Expected::of(self.find(path).and_then(|node| {
            if !self.entries(node)?.is_empty() {
                return Err(ErrorKind::DirectoryNotEmpty);
            }
            self.take(path)
        }))
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Expected<()> {
        let mut expected = Expected { value: None, errors: Vec::new() };
        if from.is_empty() || to.is_empty() {
            expected = expected.or(ErrorKind::InvalidInput);
        }
        let source = self.find(from);
        let target = self.find(to);
        let parent = self.find_parent(to);
        if let Err(kind) = source {
            expected = expected.or(kind);
        }
        if let (Err(kind), false) = (&parent, to.is_empty()) {
            expected = expected.or(*kind);
        }
        if to.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
            expected = expected.or(ErrorKind::InvalidInput);
        }
        if let (Ok(source), Ok(target)) = (source, target)
            && source != target
        {
            match (self.is_dir(source), self.is_dir(target)) {
                (false, true) => expected = expected.or(ErrorKind::IsADirectory),
                (true, false) => expected = expected.or(ErrorKind::NotADirectory),
                (true, true) => expected = expected.or(ErrorKind::AlreadyExists),
                (false, false) => {}
            }
        }
        let (Ok(source), Ok((parent, name)), true) = (source, parent, expected.errors.is_empty()) else {
            return expected;
        };
        if target != Ok(source) {
            if target.is_ok()
                && let Err(kind) = self.take(to)
            {
                return Expected::error(kind);
            }
            if let Err(kind) = self.take(from) {
                return Expected::error(kind);
            }
            self.put(parent, &name, source);
            self.touch_all(source);
        }
        Expected::value(())
    }

    /// None where the file is longer than `most`.
    pub(crate) fn read(&self, path: &str, most: u64) -> Option<Expected<Vec<u8>>> {
        let Ok(node) = self.find(path) else { return Some(Expected::of(self.find(path).map(|_| Vec::new()))) };
        match self.file(node) {
            Some(file) if file.len() > most => None,
            Some(file) => Some(Expected::value(file.read(0, file.len() as usize))),
            None => Some(Expected::error(ErrorKind::IsADirectory)),
        }
    }

    pub(crate) fn write(&mut self, path: &str, data: &[u8]) -> Expected<()> {
        let found = self.find(path);
        if let Ok(node) = found
            && self.is_dir(node)
        {
            return Expected::error(ErrorKind::IsADirectory);
        }
        if let Err(kind) = found
            && kind != ErrorKind::NotFound
        {
            return Expected::error(kind);
        }
        Expected::of(self.find_parent(path).map(|(parent, name)| {
            let mut file = Sparse::default();
            file.write(0, data);
            if let Ok(old) = found {
                self.touch(old);
                let new = self.number(Content::File(file));
                self.put(parent, &name, new);
                self.touch(parent);
            } else {
                self.add(parent, &name, Content::File(file));
            }
        }))
    }

    /// Every path with what is there, directories before what is in them.
    pub(crate) fn tree(&self) -> Vec<(String, State)> {
        let mut found = vec![(String::new(), self.state(ROOT))];
        let mut next = 0;
        while let Some((path, state)) = found.get(next).cloned() {
            for (name, node) in self.entries(state.node).into_iter().flatten() {
                let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                found.push((path, self.state(*node)));
            }
            next += 1;
        }
        found
    }

    pub(crate) fn file(&self, node: u64) -> Option<&Sparse> {
        match self.nodes.get(&node)?.content {
            Content::File(ref file) => Some(file),
            Content::Directory(_) => None,
        }
    }

    fn handle(&self, slot: usize) -> Option<Handle> {
        self.handles.get(slot).copied().flatten()
    }

    fn state(&self, node: u64) -> State {
        let empty = Node { content: Content::File(Sparse::default()), version: 0, touched: 0 };
        let found = self.nodes.get(&node).unwrap_or(&empty);
        let (kind, len, fingerprint) = match &found.content {
            Content::File(file) => (FileKind::File, file.len(), file.fingerprint()),
            Content::Directory(entries) => {
                let mut hash = Fnv::default();
                for name in entries.keys() {
                    hash.add(name.as_bytes());
                    hash.add(&[0]);
                }
                (FileKind::Directory, 0, hash.0)
            }
        };
        State { node, kind, len, version: found.version, touched: found.touched, fingerprint }
    }

    fn is_dir(&self, node: u64) -> bool {
        self.entries(node).is_ok()
    }

    fn entries(&self, node: u64) -> Outcome<&BTreeMap<String, u64>> {
        match self.nodes.get(&node).map(|node| &node.content) {
            Some(Content::Directory(entries)) => Ok(entries),
            Some(Content::File(_)) => Err(ErrorKind::NotADirectory),
            None => Err(ErrorKind::NotFound),
        }
    }

    fn find(&self, path: &str) -> Outcome<u64> {
        if path.split('/').any(|part| part.len() > self.max_name_len) {
            return Err(ErrorKind::InvalidPath);
        }
        path.split('/')
            .filter(|part| !part.is_empty())
            .try_fold(ROOT, |node, part| self.entries(node)?.get(part).copied().ok_or(ErrorKind::NotFound))
    }

    fn find_parent(&self, path: &str) -> Outcome<(u64, String)> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.len() > self.max_name_len {
            return Err(ErrorKind::InvalidPath);
        }
        let parent = self.find(parent)?;
        self.entries(parent)?;
        Ok((parent, name.to_owned()))
    }

    fn number(&mut self, content: Content) -> u64 {
        let number = self.nodes.last_key_value().map_or(ROOT, |(last, _)| last + 1);
        self.nodes.insert(number, Node { content, version: 0, touched: 0 });
        number
    }

    fn add(&mut self, parent: u64, name: &str, content: Content) -> u64 {
        let node = self.number(content);
        self.put(parent, name, node);
        node
    }

    /// Puts a name into a directory; a name that is there already is led elsewhere.
    fn put(&mut self, parent: u64, name: &str, node: u64) {
        if let Some(directory) = self.nodes.get_mut(&parent)
            && let Content::Directory(entries) = &mut directory.content
            && entries.insert(name.to_owned(), node).is_none()
        {
            directory.version += 1;
            directory.touched += 1;
        }
    }

    /// Takes a name out of its directory.
    fn take(&mut self, path: &str) -> Outcome<()> {
        let (parent, name) = self.find_parent(path)?;
        let mut taken = None;
        if let Some(directory) = self.nodes.get_mut(&parent)
            && let Content::Directory(entries) = &mut directory.content
        {
            taken = entries.remove(&name);
            directory.version += 1;
            directory.touched += 1;
        }
        self.touch(taken.ok_or(ErrorKind::NotFound)?);
        Ok(())
    }

    fn touch(&mut self, node: u64) {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.touched += 1;
        }
    }

    /// A directory and everything in it: what is renamed has another path, and revisions are compared on one path only.
    fn touch_all(&mut self, node: u64) {
        self.touch(node);
        let below: Vec<u64> = self.entries(node).map(|entries| entries.values().copied().collect()).unwrap_or_default();
        for node in below {
            self.touch_all(node);
        }
    }

    fn change_file(&mut self, node: u64, change: impl FnOnce(&mut Sparse) -> bool) {
        if let Some(node) = self.nodes.get_mut(&node)
            && let Content::File(file) = &mut node.content
        {
            node.version += u64::from(change(file));
            node.touched += 1;
        }
    }
}

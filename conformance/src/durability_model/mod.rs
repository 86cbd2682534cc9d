//! What may be found after a kill or a power cut: contract lines 1 to 4 as a pure model.
//!
//! A harness tells the [`DurabilityModel`] what it asks of an engine, in two steps: [`begin`](DurabilityModel::begin) before the call,
//! [`returned`](DurabilityModel::returned) when the call has succeeded. At any moment the model knows which trees may be found if the
//! process or the machine dies now, and [`check`](DurabilityModel::check) holds a [`Tree`] that was found against that. It does no
//! input or output and needs no threads: the harness may be a simulated disk, or a parent that kills its child.
//!
//! ```
//! use anystorage_api::StoragePath;
//! use anystorage_conformance::durability_model::{Action, DurabilityModel, Node, Promise, Tree};
//!
//! let mut model = DurabilityModel::new(Promise::InPlace);
//! let path = StoragePath::parse("a")?;
//! let write = model.begin(&Action::Replace { path: &path, data: b"new" })?;
//! model.returned(write);
//! assert!(model.check(&Tree::new()).is_ok(), "not synced: may be lost");
//!
//! let sync = model.begin(&Action::Sync)?;
//! model.returned(sync);
//! assert_eq!(model.check(&Tree::new()).unwrap_err().line, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it demands
//! - Line 1: what a returned sync covered is found. A sync covers what had returned before it began.
//! - Line 2: each byte that was neither written nor cut since its file's last sync is as synced, every other one as synced, written since,
//!   or a zero of growth. Every name leads to what it led to at the last sync that covered it or at a moment since. A synced file or
//!   directory that nobody removed is found, and everything is found under one name only.
//! - Line 3, with [`Promise::AtomicSync`]: what is found is how things were at a sync; all of it at one, if only backend syncs were used.
//!   With syncs of files each file has exactly the bytes that it had at a sync that covered it, and one that no sync covered is not found,
//!   whatever other files were synced. A file that took another one's name by a sync of its own sends that one to the name it has by now,
//!   with the bytes of *its* last sync. Only what replaced a file is brought along whole, with the bytes that it had when it took its place or
//!   at a sync since: line 4 leaves no other choice. Every name leads to what it led to at one of the syncs, or to nothing if it did at some
//!   time before one. A file that lost its name need not be covered by its syncs any more: should it be found again because its removal is
//!   lost, it is as at any of them, or as at the last one before.
//! - Line 4: a file replaced by a whole-file write or a rename is the old one or the new one, whole.
//!
//! # What it leaves open
//! Of changes that are not synced, a later one may be found without an earlier one. Actions that are under way at the same time must
//! concern different files and names, except for syncs.

mod check;
mod content;
mod points;
mod tree;

use std::collections::BTreeMap;

use anystorage_api::{ErrorKind, StoragePath};

pub use check::Violation;
use content::{Change, Content};
use points::Span;
pub use tree::{Node, Tree};

/// Which kind of engine the model is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Unsynced changes may be found, in part or torn: contract lines 1, 2 and 4.
    InPlace,
    /// [`atomic_sync`](anystorage_api::Capabilities::atomic_sync) is declared: line 3 as well.
    AtomicSync,
}

/// A file, whatever its name is and whether it still has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u64);

/// What a harness asks of an engine.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// `open` that creates a file, which is empty then.
    Create {
        /// Where nothing is yet.
        path: &'a StoragePath,
    },
    /// `StorageFile::write_at`.
    WriteAt {
        /// The file.
        file: FileId,
        /// In bytes.
        offset: u64,
        /// What is written.
        data: &'a [u8],
    },
    /// `StorageFile::set_len`, or an `open` that truncates.
    SetLen {
        /// The file.
        file: FileId,
        /// In bytes.
        len: u64,
    },
    /// `StorageFile::sync`.
    SyncFile {
        /// The file.
        file: FileId,
    },
    /// `StorageBackend::write`: a new file takes the name.
    Replace {
        /// The name.
        path: &'a StoragePath,
        /// All its bytes.
        data: &'a [u8],
    },
    /// `StorageBackend::create_dir`.
    CreateDir {
        /// Where nothing is yet.
        path: &'a StoragePath,
    },
    /// `StorageBackend::remove_file`.
    RemoveFile {
        /// A file.
        path: &'a StoragePath,
    },
    /// `StorageBackend::remove_dir`.
    RemoveDir {
        /// An empty directory.
        path: &'a StoragePath,
    },
    /// `StorageBackend::rename`.
    Rename {
        /// A file or a directory.
        from: &'a StoragePath,
        /// Its new name.
        to: &'a StoragePath,
    },
    /// `StorageBackend::sync`.
    Sync,
}

/// An action under way.
#[derive(Debug)]
#[must_use = "an action that is not said to have returned stays under way"]
pub struct Ticket(u64);

/// Why an action is not one that succeeds: the kind of error with which an engine has to refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub ErrorKind);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an engine has to refuse this: {}", self.0)
    }
}

impl std::error::Error for Refused {}

const ROOT: u64 = 0;
/// The action of everything that is settled.
const SETTLED: u64 = 0;

/// A name: the directory by identity, so that what is in a directory follows its renames.
type Name = (u64, String);

/// What a name led to from some action on.
#[derive(Clone, Debug)]
struct Binding {
    action: u64,
    object: Option<u64>,
    /// Found through this binding, the object has at least the changes that had returned when this action began.
    whole_as_of: u64,
    /// That action put it in the place of another file.
    replaces: bool,
}

impl Binding {
    const fn new(action: u64, object: Option<u64>) -> Self {
        Self { action, object, whole_as_of: SETTLED, replaces: false }
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Directory,
    File(Content),
}

#[derive(Clone, Debug)]
struct Object {
    kind: Kind,
    /// The current name.
    name: Option<Name>,
    /// Some returned sync covered its name.
    demanded: bool,
    /// Its removal or replacement has begun.
    removed: bool,
    /// When the last syncs that covered it began and returned; none if none did.
    covered: Option<(u64, u64)>,
}

impl Object {
    const fn fresh(kind: Kind) -> Self {
        Self { kind, name: None, demanded: false, removed: false, covered: None }
    }

    const fn settled(kind: Kind, name: Option<Name>) -> Self {
        Self { kind, name, demanded: true, removed: false, covered: Some((SETTLED, SETTLED)) }
    }

    /// A sync covered it, which began and returned then.
    fn cover(&mut self, begin: u64, end: u64) {
        let (from, until) = self.covered.unwrap_or_default();
        self.covered = Some((from.max(begin), until.max(end)));
    }
}

#[derive(Clone, Debug)]
struct Scope {
    file: Option<u64>,
    names: Vec<Name>,
}

/// The trees that may be found after a kill, given what an engine was asked to do so far.
#[derive(Clone, Debug)]
pub struct DurabilityModel {
    promise: Promise,
    /// Counts beginnings and returns, so that 'returned before it began' can be told.
    clock: u64,
    returned: BTreeMap<u64, u64>,
    objects: BTreeMap<u64, Object>,
    /// What each name led to since the last sync that covered it, oldest first, never empty.
    bindings: BTreeMap<Name, Vec<Binding>>,
    /// The names that an action bound.
    bound_by: BTreeMap<u64, Vec<Name>>,
    syncs: BTreeMap<u64, Scope>,
    /// With `AtomicSync`: the syncs since the last backend sync that returned, this one among them. No bytes are kept for them: what a file
    /// was at each follows from its changes.
    points: Vec<Span>,
}

impl DurabilityModel {
    /// Over an empty location.
    #[must_use]
    pub fn new(promise: Promise) -> Self {
        Self {
            promise,
            clock: 0,
            returned: BTreeMap::new(),
            objects: BTreeMap::from([(ROOT, Object::settled(Kind::Directory, None))]),
            bindings: BTreeMap::new(),
            bound_by: BTreeMap::new(),
            syncs: BTreeMap::new(),
            points: vec![Span::SETTLED],
        }
    }

    /// Over a location that holds `tree`, all of it durable: what a harness goes on with after a kill that was checked.
    #[must_use]
    pub fn holding(promise: Promise, tree: &Tree) -> Self {
        let mut model = Self::new(promise);
        for (path, node) in tree {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let Ok(directory) = model.directory(&parent) else { continue };
            let kind = match node {
                Node::Directory => Kind::Directory,
                Node::File(bytes) => Kind::File(Content::whole(bytes)),
            };
            model.clock += 1;
            let name = (directory, name.to_owned());
            let id = model.clock;
            model.objects.insert(id, Object::settled(kind, Some(name.clone())));
            model.bindings.insert(name, vec![Binding::new(SETTLED, Some(id))]);
        }
        model
    }

    /// Says that an action is about to be asked for: from now on its outcome may be found, or a part of it where the contract allows that.
    /// An action that fails is never said to have returned; what it may have done stays allowed and is not demanded.
    ///
    /// # Errors
    /// [`Refused`] if an engine has to refuse it; nothing changes then. Offsets and lengths beyond memory are [`ErrorKind::InvalidInput`]
    /// here: the model holds whole files.
    pub fn begin(&mut self, action: &Action<'_>) -> Result<Ticket, Refused> {
        let id = self.clock + 1;
        match *action {
            Action::Create { path } => self.create(id, path, Kind::File(Content::whole(&[])))?,
            Action::CreateDir { path } => self.create(id, path, Kind::Directory)?,
            Action::Replace { path, data } => self.replace(id, path, data)?,
            Action::WriteAt { file, offset, data } => {
                let offset = usize::try_from(offset).ok().filter(|at| at.checked_add(data.len()).is_some());
                let offset = offset.ok_or(Refused(ErrorKind::InvalidInput))?;
                self.change(id, file, Change::Write { offset, data: data.to_vec() })?;
            }
            Action::SetLen { file, len } => {
                let len = usize::try_from(len).map_err(|_| Refused(ErrorKind::InvalidInput))?;
                self.change(id, file, Change::SetLen(len))?;
            }
            Action::RemoveFile { path } => {
                let (name, object) = self.entry(path)?.ok_or(Refused(ErrorKind::IsADirectory))?;
                if self.is_directory(object) {
                    return Err(Refused(ErrorKind::IsADirectory));
                }
                self.unbind(id, name, object);
            }
            Action::RemoveDir { path } => self.remove_dir(id, path)?,
            Action::Rename { from, to } => self.rename(id, from, to)?,
            Action::SyncFile { file } => {
                let names = self.names_leading_to(file.0);
                self.begin_sync(id, Scope { file: Some(file.0), names });
            }
            Action::Sync => {
                let names = self.bindings.keys().cloned().collect();
                self.begin_sync(id, Scope { file: None, names });
            }
        }
        self.clock = id;
        Ok(Ticket(id))
    }

    /// Says that an action has succeeded. What a sync covered is demanded from now on.
    pub fn returned(&mut self, ticket: Ticket) {
        self.clock += 1;
        self.returned.insert(ticket.0, self.clock);
        let Some(scope) = self.syncs.remove(&ticket.0) else { return };
        let covered: Vec<u64> = match scope.file {
            // Nothing leads to it: what is published is of no use, and the removal may be lost.
            Some(_) if scope.names.is_empty() && self.promise == Promise::AtomicSync => Vec::new(),
            Some(file) => vec![file],
            None => self.objects.keys().copied().collect(),
        };
        for object in covered {
            self.settle_object(object, ticket.0);
        }
        if let Some(point) = self.points.iter_mut().find(|point| point.begin == ticket.0) {
            point.end = Some(self.clock);
        }
        if scope.file.is_none() {
            self.points.retain(|point| point.ends_after(ticket.0));
        }
        for name in &scope.names {
            let covered = self.bindings.get(name).and_then(|history| {
                history.iter().rev().find(|binding| self.covered(binding.action, ticket.0)).map(|binding| binding.action)
            });
            if let Some(action) = covered {
                self.settle_name(name, action);
            }
        }
    }

    /// Asks for an action that needs no time: `begin` and `returned` in one.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn done(&mut self, action: &Action<'_>) -> Result<(), Refused> {
        let ticket = self.begin(action)?;
        self.returned(ticket);
        Ok(())
    }

    /// The file that has this path now.
    #[must_use]
    pub fn file_at(&self, path: &StoragePath) -> Option<FileId> {
        let object = self.lookup(path).ok()??;
        (!self.is_directory(object)).then_some(FileId(object))
    }

    /// The bytes of a file as a reader sees them now.
    #[must_use]
    pub fn bytes(&self, file: FileId) -> Option<&[u8]> {
        match &self.objects.get(&file.0)?.kind {
            Kind::File(content) => Some(content.current()),
            Kind::Directory => None,
        }
    }

    /// Every path there is now; none stands for a directory. The root is not among them.
    #[must_use]
    pub fn paths(&self) -> BTreeMap<StoragePath, Option<FileId>> {
        let mut paths = BTreeMap::new();
        let mut directories = vec![(StoragePath::root(), ROOT)];
        while let Some((path, directory)) = directories.pop() {
            for ((_, name), history) in self.names_in(directory) {
                let Some(object) = history.last().and_then(|binding| binding.object) else { continue };
                let Ok(path) = path.join(name) else { continue };
                let is_directory = self.is_directory(object);
                if is_directory {
                    directories.push((path.clone(), object));
                }
                paths.insert(path, (!is_directory).then_some(FileId(object)));
            }
        }
        paths
    }

    /// The whole tree as a reader sees it now.
    #[must_use]
    pub fn current(&self) -> Tree {
        let mut tree = Tree::new();
        for (path, file) in self.paths() {
            let node = file.map_or(Node::Directory, |file| Node::File(self.bytes(file).unwrap_or_default().to_vec()));
            tree.insert(path, node);
        }
        tree
    }

    fn covered(&self, action: u64, sync: u64) -> bool {
        action == SETTLED || self.returned.get(&action).is_some_and(|at| *at < sync)
    }

    fn names_in(&self, directory: u64) -> impl Iterator<Item = (&Name, &Vec<Binding>)> {
        self.bindings.range((directory, String::new())..(directory + 1, String::new()))
    }

    fn bound(&self, name: &Name) -> Option<u64> {
        self.bindings.get(name)?.last()?.object
    }

    fn is_directory(&self, object: u64) -> bool {
        self.objects.get(&object).is_some_and(|object| matches!(object.kind, Kind::Directory))
    }

    fn lookup(&self, path: &StoragePath) -> Result<Option<u64>, Refused> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok(self.bound(&(self.directory(&parent)?, name.to_owned()))),
            _ => Ok(Some(ROOT)),
        }
    }

    fn directory(&self, path: &StoragePath) -> Result<u64, Refused> {
        let mut directory = ROOT;
        for part in path.parts() {
            directory = self.bound(&(directory, part.to_owned())).ok_or(Refused(ErrorKind::NotFound))?;
            if !self.is_directory(directory) {
                return Err(Refused(ErrorKind::NotADirectory));
            }
        }
        Ok(directory)
    }

    /// The name of a path, none for the root.
    fn name(&self, path: &StoragePath) -> Result<Option<Name>, Refused> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        Ok(Some((self.directory(&parent)?, name.to_owned())))
    }

    /// The name of a path and what it leads to, which must be there; none for the root.
    fn entry(&self, path: &StoragePath) -> Result<Option<(Name, u64)>, Refused> {
        let Some(name) = self.name(path)? else { return Ok(None) };
        let object = self.bound(&name).ok_or(Refused(ErrorKind::NotFound))?;
        Ok(Some((name, object)))
    }

    fn bind(&mut self, name: Name, binding: Binding) {
        let nothing = || vec![Binding::new(SETTLED, None)];
        let object = binding.object;
        let action = binding.action;
        self.bindings.entry(name.clone()).or_insert_with(nothing).push(binding);
        self.bound_by.entry(action).or_default().push(name.clone());
        if let Some(object) = object.and_then(|object| self.objects.get_mut(&object)) {
            object.name = Some(name);
        }
    }

    fn unbind(&mut self, action: u64, name: Name, object: u64) {
        self.mark_removed(object);
        self.bind(name, Binding::new(action, None));
    }

    fn mark_removed(&mut self, object: u64) {
        if let Some(object) = self.objects.get_mut(&object) {
            object.removed = true;
            object.name = None;
        }
    }

    fn create(&mut self, action: u64, path: &StoragePath, kind: Kind) -> Result<(), Refused> {
        let name = self.name(path)?.ok_or(Refused(ErrorKind::AlreadyExists))?;
        if self.bound(&name).is_some() {
            return Err(Refused(ErrorKind::AlreadyExists));
        }
        self.objects.insert(action, Object::fresh(kind));
        self.bind(name, Binding::new(action, Some(action)));
        Ok(())
    }

    fn replace(&mut self, action: u64, path: &StoragePath, data: &[u8]) -> Result<(), Refused> {
        let name = self.name(path)?.ok_or(Refused(ErrorKind::IsADirectory))?;
        let old = self.bound(&name);
        if let Some(old) = old {
            if self.is_directory(old) {
                return Err(Refused(ErrorKind::IsADirectory));
            }
            self.mark_removed(old);
        }
        self.objects.insert(action, Object::fresh(Kind::File(Content::whole(data))));
        self.bind(name, Binding { action, object: Some(action), whole_as_of: action, replaces: old.is_some() });
        Ok(())
    }

    fn change(&mut self, action: u64, file: FileId, change: Change) -> Result<(), Refused> {
        match self.objects.get_mut(&file.0).map(|object| &mut object.kind) {
            Some(Kind::File(content)) => {
                content.change(action, change);
                Ok(())
            }
            Some(Kind::Directory) => Err(Refused(ErrorKind::IsADirectory)),
            None => Err(Refused(ErrorKind::NotFound)),
        }
    }

    fn remove_dir(&mut self, action: u64, path: &StoragePath) -> Result<(), Refused> {
        let (name, object) = self.entry(path)?.ok_or(Refused(ErrorKind::InvalidInput))?;
        if !self.is_directory(object) {
            return Err(Refused(ErrorKind::NotADirectory));
        }
        if self.names_in(object).any(|(name, _)| self.bound(name).is_some()) {
            return Err(Refused(ErrorKind::DirectoryNotEmpty));
        }
        self.unbind(action, name, object);
        Ok(())
    }

    fn rename(&mut self, action: u64, from: &StoragePath, to: &StoragePath) -> Result<(), Refused> {
        let invalid = Refused(ErrorKind::InvalidInput);
        let (source, object) = self.entry(from)?.ok_or(invalid)?;
        if to.starts_with(from) && from != to && self.is_directory(object) {
            return Err(invalid);
        }
        let target = self.name(to)?.ok_or(invalid)?;
        if source == target {
            return Ok(());
        }
        let before = self.bindings.get(&source).and_then(|history| history.last()).cloned();
        let mut binding = Binding { action, ..before.unwrap_or(Binding::new(action, Some(object))) };
        if let Some(old) = self.bound(&target) {
            match (self.is_directory(object), self.is_directory(old)) {
                (false, true) => return Err(Refused(ErrorKind::IsADirectory)),
                (true, false) => return Err(Refused(ErrorKind::NotADirectory)),
                (true, true) => return Err(Refused(ErrorKind::AlreadyExists)),
                (false, false) => {}
            }
            self.mark_removed(old);
            binding = Binding { whole_as_of: action, replaces: true, ..binding };
        }
        self.bind(source, Binding::new(action, None));
        self.bind(target, binding);
        Ok(())
    }

    fn names_leading_to(&self, object: u64) -> Vec<Name> {
        let name_of = |object: u64| self.objects.get(&object).and_then(|object| object.name.clone());
        std::iter::successors(name_of(object), |(directory, _)| name_of(*directory)).collect()
    }

    fn begin_sync(&mut self, action: u64, scope: Scope) {
        if self.promise == Promise::AtomicSync {
            self.points.push(Span { begin: action, end: None, file: scope.file });
        }
        self.syncs.insert(action, scope);
    }

    fn settle_object(&mut self, object: u64, sync: u64) {
        let returned = &self.returned;
        let covered = |action: u64| returned.get(&action).is_some_and(|at| *at < sync);
        let Some(settled) = self.objects.get_mut(&object) else { return };
        if settled.covered.is_some() || covered(object) {
            settled.cover(sync, self.clock);
        }
        if let Kind::File(content) = &mut settled.kind {
            content.settle(covered);
        }
    }

    /// Makes a name lead at least to what `action` bound it to. A rename is one step: where one of its names is settled, so is the other.
    /// Not so with `AtomicSync`: there a step that was never synced may be overtaken, and what has to be found is only what a sync covered.
    fn settle_name(&mut self, name: &Name, action: u64) {
        let mut work = vec![(name.clone(), action)];
        while let Some((name, action)) = work.pop() {
            let Some(history) = self.bindings.get_mut(&name) else { continue };
            let Some(at) = history.iter().position(|binding| binding.action == action) else { continue };
            let mut settled: Vec<u64> = history.drain(..at).map(|binding| binding.action).collect();
            let object = history.first_mut().and_then(|first| {
                settled.push(std::mem::replace(&mut first.action, SETTLED));
                first.object
            });
            if let Some(object) = object.and_then(|object| self.objects.get_mut(&object)) {
                object.demanded = true;
            }
            if self.promise == Promise::AtomicSync {
                return;
            }
            for action in settled.into_iter().filter(|action| *action != SETTLED) {
                let others = self.bound_by.remove(&action).unwrap_or_default();
                work.extend(others.into_iter().filter(|other| *other != name).map(|other| (other, action)));
            }
        }
    }
}

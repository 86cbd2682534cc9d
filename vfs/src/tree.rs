//! The mounts, and what is at a place in one of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use anystorage_api::{Attributes, Blocking, FileKind, Metadata, StorageBackend, StoragePath, Timestamp};

use crate::causes::Causes;
use crate::clock;
use crate::mounting::Populate;
use crate::node::{Left, Node, Place};
use crate::path_map::PathMap;
use crate::records::{Record, Records, Special, TABLE, Time};
use crate::stat::NodeKind;
use crate::{Errno, Result, Stat};

/// A place in a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) mount: u32,
    pub(crate) path: StoragePath,
}

impl Location {
    pub(crate) fn join(&self, name: &str) -> Result<Self> {
        Ok(Self { mount: self.mount, path: self.path.join(name).map_err(|error| Errno::from(&error))? })
    }

    /// The directory that has it in the same mount; the root's is the root.
    pub(crate) fn parent(&self) -> Self {
        Self { mount: self.mount, path: self.path.parent().unwrap_or_default() }
    }

    /// Whether it has the name of the face's own file.
    pub(crate) fn is_hidden(&self) -> bool {
        self.path.parts().next().is_some_and(is_hidden_name)
    }
}

/// What a whole-file `write` of the table may leave after a kill.
const LEFT_OVER: &str = "..anystorage-vfs.";

/// Whether a name in the root of a mount is the face's own.
pub(crate) fn is_hidden_name(name: &str) -> bool {
    name == TABLE || name.starts_with(LEFT_OVER)
}

/// An engine, and where it is mounted.
#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) id: u32,
    pub(crate) source: String,
    pub(crate) engine: Blocking<Arc<dyn StorageBackend>>,
    /// The directory that it covers; none for the first.
    pub(crate) point: Option<Location>,
    pub(crate) records: Records,
    /// What is open, by where it is.
    pub(crate) nodes: PathMap<Weak<Node>>,
    pub(crate) hook: Option<Arc<dyn Populate>>,
    /// With its nodes; so as long as one is open, the mount is in use.
    pub(crate) left: Arc<Left>,
    /// Whether it is being synced to be let go.
    pub(crate) leaving: bool,
    /// Whether the engine keeps modes, times and links.
    pub(crate) keeps: bool,
    /// Whether it does not tell when something changed.
    pub(crate) clockless: bool,
    pub(crate) causes: Causes,
}

/// What is at a place.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) location: Location,
    pub(crate) kind: NodeKind,
    pub(crate) len: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) link: Option<String>,
    accessed: Option<Timestamp>,
    modified: Timestamp,
    changed: Option<Timestamp>,
}

impl Found {
    pub(crate) const fn is_dir(&self) -> bool {
        matches!(self.kind, NodeKind::Directory)
    }

    fn new(location: Location, metadata: &Metadata, record: &Record) -> Self {
        let special = record.special.as_ref().filter(|_| metadata.kind == FileKind::File && metadata.len == 0);
        let (kind, link) = match special {
            Some(Special::Link(target)) => (NodeKind::Symlink, Some(target.clone())),
            Some(Special::Character(number)) => (NodeKind::Character(*number), None),
            None => (NodeKind::of(metadata.kind), metadata.link_target.clone()),
        };
        let mode = match kind {
            NodeKind::Symlink => 0o777,
            _ => record.mode.or(metadata.mode).unwrap_or(kind.default_mode()),
        };
        let len = link.as_ref().map_or(metadata.len, |target| target.len() as u64);
        let modified = record.modified.map(Timestamp::from).or(metadata.modified).unwrap_or(Timestamp::new(0, 0));
        Self {
            location,
            kind,
            len,
            mode,
            uid: record.uid.unwrap_or(0),
            gid: record.gid.unwrap_or(0),
            link,
            accessed: record.accessed.map(Timestamp::from).or(metadata.accessed),
            modified,
            changed: record.changed.map(Timestamp::from),
        }
    }

    /// Its record once its name is gone, by which the engine can no longer be asked.
    fn remembered(&self, record: Option<Record>) -> Record {
        let mut record = record.unwrap_or_default();
        record.mode = Some(self.mode);
        if self.is_dir() {
            record.modified = Some(self.modified.into());
        }
        record
    }

    pub(crate) fn stat(&self) -> Stat {
        let (rdev, size) = match self.kind {
            NodeKind::Character(number) => (number, 0),
            NodeKind::File | NodeKind::Symlink => (crate::DeviceNumber::default(), self.len),
            _ => (crate::DeviceNumber::default(), 0),
        };
        Stat {
            dev: u64::from(self.location.mount),
            ino: ino(&self.location.path),
            mode: self.kind.mode_bits() | self.mode,
            nlink: 1,
            uid: self.uid,
            gid: self.gid,
            rdev,
            size,
            blksize: 4096,
            blocks: if self.kind == NodeKind::File { self.len.div_ceil(512) } else { 0 },
            atime: self.accessed.unwrap_or(self.modified),
            mtime: self.modified,
            ctime: self.changed.map_or(self.modified, |changed| changed.max(self.modified)),
        }
    }
}

/// The number of a path: FNV-1a, which is never 0 here.
fn ino(path: &StoragePath) -> u64 {
    path.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)).max(1)
}

impl Mount {
    /// What is at `path`.
    pub(crate) fn found(&mut self, path: &StoragePath) -> Result<Found> {
        let location = Location { mount: self.id, path: path.clone() };
        if location.is_hidden() {
            return Err(Errno::ENOENT);
        }
        let metadata = self.engine.stat(path).map_err(|error| self.causes.errno(error))?;
        self.note_written(path);
        let record = self.records.get(path).cloned().unwrap_or_default();
        Ok(Found::new(location, &metadata, &record))
    }

    /// What an open node is, with what its handle says where there is one.
    pub(crate) fn stat_node(&mut self, node: &Node, metadata: Option<Metadata>) -> Result<Stat> {
        if let Some(path) = node.path() {
            let Some(metadata) = metadata else { return Ok(self.found(&path)?.stat()) };
            self.note_written(&path);
            let record = self.records.get(&path).cloned().unwrap_or_default();
            return Ok(Found::new(Location { mount: self.id, path }, &metadata, &record).stat());
        }
        let mut state = node.state();
        let written = state.written.take();
        let Place::Removed { record, ino } = &mut state.place else { return Err(Errno::EIO) };
        if let Some(at) = written {
            record.modified = Some(at.into());
        }
        let metadata = metadata.unwrap_or_else(|| match node.kind {
            NodeKind::Directory => Metadata::directory(),
            _ => Metadata::file(0),
        });
        let found = Found::new(Location { mount: self.id, path: StoragePath::root() }, &metadata, record);
        let nlink = 0;
        Ok(Stat { ino: *ino, nlink, ..found.stat() })
    }

    /// What stands at `path`, of which the engine says `kind`.
    pub(crate) fn kind_of(&self, path: &StoragePath, kind: NodeKind) -> NodeKind {
        match self.records.get(path).and_then(|record| record.special.as_ref()) {
            Some(Special::Link(_)) if kind == NodeKind::File => NodeKind::Symlink,
            Some(Special::Character(number)) if kind == NodeKind::File => NodeKind::Character(*number),
            _ => kind,
        }
    }

    /// Takes over when each open file was last written.
    pub(crate) fn note_all_written(&mut self) {
        self.note_left();
        let open: Vec<String> = self.nodes.iter().map(|(path, _)| path.clone()).collect();
        for path in open.iter().filter_map(|path| StoragePath::parse(path).ok()) {
            self.note_written(&path);
        }
    }

    /// Takes over when the open file at `path` was last written.
    fn note_written(&mut self, path: &StoragePath) {
        self.note_left();
        let Some(node) = self.open_node(path) else { return };
        let written = node.state().written.take();
        if let Some(at) = written {
            self.note_change_at(path, at);
        }
    }

    fn note_left(&mut self) {
        for (path, at) in self.left.take() {
            self.note_change_at(&path, at);
        }
    }

    /// The bytes of a file or the entries of a directory have changed: a time that was set by hand is no longer its.
    pub(crate) fn note_change(&mut self, path: &StoragePath) {
        if self.clockless || self.records.get(path).is_some_and(|record| record.modified.is_some()) {
            self.note_change_at(path, clock::now());
        }
    }

    fn note_change_at(&mut self, path: &StoragePath, at: Timestamp) {
        let (keeps, clockless) = (self.keeps, self.clockless);
        if !keeps {
            self.records.update(path, |record| record.modified = clockless.then_some(at.into()));
        }
    }

    /// The directory that has `path` has other entries now.
    pub(crate) fn entry_changed(&mut self, path: &StoragePath) {
        if let Some(directory) = path.parent() {
            self.note_change(&directory);
        }
    }

    /// The node of what is at `path`, for a descriptor.
    pub(crate) fn node(&mut self, found: &Found) -> Arc<Node> {
        let path = &found.location.path;
        if let Some(node) = self.open_node(path) {
            return node;
        }
        let node = Arc::new(Node::new(self.id, path.clone(), found.kind, self.engine.capabilities().max_file_len, Arc::clone(&self.left)));
        self.nodes.insert(path, Arc::downgrade(&node));
        node
    }

    /// The node of what is open at `path`; none if nothing is.
    pub(crate) fn open_node(&self, path: &StoragePath) -> Option<Arc<Node>> {
        self.nodes.get(path).and_then(Weak::upgrade)
    }

    /// Lets go of a node whose last descriptor may be this one.
    pub(crate) fn release(&mut self, node: &Arc<Node>) {
        if let Some(path) = node.path() {
            self.note_written(&path);
            if Arc::strong_count(node) == 1 {
                self.nodes.remove(&path);
            }
        }
    }

    /// What was found there was removed: what is known of it goes along, to its node where it is open.
    pub(crate) fn removed(&mut self, found: &Found) {
        let path = &found.location.path;
        self.note_written(path);
        let record = self.records.removed(path);
        self.entry_changed(path);
        if let Some(node) = self.nodes.remove(path).and_then(|node| node.upgrade()) {
            orphan(&node, found.remembered(record));
        }
    }

    /// `from` has become `to`.
    pub(crate) fn renamed(&mut self, from: &StoragePath, to: &StoragePath, target: Option<&Found>) {
        self.note_written(from);
        self.note_written(to);
        let replaced = self.records.renamed(from, to);
        for (path, node) in self.nodes.move_subtree(from, to) {
            if let Some(node) = node.upgrade() {
                let record = replaced.clone().filter(|_| path == to.as_str());
                orphan(&node, target.map_or_else(|| record.clone().unwrap_or_default(), |target| target.remembered(record.clone())));
            }
        }
        let moved: Vec<(String, Arc<Node>)> =
            self.nodes.at_and_below(to).filter_map(|(path, node)| Some((path.clone(), node.upgrade()?))).collect();
        for (path, node) in moved {
            if let Ok(path) = StoragePath::parse(&path) {
                node.state().place = Place::At(path);
            }
        }
        self.entry_changed(from);
        self.entry_changed(to);
    }

    /// Sets attributes, by the engine what it keeps, the rest in the record.
    pub(crate) fn set(&mut self, path: &StoragePath, change: &Change) -> Result<()> {
        // What the engine keeps of links and directories as well as of files; devices are files to it.
        if self.keeps && (change.mode.is_some() || change.accessed.is_some() || change.modified.is_some()) {
            let mut attributes = Attributes::new();
            attributes.mode = change.mode;
            attributes.accessed = change.accessed;
            attributes.modified = change.modified;
            self.engine.set_attributes(path, &attributes).map_err(|error| self.causes.errno(error))?;
        }
        // Otherwise the time of an earlier write would be taken for a later one.
        self.note_written(path);
        let keeps = self.keeps;
        self.records.update(path, |record| change.apply(record, keeps));
        Ok(())
    }
}

fn orphan(node: &Arc<Node>, record: Record) {
    let ino = Arc::as_ptr(node) as usize as u64;
    node.state().place = Place::Removed { record: Box::new(record), ino };
}

/// What to set of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    pub(crate) mode: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) accessed: Option<Timestamp>,
    pub(crate) modified: Option<Timestamp>,
    /// Whether it is about the owner, which costs a file its set-ID bits.
    pub(crate) owner: bool,
}

impl Change {
    /// With what a change of the owner does to the mode.
    pub(crate) fn completed(mut self, kind: NodeKind, mode: u32) -> Self {
        if self.owner && kind == NodeKind::File {
            let lost = if mode & 0o010 == 0 { 0o4000 } else { 0o6000 };
            self.mode = (mode & lost != 0).then_some(mode & !lost);
        }
        self
    }

    /// Writes it into a record; what the engine keeps is left to it.
    pub(crate) fn apply(&self, record: &mut Record, keeps: bool) {
        if !keeps || record.special.is_some() {
            record.mode = self.mode.or(record.mode);
            record.accessed = self.accessed.map(Time::from).or(record.accessed);
            record.modified = self.modified.map(Time::from).or(record.modified);
        }
        // Owner 0 is what files without a record have.
        let owner = |new: Option<u32>, old: Option<u32>| new.or(old).filter(|id| *id != 0);
        record.uid = owner(self.uid, record.uid);
        record.gid = owner(self.gid, record.gid);
        record.changed = Some(clock::now().into());
    }
}

/// All mounts, and where relative paths start.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) mounts: BTreeMap<u32, Mount>,
    pub(crate) last_mount: u32,
}

impl Tree {
    /// A mount, for calls that lead into it.
    pub(crate) fn mount(&mut self, id: u32) -> Result<&mut Mount> {
        let mount = self.present(id)?;
        if mount.leaving { Err(Errno::EBUSY) } else { Ok(mount) }
    }

    /// The same, whether it is about to be let go or not.
    pub(crate) fn present(&mut self, id: u32) -> Result<&mut Mount> {
        self.mounts.get_mut(&id).ok_or(Errno::EIO)
    }

    pub(crate) fn at(&mut self, location: &Location) -> Result<&mut Mount> {
        self.mount(location.mount)
    }

    /// The root of the first mount.
    pub(crate) fn root(&self) -> Result<Location> {
        let first = self.mounts.values().find(|mount| mount.point.is_none()).ok_or(Errno::ENOENT)?;
        Ok(Location { mount: first.id, path: StoragePath::root() })
    }

    /// The mount that covers a place.
    pub(crate) fn covering(&self, location: &Location) -> Option<u32> {
        self.mounts.values().find(|mount| mount.point.as_ref() == Some(location)).map(|mount| mount.id)
    }

    /// The number of what is at a place, a mount there included.
    pub(crate) fn ino_of(&self, location: &Location) -> u64 {
        if self.covering(location).is_some() { ino(&StoragePath::root()) } else { ino(&location.path) }
    }

    /// `from` has become `to`: what is mounted there goes along.
    pub(crate) fn move_points(&mut self, from: &Location, to: &Location) {
        for point in self.mounts.values_mut().filter_map(|mount| mount.point.as_mut()).filter(|point| point.mount == from.mount) {
            let moved = point.path.strip_prefix(&from.path).and_then(|rest| to.path.join_path(&rest).ok());
            if let Some(moved) = moved {
                point.path = moved;
            }
        }
    }

    /// Whether there are mounts at places of this mount.
    pub(crate) fn has_mounts_in(&self, mount: u32) -> bool {
        self.mounts.values().any(|other| other.point.as_ref().is_some_and(|point| point.mount == mount))
    }

    pub(crate) fn found(&mut self, location: &Location) -> Result<Found> {
        self.mount(location.mount)?.found(&location.path)
    }

    /// What `..` is.
    pub(crate) fn above(&self, location: &Location) -> Location {
        let mut at = location;
        while at.path.is_root() {
            match self.mounts.get(&at.mount).and_then(|mount| mount.point.as_ref()) {
                Some(point) => at = point,
                None => return at.clone(),
            }
        }
        at.parent()
    }

    /// Where a place is, from the root of all.
    pub(crate) fn absolute(&self, location: &Location) -> String {
        let mut parts = Vec::new();
        let mut at = Some(location);
        while let Some(place) = at {
            if !place.path.is_root() {
                parts.push(place.path.as_str());
            }
            at = self.mounts.get(&place.mount).and_then(|mount| mount.point.as_ref());
        }
        parts.iter().rev().fold(String::new(), |path, part| path + "/" + part) + if parts.is_empty() { "/" } else { "" }
    }
}

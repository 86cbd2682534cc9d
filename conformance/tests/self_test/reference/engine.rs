//! The engine over [`Tree`](super::tree::Tree): a working tree in memory, and a published one that every opening starts from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Durability, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageBackend,
    StorageFile, StoragePath, Usage, engine,
};

use super::location::{Flushes, Location};
use super::tree::{Content, Displaced, Entry, File, Node, Outcome, PAGE, Tree, publish_all, publish_file};
use super::twist::Twist;

pub(super) const CAPABILITIES: Capabilities = Capabilities::new()
    .durability(Durability::Process)
    .atomic_sync(true)
    .atomic_rename_file(true)
    .atomic_rename_dir(true)
    .immediate(true)
    .checksums(true)
    .attributes(true)
    .usage(true);

/// One opening of a location. It holds the location until it is closed or dropped, with all its files.
#[derive(Debug)]
pub(super) struct Instance {
    location: Arc<Location>,
    number: u64,
    twist: Twist,
    flushes: Flushes,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tree: Tree,
    closed: bool,
    /// What a failed flush left behind.
    failed: Option<Error>,
    full: bool,
    dropped: u32,
    revision: u64,
    /// How many handles a node has.
    handles: BTreeMap<u64, usize>,
    removed: Vec<u64>,
    renamed: bool,
    /// The files that took another one's place since they were last synced.
    placed: BTreeSet<u64>,
}

impl Instance {
    pub(super) fn new(location: Arc<Location>, number: u64, tree: Tree, failed: Option<Error>, flushes: Flushes) -> Arc<Self> {
        let twist = location.twist;
        // Each opening counts in a range of its own: what an earlier one counted and then lost never comes back for other content.
        let revision = number << 32;
        let state = State {
            tree,
            closed: false,
            failed,
            full: false,
            dropped: 0,
            revision,
            handles: BTreeMap::new(),
            removed: Vec::new(),
            renamed: false,
            placed: BTreeSet::new(),
        };
        Arc::new(Self { location, number, twist, flushes, state: Mutex::new(state) })
    }

    /// The state of an instance that is open.
    fn open(&self, operation: Operation) -> Result<MutexGuard<'_, State>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed || (self.twist.lock_stolen && !self.location.is_held_by(self.number)) {
            return Err(Error::new(ErrorKind::Closed, operation));
        }
        Ok(state)
    }

    /// The same, for what changes something: not after a failed flush.
    fn changing(&self, operation: Operation) -> Result<MutexGuard<'_, State>> {
        let state = self.open(operation)?;
        match &state.failed {
            Some(error) if !self.twist.failed_flush_lets_writes_on && !self.twist.failed_flush_latches_one_handle => {
                Err(error.clone().in_operation(operation))
            }
            _ => Ok(state),
        }
    }

    fn reading(&self, operation: Operation) -> Result<MutexGuard<'_, State>> {
        let state = self.open(operation)?;
        match &state.failed {
            Some(error) if self.twist.failed_flush_stops_reads => Err(error.clone().in_operation(operation)),
            _ => Ok(state),
        }
    }

    /// What every flush begins with.
    fn flush(&self, state: &mut State) -> Result<()> {
        if let (Some(error), false) = (&state.failed, self.twist.failed_flush_latches_one_handle) {
            return Err(error.clone());
        }
        if state.full && self.twist.no_space_breaks_sync {
            return Err(Error::new(ErrorKind::NoSpace, Operation::Sync));
        }
        if self.flushes.flush() || self.twist.failed_flush_hidden {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Io, Operation::Sync).with_text("the host's flush failed; open the location again");
        if !self.twist.failed_flush_retried {
            state.failed = Some(error.clone());
        }
        if self.twist.failed_flush_loses_synced {
            self.location.publish(|published| *published = Tree::new());
        }
        if self.twist.failed_flush_survives_reopening {
            self.location.remember_failure(error.clone());
        }
        Err(error)
    }

    /// Room for `more` bytes, or the error.
    fn reserve(&self, state: &mut State, more: u64, operation: Operation, path: &StoragePath) -> Result<bool> {
        let Some(limit) = self.location.limit else { return Ok(true) };
        let used = if self.twist.nothing_is_freed { self.location.ever_used(more) } else { state.tree.bytes() + more };
        if used <= limit && !(state.full && self.twist.no_space_is_for_ever) {
            return Ok(true);
        }
        state.full = true;
        state.dropped += 1;
        if self.twist.no_space_loses_synced {
            self.location.publish(|published| *published = Tree::new());
            state.tree = Tree::new();
        }
        // Not for ever, or whoever fills the place up never ends.
        if self.twist.no_space_is_silent && state.dropped < 200 {
            return Ok(false);
        }
        let kind = if self.twist.no_space_is_io { ErrorKind::Io } else { ErrorKind::NoSpace };
        Err(Error::new(kind, operation).with_path(path))
    }

    fn release(&self) {
        self.location.release(self.number);
    }

    fn kind_of(&self, kind: ErrorKind) -> ErrorKind {
        match kind {
            ErrorKind::Corrupt if self.twist.damage_is_io => ErrorKind::Io,
            #[allow(clippy::panic)]
            ErrorKind::Corrupt if self.twist.damage_panics => panic!("a record does not check"),
            kind => kind,
        }
    }

    fn error(&self, kind: ErrorKind, operation: Operation, path: &StoragePath) -> Error {
        Error::new(self.kind_of(kind), operation).with_path(path)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !self.twist.drop_keeps_lock {
            self.release();
        }
    }
}

impl State {
    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    fn metadata(&self, id: u64) -> Outcome<Metadata> {
        let node = self.tree.nodes.get(&id).ok_or(ErrorKind::NotFound)?;
        let metadata = match &node.content {
            Content::File(_) if self.tree.is_link(id) => Metadata::of_kind(FileKind::Symlink),
            Content::File(file) => Metadata::file(file.len),
            Content::Directory(_) => Metadata::directory(),
            Content::Damaged => return Err(ErrorKind::Corrupt),
        };
        let set = node.attributes.clone();
        let metadata = metadata.with_mode(set.mode).with_accessed(set.accessed).with_modified(set.modified);
        Ok(metadata.with_link_target(set.link_target).with_revision(node.revision))
    }

    /// Lets go of a node that has neither a name nor a handle.
    fn forget(&mut self, id: u64) {
        if !self.handles.contains_key(&id) && !self.tree.has_damage() && self.tree.names_to(id).is_none() {
            self.tree.nodes.remove(&id);
        }
    }

    fn insert(&mut self, parent: u64, name: &str, content: Content) -> u64 {
        let revision = self.next_revision();
        let id = self.tree.add(parent, name, content, revision);
        // A number of its own: the new one may later be where its directory is now.
        let revision = self.next_revision();
        self.tree.touch(parent, revision);
        id
    }

    fn take(&mut self, parent: u64, name: &str) -> Option<Entry> {
        let revision = self.next_revision();
        self.tree.touch(parent, revision);
        self.tree.unlink(parent, name)
    }
}

/// The reference's backend.
#[derive(Debug)]
pub(super) struct ReferenceBackend(pub(super) Arc<Instance>);

impl Drop for ReferenceBackend {
    fn drop(&mut self) {
        if self.0.twist.drop_forgets_files {
            self.0.release();
        }
    }
}

#[engine]
impl StorageBackend for ReferenceBackend {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let instance = &self.0;
        let error = |kind| instance.error(kind, Operation::Open, path);
        let mut state = instance.reading(Operation::Open)?;
        options.check(path)?;
        if options.is_truncate() || (options.is_create() && state.tree.entry(path).is_err()) {
            drop(state);
            state = instance.changing(Operation::Open)?;
        }
        let id = match state.tree.entry(path) {
            Ok(_) if options.is_create_new() => return Err(error(ErrorKind::AlreadyExists)),
            Ok(Entry { directory: true, .. }) => return Err(error(ErrorKind::IsADirectory)),
            Ok(Entry { id, .. }) if state.tree.is_link(id) => return Err(error(ErrorKind::InvalidInput)),
            Ok(Entry { id, .. }) => {
                state.tree.file(id).map_err(error)?;
                if options.is_truncate() {
                    let revision = state.next_revision();
                    state.tree.file_mut(id).map_err(error)?.set_len(0);
                    state.tree.touch(id, revision);
                }
                id
            }
            Err(ErrorKind::NotFound) if options.is_create() => {
                let (parent, name) = state.tree.holder(path).map_err(error)?;
                instance.reserve(&mut state, 64, Operation::Open, path)?;
                state.insert(parent, name, Content::File(File::default()))
            }
            Err(kind) => return Err(error(kind)),
        };
        if options.is_write() && instance.twist.open_for_writing_cuts_in_store {
            instance.location.publish(|published| {
                if let Ok(file) = published.file_mut(id) {
                    file.set_len(0);
                }
            });
        }
        *state.handles.entry(id).or_default() += 1;
        Ok(Box::new(ReferenceFile { instance: Arc::clone(instance), id, options: *options, path: path.clone(), failed: Mutex::new(None) }))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        let state = self.0.reading(Operation::Stat)?;
        state.tree.find(path).and_then(|id| state.metadata(id)).map_err(|kind| self.0.error(kind, Operation::Stat, path))
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let state = self.0.reading(Operation::List)?;
        let found = state.tree.find(directory).and_then(|id| state.tree.entries(id));
        let entries = found.map_err(|kind| self.0.error(kind, Operation::List, directory))?;
        let behind = entries.iter().filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
        Ok(behind.take(limit).map(|(name, entry)| DirEntry::new(name.as_str(), state.tree.kind(*entry))).collect())
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        let mut state = self.0.changing(Operation::CreateDir)?;
        let error = |kind| self.0.error(kind, Operation::CreateDir, path);
        match state.tree.entry(path) {
            Ok(_) => return Err(error(ErrorKind::AlreadyExists)),
            Err(ErrorKind::NotFound) => {}
            Err(kind) => return Err(error(kind)),
        }
        let (parent, name) = state.tree.holder(path).map_err(error)?;
        self.0.reserve(&mut state, 64, Operation::CreateDir, path)?;
        state.insert(parent, name, Content::Directory(BTreeMap::new()));
        Ok(())
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        let mut state = self.0.changing(Operation::RemoveFile)?;
        let error = |kind| self.0.error(kind, Operation::RemoveFile, path);
        if state.tree.entry(path).map_err(error)?.directory {
            return Err(error(ErrorKind::IsADirectory));
        }
        let (parent, name) = state.tree.holder(path).map_err(error)?;
        if self.0.twist.removal_takes_siblings {
            self.0.location.publish(|published| {
                if let Some(Content::Directory(entries)) = published.nodes.get_mut(&parent).map(|node| &mut node.content) {
                    entries.retain(|_, entry| entry.directory);
                }
            });
        }
        if let Some(entry) = state.take(parent, name) {
            state.removed.push(entry.id);
            state.forget(entry.id);
        }
        Ok(())
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        let mut state = self.0.changing(Operation::RemoveDir)?;
        let error = |kind| self.0.error(kind, Operation::RemoveDir, path);
        if path.is_root() {
            return Err(error(ErrorKind::InvalidInput));
        }
        let entry = state.tree.entry(path).map_err(error)?;
        if !entry.directory {
            return Err(error(ErrorKind::NotADirectory));
        }
        if !state.tree.entries(entry.id).map_err(error)?.is_empty() {
            return Err(error(ErrorKind::DirectoryNotEmpty));
        }
        let (parent, name) = state.tree.holder(path).map_err(error)?;
        state.take(parent, name);
        state.removed.push(entry.id);
        state.forget(entry.id);
        Ok(())
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let mut state = self.0.changing(Operation::Rename)?;
        let error = |kind| self.0.error(kind, Operation::Rename, from);
        if from.is_root() || to.is_root() {
            return Err(error(ErrorKind::InvalidInput));
        }
        let source = state.tree.entry(from).map_err(error)?;
        if from == to {
            return Ok(());
        }
        if source.directory && to.starts_with(from) {
            return Err(error(ErrorKind::InvalidInput));
        }
        let (old_parent, old_name) = state.tree.holder(from).map_err(error)?;
        let (new_parent, new_name) = state.tree.holder(to).map_err(error)?;
        let target = match state.tree.entry(to) {
            Ok(target) => match (source.directory, target.directory) {
                (false, true) => return Err(error(ErrorKind::IsADirectory)),
                (true, false) => return Err(error(ErrorKind::NotADirectory)),
                (true, true) => return Err(error(ErrorKind::AlreadyExists)),
                (false, false) => Some(target),
            },
            Err(ErrorKind::NotFound) => None,
            Err(kind) => return Err(error(kind)),
        };
        let gone_at_once = |parent: u64, name: &str| {
            self.0.location.publish(|published| {
                published.unlink(parent, name);
            });
        };
        if target.is_some() && self.0.twist.rename_removes_target_first {
            gone_at_once(new_parent, new_name);
        }
        if self.0.twist.rename_removes_source_first {
            gone_at_once(old_parent, old_name);
        }
        state.take(old_parent, old_name);
        state.tree.link(new_parent, new_name, source);
        let revision = state.next_revision();
        state.tree.touch(new_parent, revision);
        state.renamed = true;
        if let Some(target) = target {
            state.placed.insert(source.id);
            state.removed.push(target.id);
            state.forget(target.id);
        }
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        let instance = &self.0;
        let twist = &instance.twist;
        let working = {
            let mut state = instance.open(Operation::Sync)?;
            instance.flush(&mut state)?;
            let mut working = state.tree.clone();
            let published = instance.location.published();
            if twist.sync_forgets_closed_files {
                for (id, node) in &mut working.nodes {
                    if let (Content::File(_), false) = (&node.content, state.handles.contains_key(id)) {
                        node.content = published.nodes.get(id).map_or(Content::File(File::default()), |node| node.content.clone());
                    }
                }
            }
            if twist.sync_forgets_removals {
                for (id, node) in &published.nodes {
                    let Content::Directory(entries) = &node.content else { continue };
                    for (name, entry) in entries.iter().filter(|(_, entry)| state.removed.contains(&entry.id)) {
                        working.nodes.insert(entry.id, published.nodes[&entry.id].clone());
                        if working.entries(*id).is_ok_and(|entries| !entries.contains_key(name)) {
                            working.link(*id, name, *entry);
                        }
                    }
                }
            }
            if twist.sync_forgets_renames && state.renamed {
                let old = published.clone();
                for (id, node) in &mut working.nodes {
                    if let (Content::Directory(entries), Some(Content::Directory(before))) =
                        (&mut node.content, old.nodes.get(id).map(|node| &node.content))
                    {
                        *entries = before.clone();
                    }
                }
            }
            if twist.sync_forgets_empty_directories {
                let empty: Vec<u64> = working
                    .nodes
                    .iter()
                    .filter(|(_, node)| matches!(&node.content, Content::Directory(entries) if entries.is_empty()))
                    .map(|(id, _)| *id)
                    .collect();
                for node in working.nodes.values_mut() {
                    if let Content::Directory(entries) = &mut node.content {
                        entries.retain(|_, entry| !empty.contains(&entry.id));
                    }
                }
            }
            if twist.sync_publishes_half {
                for (id, node) in &mut working.nodes {
                    if let (Content::File(_), 1) = (&node.content, id % 2) {
                        node.content = published.nodes.get(id).map_or(Content::File(File::default()), |node| node.content.clone());
                    }
                }
            }
            if twist.sync_forgets_attributes {
                take_attributes(&mut working, &published, |_, _| true);
            }
            if twist.sync_forgets_attributes_of_directories {
                take_attributes(&mut working, &published, |_, node| matches!(node.content, Content::Directory(_)));
            }
            state.removed.clear();
            state.renamed = false;
            state.placed.clear();
            working
        };
        if twist.sync_does_nothing {
            return Ok(());
        }
        if twist.sync_in_two_points {
            let none = BTreeSet::new();
            let follow = Displaced::Follow(&none);
            let half: Vec<u64> = working.reachable().into_iter().filter(|id| id % 2 == 0).collect();
            instance.location.publish(|published| half.iter().for_each(|id| publish_file(published, &working, *id, follow, true, true)));
            futures_lite::future::yield_now().await;
        }
        instance.location.publish(|published| publish_all(published, &working));
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        let mut state = self.0.open(Operation::Close)?;
        state.closed = true;
        let twist = &self.0.twist;
        if !twist.close_keeps_lock && (!twist.close_keeps_lock_while_files_are_open || state.handles.is_empty()) {
            self.0.release();
        }
        Ok(())
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        let state = self.0.reading(Operation::Read)?;
        let error = |kind| self.0.error(kind, Operation::Read, path);
        let entry = state.tree.entry(path).map_err(error)?;
        if entry.directory {
            return Err(error(ErrorKind::IsADirectory));
        }
        if state.tree.is_link(entry.id) {
            return Err(error(ErrorKind::InvalidInput));
        }
        let file = state.tree.file(entry.id).map_err(error)?;
        let mut data = vec![0; usize::try_from(file.len).map_err(|_| error(ErrorKind::InvalidInput))?];
        file.read(0, &mut data).map_err(error)?;
        Ok(data)
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        let mut state = self.0.changing(Operation::Write)?;
        let error = |kind| self.0.error(kind, Operation::Write, path);
        match state.tree.entry(path) {
            Ok(Entry { directory: true, .. }) => return Err(error(ErrorKind::IsADirectory)),
            Ok(Entry { id, .. }) if state.tree.is_link(id) => return Err(error(ErrorKind::InvalidInput)),
            Ok(_) | Err(ErrorKind::NotFound) => {}
            Err(kind) => return Err(error(kind)),
        }
        let (parent, name) = state.tree.holder(path).map_err(error)?;
        if !self.0.reserve(&mut state, 64 + (data.len() as u64).div_ceil(PAGE) * PAGE, Operation::Write, path)? {
            return Ok(());
        }
        if self.0.twist.write_cuts_first {
            self.0.location.publish(|published| {
                let old = published.entry(path).map(|entry| entry.id);
                if let Some(file) = old.ok().and_then(|id| published.file_mut(id).ok()) {
                    file.set_len(0);
                }
            });
        }
        let mut file = File::default();
        file.write(0, data).map_err(error)?;
        let old = state.take(parent, name);
        let id = state.insert(parent, name, Content::File(file));
        if let Some(old) = old {
            state.placed.insert(id);
            let mode = state.tree.nodes.get(&old.id).and_then(|node| node.attributes.mode);
            state.tree.nodes.entry(id).and_modify(|node| node.attributes.mode = mode);
            state.removed.push(old.id);
            state.forget(old.id);
        }
        Ok(())
    }

    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let mut state = self.0.changing(Operation::SetAttributes)?;
        let error = |kind| self.0.error(kind, Operation::SetAttributes, path);
        let id = state.tree.entry(path).map_err(error)?.id;
        state.tree.set_attributes(id, attributes).map_err(error)?;
        if self.0.twist.unsynced_attributes_are_published {
            self.0.location.publish(|published| take_attributes(published, &state.tree, |other, _| other == id));
        }
        Ok(())
    }

    async fn usage(&self) -> Result<Usage> {
        let state = self.0.reading(Operation::Usage)?;
        let used = if self.0.twist.usage_is_constant { 4096 } else { state.tree.bytes() };
        let limit = self.0.location.limit;
        Ok(Usage::new(Some(used), limit, limit.map(|limit| limit.saturating_sub(used))))
    }
}

/// One open file of the reference.
#[derive(Debug)]
struct ReferenceFile {
    instance: Arc<Instance>,
    id: u64,
    options: OpenOptions,
    path: StoragePath,
    /// For the fault that latches one handle.
    failed: Mutex<Option<Error>>,
}

impl ReferenceFile {
    fn error(&self, kind: ErrorKind, operation: Operation) -> Error {
        self.instance.error(kind, operation, &self.path)
    }

    fn writing(&self, operation: Operation, end: Option<u64>) -> Result<MutexGuard<'_, State>> {
        let state = self.instance.changing(operation)?;
        if let Some(error) = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(error);
        }
        if !self.options.is_write() {
            return Err(self.error(ErrorKind::PermissionDenied, operation));
        }
        if state.tree.is_link(self.id) || end.is_none_or(|end| end > CAPABILITIES.max_file_len) {
            return Err(self.error(ErrorKind::InvalidInput, operation));
        }
        Ok(state)
    }
}

impl Drop for ReferenceFile {
    fn drop(&mut self) {
        let mut state = self.instance.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = state.handles.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                state.handles.remove(&self.id);
                state.forget(self.id);
            }
        }
    }
}

#[engine]
impl StorageFile for ReferenceFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let state = self.instance.reading(Operation::Read)?;
        if !self.options.is_read() {
            return Err(self.error(ErrorKind::PermissionDenied, Operation::Read));
        }
        state.tree.file(self.id).and_then(|file| file.read(offset, buf)).map_err(|kind| self.error(kind, Operation::Read))
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let end = offset.checked_add(data.len() as u64);
        let mut state = self.writing(Operation::Write, end)?;
        if data.is_empty() {
            return Ok(());
        }
        let last = (offset + data.len() as u64).div_ceil(PAGE);
        let file = state.tree.file(self.id).map_err(|kind| self.error(kind, Operation::Write))?;
        let more = (offset / PAGE..last).filter(|number| !file.pages.contains_key(number)).count() as u64 * PAGE;
        if more > 0 {
            match self.instance.reserve(&mut state, more, Operation::Write, &self.path) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    if self.instance.twist.no_space_empties_the_file
                        && let Ok(file) = state.tree.file_mut(self.id)
                    {
                        file.set_len(0);
                    }
                    return Err(error);
                }
            }
        }
        let revision = state.next_revision();
        state.tree.file_mut(self.id).and_then(|file| file.write(offset, data)).map_err(|kind| self.error(kind, Operation::Write))?;
        state.tree.touch(self.id, revision);
        let twist = &self.instance.twist;
        let id = self.id;
        if twist.writes_leak || twist.unsynced_write_harms_neighbours || twist.unsynced_write_harms_other_files {
            self.instance.location.publish(|published| {
                if twist.unsynced_write_harms_other_files {
                    for (other, node) in &mut published.nodes {
                        if let (Content::File(file), true) = (&mut node.content, *other != id) {
                            file.set_len(0);
                        }
                    }
                } else if let Ok(file) = published.file_mut(id) {
                    if twist.writes_leak && file.len > 0 {
                        let _ = file.write(offset, &data[..data.len().min(PAGE as usize)]);
                    } else {
                        let len = file.len;
                        file.set_len(offset / PAGE * PAGE);
                        file.set_len(len);
                    }
                }
            });
        }
        Ok(())
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        let mut state = self.writing(Operation::SetLen, Some(len))?;
        let revision = state.next_revision();
        state.tree.file_mut(self.id).map_err(|kind| self.error(kind, Operation::SetLen))?.set_len(len);
        state.tree.touch(self.id, revision);
        Ok(())
    }

    async fn stat(&self) -> Result<Metadata> {
        let state = self.instance.reading(Operation::Stat)?;
        state.metadata(self.id).map_err(|kind| self.error(kind, Operation::Stat))
    }

    async fn sync(&self) -> Result<()> {
        let mut state = self.instance.open(Operation::Sync)?;
        let mut latch = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = latch.clone() {
            return Err(error);
        }
        if let Err(error) = self.instance.flush(&mut state) {
            if self.instance.twist.failed_flush_latches_one_handle {
                *latch = Some(error.clone());
            }
            return Err(error);
        }
        let twist = &self.instance.twist;
        if twist.file_sync_does_nothing {
            return Ok(());
        }
        let mut working = state.tree.clone();
        state.placed.remove(&self.id);
        let placed = state.placed.clone();
        let displaced = match twist {
            Twist { displaced_files_bring_unsynced_bytes: true, .. } => Displaced::WithTheirBytes,
            Twist { displaced_files_are_lost: true, .. } => Displaced::Lost,
            _ => Displaced::Follow(&placed),
        };
        self.instance.location.publish(|published| {
            if twist.file_sync_forgets_growth
                && let (Ok(old), Ok(new)) = (published.file(self.id).map(|file| file.len), working.file_mut(self.id))
            {
                new.set_len(new.len.min(old));
            }
            if twist.file_sync_forgets_attributes {
                take_attributes(&mut working, published, |id, _| id == self.id);
            }
            if twist.file_sync_publishes_attributes_of_others {
                take_attributes(published, &working, |_, _| true);
            }
            if twist.file_sync_publishes_others {
                publish_all(published, &working);
            }
            let before = published.clone();
            publish_file(published, &working, self.id, displaced, !twist.file_sync_forgets_bytes, !twist.file_sync_forgets_names);
            if twist.file_sync_publishes_new_files {
                let new = working.nodes.keys().filter(|id| working.file(**id).is_ok() && !before.nodes.contains_key(*id));
                new.for_each(|id| publish_file(published, &working, *id, displaced, true, true));
            }
            if twist.file_sync_publishes_half_of_others {
                publish_halves(published, &working, self.id);
            }
            if twist.rename_keeps_both_names {
                keep_old_names(published, &before);
            }
        });
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.instance.open(Operation::Close).map(drop)
    }
}

/// Gives the chosen nodes of `to` the attributes that they have in `from`, or none.
fn take_attributes(to: &mut Tree, from: &Tree, chosen: impl Fn(u64, &Node) -> bool) {
    for (id, node) in &mut to.nodes {
        if chosen(*id, node) {
            node.attributes = from.nodes.get(id).map_or_else(Attributes::new, |node| node.attributes.clone());
        }
    }
}

/// The first half of the pages of all files but `id` that are in the store already.
fn publish_halves(published: &mut Tree, working: &Tree, id: u64) {
    for (other, node) in &mut published.nodes {
        if let (Content::File(old), Ok(new), true) = (&mut node.content, working.file(*other), *other != id) {
            let half = new.pages.len() / 2;
            old.len = old.len.max(new.len);
            old.pages.extend(new.pages.iter().take(half.max(1)).map(|(number, page)| (*number, page.clone())));
        }
    }
}

fn keep_old_names(published: &mut Tree, before: &Tree) {
    for (id, Node { content, .. }) in &before.nodes {
        if let (Content::Directory(old), Some(Content::Directory(now))) =
            (content, published.nodes.get_mut(id).map(|node| &mut node.content))
        {
            for (name, entry) in old {
                now.entry(name.clone()).or_insert(*entry);
            }
        }
    }
}

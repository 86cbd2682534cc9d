//! The tree in memory, and what of it is not below. Everything here is done under one lock, and waits for nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use anystorage_api::{Attributes, Capabilities, DirEntry, Error, ErrorKind, FileKind, Metadata, Operation, Result, StoragePath, Timestamp};
use anystorage_memory::{Full, Room};

use super::content::Content;
use super::log::{Log, Op};
use super::node::{Id, Kind, Node, Place, ROOT};

/// A call, for its errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) path: &'a StoragePath,
}

impl Call<'_> {
    pub(super) fn error(self, kind: ErrorKind) -> Error {
        Error::new(kind, self.operation).with_path(self.path)
    }

    pub(super) fn is_a_link(self) -> Error {
        self.error(ErrorKind::InvalidInput).with_text("it is a symbolic link, which is not followed; open what it leads to, or remove it")
    }
}

cfg_if::cfg_if! {
    if #[cfg(all(target_family = "wasm", target_os = "unknown"))] {
        type Teller = Box<dyn Fn(u64)>;
    } else {
        type Teller = Box<dyn Fn(u64) + Send + Sync>;
    }
}

/// Who is told of changes.
pub(super) struct OnChange(pub(super) Teller);

impl fmt::Debug for OnChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnChange").finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) nodes: BTreeMap<Id, Node>,
    last_id: Id,
    pub(super) log: Log,
    last_op: u64,
    /// The nodes with changes beside those of the tree.
    pub(super) touched: BTreeSet<Id>,
    /// The nodes whose changes were written below since the last sync there.
    pub(super) unsynced: BTreeSet<Id>,
    /// Whether changes of the tree were made below since the last sync of everything there.
    pub(super) has_unsynced_names: bool,
    pub(super) room: Arc<Room>,
    revision: u64,
    pub(super) capabilities: Capabilities,
    pub(super) is_closed: bool,
    /// Why nothing may be changed any more.
    pub(super) failure: Option<Error>,
    /// Where the search for memory to give back goes on.
    hand: Id,
    /// Whom to tell of changes, with the bytes that were written.
    pub(super) on_change: Option<OnChange>,
}

impl State {
    pub(super) fn new(limit: u64, capabilities: Capabilities, revision: u64) -> Self {
        Self {
            nodes: BTreeMap::from([(ROOT, Node::new(Kind::Directory(BTreeMap::new()), None, revision, None))]),
            last_id: ROOT,
            log: Log::new(),
            last_op: 0,
            touched: BTreeSet::new(),
            unsynced: BTreeSet::new(),
            has_unsynced_names: false,
            room: Arc::new(Room::new(Some(limit))),
            revision,
            capabilities,
            is_closed: false,
            failure: None,
            hand: ROOT,
            on_change: None,
        }
    }

    // Calls by path.

    /// What every call does first.
    pub(super) fn begin(&self, call: Call<'_>) -> Result<()> {
        if self.is_closed {
            return Err(call.error(ErrorKind::Closed).with_text("the mirror was closed"));
        }
        let longest = self.capabilities.max_name_len;
        if call.path.parts().any(|name| name.len() > longest) {
            return Err(call.error(ErrorKind::InvalidPath).with_text(format!("a name may be {longest} bytes long here")));
        }
        Ok(())
    }

    /// What every call does first that changes something.
    pub(super) fn begin_change(&self, call: Call<'_>) -> Result<()> {
        self.begin(call)?;
        self.failure.clone().map_or(Ok(()), |failure| Err(failure.in_operation(call.operation).with_path(call.path)))
    }

    /// The node at a path.
    pub(super) fn find(&self, path: &str, call: Call<'_>) -> Result<Id> {
        let mut at = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = self.entry(at, name, call)?.ok_or_else(|| call.error(ErrorKind::NotFound))?;
        }
        Ok(at)
    }

    /// What has a name in a directory.
    fn entry(&self, directory: Id, name: &str, call: Call<'_>) -> Result<Option<Id>> {
        match self.nodes.get(&directory).map(|node| &node.kind) {
            Some(Kind::Directory(entries)) => {
                let found = entries.get(name).copied();
                Ok(found.filter(|id| self.nodes.get(id).is_some_and(|node| node.is_addressable)))
            }
            Some(_) => Err(call.error(ErrorKind::NotADirectory)),
            None => Err(call.error(ErrorKind::NotFound)),
        }
    }

    /// The place that a path names, and what is there; none for the root.
    fn place(&self, path: &StoragePath, call: Call<'_>) -> Result<Option<(Place, Option<Id>)>> {
        if path.is_root() {
            return Ok(None);
        }
        let (parent, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        let directory = self.find(parent, call)?;
        let found = self.entry(directory, name, call)?;
        Ok(Some((Place { directory, name: name.to_owned() }, found)))
    }

    pub(super) fn node(&self, id: Id, call: Call<'_>) -> Result<&Node> {
        self.nodes.get(&id).ok_or_else(|| call.error(ErrorKind::NotFound))
    }

    fn kind_of(&self, id: Id) -> FileKind {
        self.nodes.get(&id).map_or(FileKind::Other, Node::file_kind)
    }

    /// The file at a path, to be opened or read.
    pub(super) fn file_at(&self, call: Call<'_>) -> Result<Id> {
        let id = self.find(call.path.as_str(), call)?;
        self.openable(id, call)?;
        Ok(id)
    }

    fn openable(&self, id: Id, call: Call<'_>) -> Result<()> {
        match self.kind_of(id) {
            FileKind::File => Ok(()),
            FileKind::Directory => Err(call.error(ErrorKind::IsADirectory)),
            FileKind::Symlink => Err(call.is_a_link()),
            _ => Err(call.error(ErrorKind::InvalidInput).with_text("it is neither a file nor a directory")),
        }
    }

    /// The file at a path, created if it is missing; with `create_new` it must be.
    pub(super) fn file_or_new(&mut self, create_new: bool, call: Call<'_>) -> Result<Id> {
        match self.place(call.path, call)? {
            None => Err(call.error(if create_new { ErrorKind::AlreadyExists } else { ErrorKind::IsADirectory })),
            Some((_, Some(_))) if create_new => Err(call.error(ErrorKind::AlreadyExists)),
            Some((_, Some(id))) => {
                self.openable(id, call)?;
                Ok(id)
            }
            Some((to, None)) => {
                self.begin_change(call)?;
                let node = self.add(Kind::File(Content::new(Arc::clone(&self.room))), &to);
                self.record(Op::Create { node, to });
                Ok(node)
            }
        }
    }

    pub(super) fn stat(&self, call: Call<'_>) -> Result<Metadata> {
        let id = self.find(call.path.as_str(), call)?;
        Ok(self.node(id, call)?.metadata())
    }

    pub(super) fn list(&self, call: Call<'_>, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let id = self.find(call.path.as_str(), call)?;
        let Kind::Directory(entries) = &self.node(id, call)?.kind else {
            return Err(call.error(ErrorKind::NotADirectory));
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = entries.range::<str, _>((from, Bound::Unbounded)).take(limit);
        Ok(behind.filter_map(|(name, id)| self.nodes.get(id).map(|node| node.entry(name))).collect())
    }

    pub(super) fn create_dir(&mut self, call: Call<'_>) -> Result<()> {
        let Some((to, None)) = self.place(call.path, call)? else {
            return Err(call.error(ErrorKind::AlreadyExists));
        };
        let node = self.add(Kind::Directory(BTreeMap::new()), &to);
        self.record(Op::CreateDir { node, to });
        Ok(())
    }

    pub(super) fn remove_file(&mut self, call: Call<'_>) -> Result<()> {
        let Some((place, found)) = self.place(call.path, call)? else {
            return Err(call.error(ErrorKind::IsADirectory));
        };
        let id = found.ok_or_else(|| call.error(ErrorKind::NotFound))?;
        if self.kind_of(id) == FileKind::Directory {
            return Err(call.error(ErrorKind::IsADirectory));
        }
        self.unlink(&place);
        if let Some(gone) = self.bury(id) {
            self.record(Op::Remove { node: gone });
        }
        self.free(id);
        Ok(())
    }

    pub(super) fn remove_dir(&mut self, call: Call<'_>) -> Result<()> {
        let Some((place, found)) = self.place(call.path, call)? else {
            return Err(call.error(ErrorKind::InvalidInput).with_text("the root cannot be removed"));
        };
        let id = found.ok_or_else(|| call.error(ErrorKind::NotFound))?;
        match &self.node(id, call)?.kind {
            Kind::Directory(entries) if entries.is_empty() => {}
            Kind::Directory(_) => return Err(call.error(ErrorKind::DirectoryNotEmpty)),
            _ => return Err(call.error(ErrorKind::NotADirectory)),
        }
        self.unlink(&place);
        self.bury_dir(id);
        self.free(id);
        Ok(())
    }

    pub(super) fn rename(&mut self, call: Call<'_>, to: &StoragePath) -> Result<()> {
        let target = Call { path: to, ..call };
        let (Some((old, found)), false) = (self.place(call.path, call)?, to.is_root()) else {
            return Err(call.error(ErrorKind::InvalidInput).with_text("the root can be neither renamed nor replaced"));
        };
        let node = found.ok_or_else(|| call.error(ErrorKind::NotFound))?;
        if call.path == to {
            return Ok(());
        }
        let is_directory = self.kind_of(node) == FileKind::Directory;
        if is_directory && to.starts_with(call.path) {
            return Err(call.error(ErrorKind::InvalidInput).with_text(format!("a directory cannot move into itself, to {to:?}")));
        }
        let Some((new, replaced)) = self.place(to, target)? else {
            return Err(call.error(ErrorKind::InvalidInput));
        };
        match (is_directory, replaced.map(|id| self.kind_of(id))) {
            (true, Some(FileKind::Directory)) => return Err(target.error(ErrorKind::AlreadyExists)),
            (true, Some(_)) => return Err(target.error(ErrorKind::NotADirectory)),
            (false, Some(FileKind::Directory)) => return Err(target.error(ErrorKind::IsADirectory)),
            (_, None) | (false, Some(_)) => {}
        }
        // Everything is checked: from here on nothing fails.
        self.unlink(&old);
        let replaces = replaced.and_then(|id| {
            self.unlink(&new);
            self.bury(id)
        });
        self.link(node, new.clone());
        match self.log.last_entry() {
            Some(mut last) => match last.get_mut() {
                // One rename behind the other is one.
                Op::Rename { node: moved, to: amended, is_over: false, .. } if *moved == node && replaced.is_none() => {
                    let left = std::mem::replace(amended, new.clone()).directory;
                    self.count(left, -1);
                    self.count(new.directory, 1);
                }
                _ => self.record(Op::Rename { node, to: new, replaces, is_over: replaced.is_some() }),
            },
            None => self.record(Op::Rename { node, to: new, replaces, is_over: replaced.is_some() }),
        }
        if let Some(id) = replaced {
            self.free(id);
        }
        Ok(())
    }

    /// Puts a file with these bytes at a path, whole.
    pub(super) fn write(&mut self, call: Call<'_>, data: &[u8]) -> Result<()> {
        let Some((to, replaced)) = self.place(call.path, call)? else {
            return Err(call.error(ErrorKind::IsADirectory));
        };
        if let Some(id) = replaced {
            self.openable(id, call)?;
        }
        // Filled before it gets its name, and before the old file goes: old or new, whole.
        let mut content = Content::new(Arc::clone(&self.room));
        let mut written = 0;
        while let Err(full) = content.write(0, data, &mut written) {
            if !self.make_room(full) {
                return Err(out_of_memory(full, call));
            }
        }
        let mode = replaced.and_then(|id| self.nodes.get(&id)).and_then(|node| node.mode);
        let replaces = replaced.and_then(|id| {
            self.unlink(&to);
            self.bury(id)
        });
        let node = self.add(Kind::File(content), &to);
        if let Some(new) = self.nodes.get_mut(&node)
            && let Some(mode) = mode
        {
            new.mode = Some(mode);
            new.unset.mode = Some(mode);
        }
        self.touched.insert(node);
        self.record(Op::Write { node, to, replaces, len: data.len() as u64 });
        if let Some(id) = replaced {
            self.free(id);
        }
        Ok(())
    }

    pub(super) fn set_attributes(&mut self, call: Call<'_>, given: &Attributes) -> Result<()> {
        let id = self.find(call.path.as_str(), call)?;
        let invalid = |why: &str| call.error(ErrorKind::InvalidInput).with_text(why);
        if given.mode.is_some_and(|mode| mode > Attributes::MAX_MODE) {
            return Err(invalid("permission bits are at most 0o7777"));
        }
        let is_empty_file = matches!(&self.node(id, call)?.kind, Kind::File(content) if content.len() == 0);
        match &given.link_target {
            Some(target) if target.is_empty() || target.contains('\0') => {
                return Err(invalid("a link target is not empty, and has no NUL"));
            }
            Some(_) if !is_empty_file => return Err(invalid("only an empty file can become a symbolic link")),
            _ => {}
        }
        let revision = self.next_revision();
        let Some(node) = self.nodes.get_mut(&id) else { return Err(call.error(ErrorKind::NotFound)) };
        if given.link_target.is_some() {
            node.revision = revision;
        }
        node.mode = given.mode.or(node.mode);
        node.accessed = given.accessed.or(node.accessed);
        node.modified = given.modified.or(node.modified);
        node.link = given.link_target.clone().or_else(|| node.link.take());
        merge(&mut node.unset, given);
        self.touched.insert(id);
        self.tell(0);
        Ok(())
    }

    // Calls by node.

    /// Writes to a file; room is made where it can be.
    pub(super) fn write_at(&mut self, id: Id, offset: u64, data: &[u8], call: Call<'_>) -> Result<()> {
        let mut written = 0;
        let outcome = loop {
            let outcome = self.content(id, call)?.write(offset, data, &mut written);
            match outcome {
                Err(full) if self.make_room(full) => {}
                outcome => break outcome.map_err(|full| out_of_memory(full, call)),
            }
        };
        // Whatever came of it: a failed write may have left a prefix.
        self.changed(id, data.len() as u64);
        outcome
    }

    /// Cuts or lengthens; a file that has this length already does not change.
    pub(super) fn set_len(&mut self, id: Id, len: u64, call: Call<'_>) -> Result<()> {
        let content = self.content(id, call)?;
        if content.len() != len {
            content.set_len(len);
            self.changed(id, 0);
        }
        Ok(())
    }

    pub(super) fn content(&mut self, id: Id, call: Call<'_>) -> Result<&mut Content> {
        let node = self.nodes.get_mut(&id).ok_or_else(|| call.error(ErrorKind::NotFound))?;
        if let Some(damage) = &node.damage {
            return Err(damage.clone().in_operation(call.operation).with_path(call.path));
        }
        match &mut node.kind {
            Kind::File(content) => Ok(content),
            Kind::Directory(_) => Err(call.error(ErrorKind::IsADirectory)),
            Kind::Other(_) => Err(call.error(ErrorKind::InvalidInput)),
        }
    }

    /// So many bytes of a file, or its length, have changed.
    fn changed(&mut self, id: Id, bytes: u64) {
        self.tell(bytes);
        let revision = self.next_revision();
        if let Some(node) = self.nodes.get_mut(&id) {
            node.revision = revision;
            node.modified = now();
            node.unset.modified = None;
        }
        self.touched.insert(id);
    }

    /// Gives back memory of what lies below as well, in place of what `full` refused; whether there was any.
    pub(super) fn make_room(&mut self, full: Full) -> bool {
        let Full::Limit(limit) = full else { return false };
        if !self.capabilities.immediate {
            return false;
        }
        let (wanted, mut freed) = (limit / 16, 0);
        let order: Vec<Id> = self.nodes.range(self.hand..).chain(self.nodes.range(..self.hand)).map(|(id, _)| *id).collect();
        for id in order {
            if let Some(Node { kind: Kind::File(content), below: Some(_), is_flying: false, .. }) = self.nodes.get_mut(&id) {
                freed += content.evict(wanted.saturating_sub(freed).max(1));
            }
            self.hand = id;
            if freed > wanted {
                break;
            }
        }
        freed > 0
    }

    /// A sync below has returned, of one file or of everything.
    pub(super) fn synced(&mut self, target: Option<Id>) {
        let synced = match target {
            Some(id) => BTreeSet::from([id]),
            None => {
                self.has_unsynced_names = false;
                std::mem::take(&mut self.unsynced)
            }
        };
        for id in synced {
            self.unsynced.remove(&id);
            if let Some(node) = self.nodes.get_mut(&id) {
                node.unsynced = 0;
            }
        }
    }

    /// How many bytes of files that are there no sync has covered.
    pub(super) fn unsynced_bytes(&self) -> u64 {
        let both = self.touched.union(&self.unsynced).chain(self.nodes.iter().filter(|(_, node)| node.is_flying).map(|(id, _)| id));
        let ids: BTreeSet<&Id> = both.collect();
        let there = ids.into_iter().filter_map(|id| self.nodes.get(id)).filter(|node| node.place.is_some());
        let bytes = |kind: &Kind| if let Kind::File(content) = kind { content.unsynced() } else { 0 };
        there.map(|node| node.unsynced.saturating_add(bytes(&node.kind))).sum()
    }

    /// Whether anything is to be written back or synced below.
    pub(super) fn is_changed(&self) -> bool {
        // What was removed is never written back, and has its changes for as long as it is open.
        let is_there = |id: &Id| *id == ROOT || self.nodes.get(id).is_some_and(|node| node.place.is_some());
        !self.log.is_empty()
            || self.has_unsynced_names
            || self.touched.iter().any(is_there)
            || self.unsynced.iter().any(is_there)
            || self.nodes.values().any(|node| node.is_flying)
    }

    // The tree and the log.

    pub(super) fn next_revision(&mut self) -> u64 {
        self.revision = self.revision.wrapping_add(1);
        self.revision
    }

    pub(super) fn new_id(&mut self) -> Id {
        self.last_id += 1;
        self.last_id
    }

    /// A new node in its place.
    fn add(&mut self, kind: Kind, to: &Place) -> Id {
        let (id, revision) = (self.new_id(), self.next_revision());
        let mut node = Node::new(kind, None, revision, now());
        node.born = Some(Vec::new());
        self.nodes.insert(id, node);
        self.link(id, to.clone());
        id
    }

    pub(super) fn link(&mut self, id: Id, to: Place) {
        self.with_entries(to.directory, |entries| {
            entries.insert(to.name.clone(), id);
        });
        if let Some(node) = self.nodes.get_mut(&id) {
            node.place = Some(to);
        }
    }

    pub(super) fn unlink(&mut self, place: &Place) {
        let removed = self.with_entries(place.directory, |entries| entries.remove(&place.name)).flatten();
        if let Some(node) = removed.and_then(|id| self.nodes.get_mut(&id)) {
            node.place = None;
        }
    }

    fn with_entries<T>(&mut self, directory: Id, change: impl FnOnce(&mut BTreeMap<String, Id>) -> T) -> Option<T> {
        let revision = self.next_revision();
        let node = self.nodes.get_mut(&directory)?;
        node.revision = revision;
        node.modified = now();
        node.unset.modified = None;
        match &mut node.kind {
            Kind::Directory(entries) => Some(change(entries)),
            _ => None,
        }
    }

    /// Tells that something has changed.
    fn tell(&self, bytes: u64) {
        if let Some(told) = &self.on_change {
            (told.0)(bytes);
        }
    }

    fn record(&mut self, op: Op) {
        self.tell(if let Op::Write { len, .. } = &op { *len } else { 0 });
        self.last_op += 1;
        if let Some(born) = self.nodes.get_mut(&op.node()).and_then(|node| node.born.as_mut()) {
            born.push(self.last_op);
        }
        self.speaks(&op, 1);
        self.log.insert(self.last_op, op);
    }

    /// An op more or less speaks of its nodes.
    pub(super) fn speaks(&mut self, op: &Op, change: i32) {
        self.count(op.node(), change);
        if op.needs_bytes()
            && let Some(node) = self.nodes.get_mut(&op.node())
        {
            node.wanted = node.wanted.saturating_add_signed(change);
        }
        for id in op.to().map(|to| to.directory).into_iter().chain(op.replaces()) {
            self.count(id, change);
        }
    }

    fn count(&mut self, id: Id, change: i32) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.uses = node.uses.saturating_add_signed(change);
        }
    }

    /// A file is gone. What has to go below is returned: the file itself; or, where it never came there, and so nothing of it has to, what
    /// it had replaced.
    fn bury(&mut self, id: Id) -> Option<Id> {
        let Some(ops) = self.nodes.get_mut(&id).and_then(|node| node.born.take()) else {
            return Some(id);
        };
        let last = ops.last().copied();
        let mut standing = None;
        for number in ops {
            let Some(op) = self.log.remove(&number) else { continue };
            self.speaks(&op, -1);
            match op.replaces() {
                Some(replaced) if Some(number) == last => standing = Some(replaced),
                // It moved on, and left a free name.
                Some(replaced) => {
                    let op = Op::Remove { node: replaced };
                    self.speaks(&op, 1);
                    self.log.insert(number, op);
                }
                None => {}
            }
        }
        standing
    }

    /// Changes that a write-back did not come to are before all others again. Since nothing of them is below, what came and went in them is
    /// left out now too.
    pub(super) fn take_back(&mut self, ops: impl IntoIterator<Item = (u64, Op)>) {
        let before = self.log.len();
        self.log.extend(ops);
        if self.log.len() == before {
            return;
        }
        let numbers: Vec<u64> = self.log.keys().copied().collect();
        for number in numbers {
            // It may have been left out with an earlier one.
            let Some(op) = self.log.get(&number).cloned() else { continue };
            let born = self.nodes.get_mut(&op.node()).map(|node| &mut node.born);
            match (&op, born) {
                (Op::Create { .. } | Op::CreateDir { .. } | Op::Write { .. }, Some(born)) => *born = Some(vec![number]),
                (Op::Rename { .. }, Some(Some(born))) if !born.contains(&number) => born.push(number),
                (Op::Remove { node }, Some(Some(_))) => {
                    self.log.remove(&number);
                    self.speaks(&op, -1);
                    if let Some(gone) = self.bury(*node) {
                        let op = Op::Remove { node: gone };
                        self.speaks(&op, 1);
                        self.log.insert(number, op);
                    }
                    self.free(*node);
                }
                // What would have to be known is whether anything was in it.
                (Op::RemoveDir { .. }, Some(born)) => *born = None,
                _ => {}
            }
            if let Some(replaced) = op.replaces()
                && self.nodes.get(&replaced).is_some_and(|node| node.born.is_some())
            {
                let standing = self.bury(replaced);
                if let Some(Op::Rename { replaces, .. } | Op::Write { replaces, .. }) = self.log.get_mut(&number) {
                    *replaces = standing;
                }
                self.count(replaced, -1);
                if let Some(standing) = standing {
                    self.count(standing, 1);
                }
                self.free(replaced);
            }
        }
    }

    /// A directory is gone.
    fn bury_dir(&mut self, id: Id) {
        if let Some(node) = self.nodes.get_mut(&id)
            && let Some(ops) = node.born.take()
        {
            // Nothing was ever put into it that the log still speaks of.
            if node.uses as usize == ops.len() {
                for number in ops {
                    if let Some(op) = self.log.remove(&number) {
                        self.speaks(&op, -1);
                    }
                }
                return;
            }
        }
        self.record(Op::RemoveDir { node: id });
    }

    /// A file that somebody removed below is to be put there again, whole.
    pub(super) fn put_again(&mut self, id: Id) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.below = None;
        let (len, to) = match &node.kind {
            Kind::File(content) => (content.len(), node.place.clone()),
            _ => return,
        };
        // Renames that wait would not find it.
        self.leave_out(id, None);
        if let Some(to) = to {
            if let Some(node) = self.nodes.get_mut(&id) {
                node.born = Some(Vec::new());
            }
            self.record(Op::Write { node: id, to, replaces: None, len });
        }
    }

    /// What somebody put below in the place of a new file is that file.
    pub(super) fn take_over(&mut self, id: Id) {
        if self.nodes.get(&id).is_some_and(|node| node.below.is_none() && node.born.is_some()) {
            let place = self.nodes.get(&id).and_then(|node| node.place.clone());
            self.leave_out(id, place.as_ref());
            if let Some(node) = self.nodes.get_mut(&id) {
                node.born = None;
                node.below = place;
            }
        }
    }

    /// Drops a file that is gone below.
    pub(super) fn forget(&mut self, id: Id, call: Call<'_>) -> Result<()> {
        self.leave_out(id, None);
        let place = self.node(id, call)?.place.clone();
        if let Some(place) = place {
            self.unlink(&place);
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            node.below = None;
            node.born = None;
        }
        self.free(id);
        Ok(())
    }

    /// Takes the changes of a node's name out of the log, except that what it replaced is removed: not what lay at the place that it takes
    /// `over` with what lies there.
    pub(super) fn leave_out(&mut self, id: Id, over: Option<&Place>) {
        let numbers: Vec<u64> = self.log.iter().filter(|(_, op)| op.node() == id).map(|(number, _)| *number).collect();
        for number in numbers {
            let Some(op) = self.log.remove(&number) else { continue };
            self.speaks(&op, -1);
            let replaced = op.replaces();
            if let Some(node) = replaced.and_then(|id| self.nodes.get_mut(&id)).filter(|node| over.is_some() && node.below.as_ref() == over)
            {
                node.below = None;
                node.known = None;
                replaced.into_iter().for_each(|id| self.free(id));
            } else if let Some(replaced) = replaced {
                let op = Op::Remove { node: replaced };
                self.speaks(&op, 1);
                self.log.insert(number, op);
            }
        }
    }

    /// Whether a node lies in a directory below, or deeper.
    pub(super) fn lies_below(&self, id: Id, directory: Id) -> bool {
        let above = |id: &Id| self.nodes.get(id).and_then(|node| node.below.as_ref()).map(|place| place.directory);
        // None lies deeper than there are nodes.
        std::iter::successors(above(&id), above).take(self.nodes.len()).any(|id| id == directory)
    }

    /// Forgets a node that nothing leads to any more.
    pub(super) fn free(&mut self, id: Id) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        if id == ROOT || node.place.is_some() || node.handles > 0 || node.is_flying {
            return;
        }
        node.source = None;
        let waits = node.uses > 0;
        // What is to be put somewhere before it is removed goes there whole.
        if node.wanted == 0 {
            self.touched.remove(&id);
            if let Kind::File(content) = &mut node.kind {
                content.set_len(0);
            }
        }
        if !waits {
            self.nodes.remove(&id);
        }
    }

    /// The path of a place below; none if it is not there, or deeper than a path can be.
    pub(super) fn path_below(&self, place: &Place) -> Option<StoragePath> {
        let mut parts = vec![place.name.as_str()];
        let mut at = place.directory;
        while at != ROOT {
            let below = self.nodes.get(&at)?.below.as_ref()?;
            parts.push(&below.name);
            at = below.directory;
        }
        parts.reverse();
        StoragePath::parse(&parts.join("/")).ok()
    }

    /// Where a node is below.
    pub(super) fn node_below(&self, id: Id) -> Option<StoragePath> {
        if id == ROOT {
            return Some(StoragePath::root());
        }
        self.path_below(self.nodes.get(&id)?.below.as_ref()?)
    }
}

/// Sets what is given on top of what was.
pub(super) fn merge(base: &mut Attributes, given: &Attributes) {
    base.mode = given.mode.or(base.mode);
    base.accessed = given.accessed.or(base.accessed);
    base.modified = given.modified.or(base.modified);
    if given.link_target.is_some() {
        base.link_target.clone_from(&given.link_target);
    }
}

/// `NoSpace`, with the limit.
pub(super) fn out_of_memory(full: Full, call: Call<'_>) -> Error {
    let error = call.error(ErrorKind::NoSpace);
    match full {
        Full::Limit(limit) => {
            error.with_text(format!("the mirror may hold {limit} bytes in memory, its limit; sync, remove or cut something"))
        }
        Full::Allocator => error.with_text("the allocator has no more memory"),
    }
}

/// The time.
fn now() -> Option<Timestamp> {
    super::host::now()
}

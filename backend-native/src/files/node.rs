//! A host file that is open, or that still has to be flushed: one node for all its handles.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, RwLock};

use anystorage_api::{Error, Result};

use super::disk::{DiskFile, DiskMetadata};
use super::guard::{exclusive, lock, shared};
use super::revision::{Times, times};

/// Device and inode.
pub(super) type FileId = (u64, u64);

/// How many closed files may wait for a flush with their descriptor open.
const MAX_WAITING: usize = 128;

/// One file of the host.
#[derive(Debug)]
pub(super) struct Node {
    id: FileId,
    name: Mutex<Name>,
    /// Shared by reads, exclusive for changes: calls behave as if done one after another.
    pub(super) state: RwLock<State>,
    /// One flush at a time; reads and writes go on meanwhile.
    flushing: Mutex<()>,
}

/// Where a file is in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// At this path on the host.
    At(String),
    /// It has a name, and we do not know which: it was opened through a symbolic link, or has several.
    Elsewhere,
    /// It has none any more.
    Removed,
}

#[derive(Debug)]
pub(super) struct State {
    /// Changed since the last flush.
    pub(super) dirty: bool,
    /// Counts the changes, so that a flush does not clear what came after it began.
    changes: u64,
    /// The flush that failed; the file takes no writes any more.
    pub(super) failed: Option<Error>,
    /// The times somebody may have seen, until a change moves them.
    pub(super) seen: Option<Times>,
}

impl State {
    /// A change is about to be made.
    pub(super) fn change(&mut self) {
        self.dirty = true;
        self.changes += 1;
    }
}

impl Node {
    fn new(found: &DiskMetadata, name: Name, new: bool) -> Self {
        let seen = (!new).then(|| times(found));
        let state = State { dirty: false, changes: 0, failed: None, seen };
        Self { id: found.id, name: Mutex::new(name), state: RwLock::new(state), flushing: Mutex::new(()) }
    }

    pub(super) const fn id(&self) -> FileId {
        self.id
    }

    pub(super) fn name(&self) -> Name {
        lock(&self.name).clone()
    }

    pub(super) fn set_name(&self, name: Name) {
        *lock(&self.name) = name;
    }

    /// Flushes the file if it is dirty. A failure stays with the file.
    pub(super) fn flush(&self, file: &impl DiskFile, explain: impl FnOnce(io::Error) -> Error) -> Result<()> {
        let _turn = lock(&self.flushing);
        let changes = {
            let state = shared(&self.state);
            if let Some(failed) = &state.failed {
                return Err(failed.clone());
            }
            if !state.dirty {
                return Ok(());
            }
            state.changes
        };
        let flushed = file.sync();
        let mut state = exclusive(&self.state);
        match flushed {
            Ok(()) => {
                if state.changes == changes {
                    state.dirty = false;
                }
                Ok(())
            }
            Err(error) => {
                let failed = explain(error);
                state.failed = Some(failed.clone());
                Err(failed)
            }
        }
    }
}

/// A node, with a descriptor of its file.
pub(super) type Known<F> = (Arc<Node>, Arc<F>);

/// All nodes of an instance.
#[derive(Debug)]
pub(super) struct Nodes<F> {
    by_id: HashMap<FileId, Registered<F>>,
    /// Dirty files without a handle, the oldest first.
    waiting: VecDeque<FileId>,
}

#[derive(Debug)]
struct Registered<F> {
    node: Arc<Node>,
    /// The descriptor of a handle, if possible of one that writes: to flush through when the handles are gone.
    file: Arc<F>,
    writable: bool,
    handles: usize,
}

impl<F> Default for Nodes<F> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), waiting: VecDeque::new() }
    }
}

impl<F> Nodes<F> {
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// An open or dirty file, with a descriptor of it.
    pub(super) fn get(&self, id: FileId) -> Option<Known<F>> {
        self.by_id.get(&id).map(|registered| (registered.node.clone(), registered.file.clone()))
    }

    /// One more handle.
    pub(super) fn register(&mut self, found: &DiskMetadata, name: Name, new: bool, file: &Arc<F>, writable: bool) -> Arc<Node> {
        let registered = self.by_id.entry(found.id).or_insert_with(|| Registered {
            node: Arc::new(Node::new(found, name.clone(), new)),
            file: file.clone(),
            writable,
            handles: 0,
        });
        if registered.handles == 0 {
            self.waiting.retain(|id| *id != found.id);
        }
        if writable && !registered.writable {
            registered.file = file.clone();
            registered.writable = true;
        }
        registered.handles += 1;
        match (registered.node.name(), name) {
            (Name::At(known), Name::At(path)) if known != path => registered.node.set_name(Name::Elsewhere),
            (Name::Elsewhere | Name::Removed, path @ Name::At(_)) => registered.node.set_name(path),
            _ => {}
        }
        registered.node.clone()
    }

    /// The closed files that wait for a flush, the oldest first.
    pub(super) fn waiting(&self) -> Vec<Known<F>> {
        self.waiting.iter().filter_map(|id| self.get(*id)).collect()
    }

    /// One handle less. If too many closed files wait for a flush by now, the oldest of them comes back: it is to be flushed at once, and
    /// then [`forget_clean`](Self::forget_clean).
    pub(super) fn release(&mut self, id: FileId) -> Option<Known<F>> {
        let registered = self.by_id.get_mut(&id)?;
        registered.handles -= 1;
        if registered.handles > 0 || self.forget_clean(id) {
            return None;
        }
        self.waiting.push_back(id);
        if self.waiting.len() > MAX_WAITING { self.waiting.pop_front().and_then(|oldest| self.get(oldest)) } else { None }
    }

    /// Forgets a node that no handle and no flush needs any more, and says whether it did.
    pub(super) fn forget_clean(&mut self, id: FileId) -> bool {
        let Some(registered) = self.by_id.get(&id).filter(|registered| registered.handles == 0) else { return false };
        let needless = registered.node.name() == Name::Removed || {
            let state = shared(&registered.node.state);
            !state.dirty && state.failed.is_none()
        };
        if needless {
            self.by_id.remove(&id);
            self.waiting.retain(|waiting| *waiting != id);
        }
        needless
    }

    /// A name of the file is gone; `links` were there before. It is forgotten if nobody has it open.
    pub(super) fn unlinked(&mut self, id: FileId, path: &str, links: u64) {
        let Some(registered) = self.by_id.get(&id) else { return };
        if links <= 1 {
            registered.node.set_name(Name::Removed);
            self.forget_clean(id);
        } else if registered.node.name() == Name::At(path.to_owned()) {
            registered.node.set_name(Name::Elsewhere);
        }
    }

    /// A file got another path.
    pub(super) fn renamed(&self, id: FileId, to: &str) {
        if let Some(registered) = self.by_id.get(&id) {
            registered.node.set_name(Name::At(to.to_owned()));
        }
    }

    /// A directory, with all below it, got another path.
    pub(super) fn moved(&self, from: &str, to: &str) {
        for registered in self.by_id.values() {
            let mut name = lock(&registered.node.name);
            if let Name::At(path) = &mut *name
                && let Some(rest) = super::names::below(path, from)
            {
                *path = format!("{to}/{rest}");
            }
        }
    }

    /// All files that have a name, each with a descriptor to flush it through, in an order that does not change from run to run.
    pub(super) fn named(&self) -> Vec<Known<F>> {
        let named = self.by_id.values().filter(|registered| registered.node.name() != Name::Removed);
        let mut named: Vec<_> = named.map(|registered| (registered.node.clone(), registered.file.clone())).collect();
        named.sort_by_key(|(node, _)| node.id());
        named
    }

    /// Forgets everything; handles keep their nodes.
    pub(super) fn clear(&mut self) {
        self.by_id.clear();
        self.waiting.clear();
    }
}

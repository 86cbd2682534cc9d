//! What the backend and all its files share.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};
use anystorage_browser_host::global::random;
use anystorage_browser_host::task::{run_to_end, spawn};
use tokio::sync::{Mutex, MutexGuard};

use super::node::Node;
use crate::hidden::Hidden;
use crate::hold::Hold;
use crate::host::Directory;
use crate::open_file::{Access, Change};

/// How many files that nobody has open keep their handle until they are flushed.
const MOST_UNFLUSHED: usize = 32;

/// How many paths have a revision of their own in memory.
const MOST_REVISIONS: usize = 10_000;

/// One open location.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) root: Directory,
    pub(super) hidden: Rc<Hidden>,
    pub(super) access: Access,
    /// Whoever has to wait for the browser has it: tokio's mutex is handed on in the order in which it was asked for.
    turn: Mutex<()>,
    pub(super) closed: Cell<bool>,
    /// The files that are open or not flushed, by where they are now.
    pub(super) nodes: RefCell<BTreeMap<StoragePath, Rc<Node>>>,
    /// Directories that were looked up.
    pub(super) directories: RefCell<HashMap<StoragePath, Directory>>,
    /// The last listing that was made, until something changes: the names in their order, and whether each is a directory.
    pub(super) listed: RefCell<Option<Listing>>,
    revisions: RefCell<HashMap<StoragePath, u64>>,
    /// The revision of what has none of its own.
    base: Cell<u64>,
    last: Cell<u64>,
    /// Released last.
    pub(super) hold: RefCell<Option<Hold>>,
    /// Whether files that nobody has open are about to be flushed.
    is_bounding: Cell<bool>,
}

/// The names in a directory.
pub(super) type Listing = (StoragePath, Rc<Vec<(String, bool)>>);

impl Location {
    pub(super) fn new(root: Directory, hidden: Rc<Hidden>, access: Access, hold: Hold) -> Self {
        let first = random();
        Self {
            root,
            hidden,
            access,
            turn: Mutex::new(()),
            closed: Cell::new(false),
            nodes: RefCell::default(),
            directories: RefCell::default(),
            listed: RefCell::default(),
            revisions: RefCell::default(),
            base: Cell::new(first),
            last: Cell::new(first),
            hold: RefCell::new(Some(hold)),
            is_bounding: Cell::new(false),
        }
    }

    pub(super) fn check_open(&self, operation: Operation) -> Result<()> {
        if self.closed.get() {
            return Err(Error::new(ErrorKind::Closed, operation).with_text("this location was closed"));
        }
        Ok(())
    }

    /// Waits for the turn of this call, behind all that were polled before it.
    pub(super) async fn turn(&self, operation: Operation) -> Result<MutexGuard<'_, ()>> {
        let turn = self.turn.lock().await;
        self.check_open(operation)?;
        self.access.settle().await.map_err(|error| error.in_operation(operation))?;
        Ok(turn)
    }

    /// The turn of closing the location.
    pub(super) async fn turn_to_close(&self) -> Result<MutexGuard<'_, ()>> {
        let turn = self.turn.lock().await;
        self.check_open(Operation::Close)?;
        Ok(turn)
    }

    /// A revision that nothing has had.
    pub(super) fn next_revision(&self) -> u64 {
        self.last.set(self.last.get().wrapping_add(1));
        self.last.get()
    }

    /// The revision of what is at a path.
    pub(super) fn revision(&self, path: &StoragePath) -> u64 {
        self.revisions.borrow().get(path).copied().unwrap_or(self.base.get())
    }

    /// What is at a path has changed.
    pub(super) fn changed(&self, path: &StoragePath) {
        let revision = self.next_revision();
        self.remember(path, revision);
    }

    pub(super) fn remember(&self, path: &StoragePath, revision: u64) {
        if self.revisions.borrow().len() >= MOST_REVISIONS {
            // Too many to know of each: they might all have changed.
            self.revisions.borrow_mut().clear();
            self.base.set(self.next_revision());
        }
        self.revisions.borrow_mut().insert(path.clone(), revision);
    }

    /// A name came or went.
    pub(super) fn name_changed(&self, path: &StoragePath) {
        self.listed.take();
        if let Some(parent) = path.parent() {
            self.changed(&parent);
        }
    }

    /// The node of a path, if its file is open or not flushed.
    pub(super) fn node(&self, path: &StoragePath) -> Option<Rc<Node>> {
        self.nodes.borrow().get(path).cloned()
    }

    /// One opener less.
    pub(super) fn let_go(self: &Rc<Self>, node: &Rc<Node>) {
        node.openers.set(node.openers.get().saturating_sub(1));
        if node.openers.get() > 0 || self.closed.get() {
            return;
        }
        if let Some(number) = node.hidden() {
            // Its space can be had at once; its name goes in its turn.
            let _ = node.at_once(|file| file.change_now(Change::SetLen, 0, &[]));
            let _ = node.elsewhere(|handle| drop(handle.set_len(0)));
            node.close();
            let location = Rc::clone(self);
            drop_to_end(async move {
                if let Ok(_turn) = location.turn(Operation::Close).await {
                    // What is left of it is removed when the location is opened.
                    let _ = location.hidden.remove(number).await;
                }
            });
        } else if !node.is_unflushed() {
            self.forget(node);
        } else {
            self.bound_unflushed();
        }
    }

    /// Closes a file that nobody has open and that is flushed.
    fn forget(&self, node: &Rc<Node>) {
        let mut nodes = self.nodes.borrow_mut();
        let path = nodes.iter().find(|(_, other)| Rc::ptr_eq(other, node)).map(|(path, _)| path.clone());
        if let Some(path) = path {
            nodes.remove(&path);
            drop(nodes);
            self.remember(&path, node.revision.get());
        }
        node.close();
    }

    /// Flushes and closes files beyond the number that may wait for it. Streams have no handle, and their bytes are bounded.
    fn bound_unflushed(self: &Rc<Self>) {
        let waiting: Vec<Rc<Node>> = self.nodes.borrow().values().filter(|node| node.openers.get() == 0).cloned().collect();
        for node in waiting.iter().take(waiting.len().saturating_sub(MOST_UNFLUSHED)) {
            // One that fails stays, so that the next sync answers its error.
            if matches!(node.at_once(|file| node.flush_now(file)), Some(Ok(()))) {
                self.forget(node);
            } else if node.elsewhere(|_| ()).is_some() && !self.is_bounding.replace(true) {
                let location = Rc::clone(self);
                drop_to_end(async move {
                    if let Ok(_turn) = location.turn(Operation::Sync).await {
                        location.is_bounding.set(false);
                        location.flush_idle().await;
                    }
                });
            }
        }
    }

    /// Flushes and closes files that nobody has open, beyond the number that may wait for it. Whoever calls has the turn.
    async fn flush_idle(&self) {
        let waiting: Vec<Rc<Node>> = self.nodes.borrow().values().filter(|node| node.openers.get() == 0).cloned().collect();
        for node in waiting.iter().take(waiting.len().saturating_sub(MOST_UNFLUSHED)) {
            // One that fails stays, so that the next sync answers its error.
            if node.in_turn(&self.access, async |file| node.flush(file).await).await.is_ok() && node.openers.get() == 0 {
                self.forget(node);
            }
        }
    }

    /// Sees to it that so many bytes may be written to a place of a file. Whoever calls has the turn.
    pub(super) async fn make_room(&self, node: &Node, offset: u64, more: usize) -> Result<()> {
        let hole = node.in_turn(&self.access, async |file| Ok(file.hole(offset))).await?;
        if let Some(len) = hole {
            self.access.try_room(len).await?;
        }
        if self.access.has_room(more) {
            return Ok(());
        }
        node.in_turn(&self.access, async |file| node.flush(file).await).await?;
        if !self.access.has_room(more) {
            // What it answers of other files, their own syncs answer too.
            let _ = self.flush_all().await;
        }
        Ok(())
    }

    /// Flushes all files that have a name. Whoever calls has the turn.
    pub(super) async fn flush_all(&self) -> Result<()> {
        let nodes: Vec<Rc<Node>> = self.nodes.borrow().values().filter(|node| node.is_unflushed()).cloned().collect();
        let mut outcome = Ok(());
        for node in nodes {
            let flushed = node.in_turn(&self.access, async |file| node.flush(file).await).await;
            outcome = outcome.and(flushed);
        }
        self.forget_flushed();
        outcome
    }

    /// Lets go of files that nobody has open and that are flushed.
    pub(super) fn forget_flushed(&self) {
        let idle: Vec<Rc<Node>> =
            self.nodes.borrow().values().filter(|node| node.openers.get() == 0 && !node.is_unflushed()).cloned().collect();
        idle.iter().for_each(|node| self.forget(node));
    }
}

impl Drop for Location {
    /// What a worker has open is closed by the time that it ends, and the location is given back then.
    fn drop(&mut self) {
        if let (Some(link), Some(hold)) = (self.access.link(), self.hold.take()) {
            spawn(Box::pin(async move {
                link.shut().await;
                hold.release().await;
            }));
        }
    }
}

/// Leaves a call to the event loop. Its turn comes before that of whoever asks next.
fn drop_to_end(call: impl Future<Output = ()> + 'static) {
    let mut call = run_to_end(call);
    let _ = Pin::new(&mut call).poll(&mut Context::from_waker(Waker::noop()));
}

//! What the backend and all its files share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath, Timestamp};

use crate::names::Entry;
use crate::node::{Node, Use};
use crate::raw::RawFile;
use crate::slots::Slots;
use crate::table::Table;

/// One open location.
#[derive(Debug)]
pub(crate) struct Location<F> {
    /// For the length of one call. Locks of files are taken after it.
    state: Mutex<State<F>>,
    closed: AtomicBool,
    revision: AtomicU64,
    clock: fn() -> Option<Timestamp>,
}

/// The tree, and which file has what.
#[derive(Debug)]
pub(crate) struct State<F> {
    /// As callers see it.
    pub(crate) table: Table,
    /// Directories have no node: their revisions, where they have changed.
    revisions: BTreeMap<StoragePath, u64>,
    /// Whether the stored table is another one.
    is_changed: bool,
    /// The files that the stored table knows: their bytes stay until it does not.
    stored: BTreeSet<u32>,
    failure: Option<Error>,
    /// All files, by their numbers.
    nodes: BTreeMap<u32, Arc<Node<F>>>,
    spare: Vec<u32>,
    /// Closed last: what holds the location may be part of its file. None once it is closed.
    slots: Option<Slots<F>>,
}

impl<F: RawFile> Location<F> {
    pub(crate) fn open(table: F, files: Vec<(u32, F)>, clock: fn() -> Option<Timestamp>, salt: u64) -> Result<Self> {
        let (slots, found) = Slots::open(table, !files.is_empty()).map_err(|error| error.in_operation(Operation::OpenLocation))?;
        let mut state = State {
            stored: found.table.numbers(),
            table: found.table,
            revisions: BTreeMap::new(),
            // The other place has an older one, which would count if the newest were damaged.
            is_changed: found.is_alone,
            failure: None,
            nodes: BTreeMap::new(),
            spare: Vec::new(),
            slots: Some(slots),
        };
        let named: BTreeSet<u32> = state.table.names.numbers().collect();
        // The last number is none: a table could not have it.
        for (number, file) in files.into_iter().filter(|(number, _)| *number < u32::MAX) {
            let usage = match named.contains(&number) {
                true => Use::Named { is_stored: true },
                false if state.table.set_aside.contains(&number) => Use::SetAside,
                // The table that was damaged may be a newer one, and may have named it.
                false if found.is_damaged && !file.is_empty()? => {
                    state.table.set_aside.insert(number);
                    state.stored.insert(number);
                    state.is_changed = true;
                    Use::SetAside
                }
                false => Use::Unnamed,
            };
            state.nodes.insert(number, Arc::new(Node::new(number, Some(file), usage, salt)));
        }
        for number in named {
            state.nodes.entry(number).or_insert_with(|| Arc::new(Node::new(number, None, Use::Named { is_stored: true }, salt)));
        }
        if found.is_damaged {
            // The next table goes there; what was there is put behind both.
            state.is_changed = true;
            let kept = state.table.set_aside.len();
            log::warn!(
                "one of the two places of the name table is damaged, and was set aside: the other one counts, and {kept} files that have bytes \
                 and no name are kept"
            );
        }
        state.recycle();
        let revision = AtomicU64::new(salt);
        Ok(Self { state: Mutex::new(state), closed: AtomicBool::new(false), revision, clock })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State<F>> {
        // No code that holds it panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn check_open(&self, operation: Operation) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, operation).with_text("this location was closed"));
        }
        Ok(())
    }

    /// A revision that nothing has had.
    pub(crate) fn next_revision(&self) -> u64 {
        self.revision.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    pub(crate) fn now(&self) -> Option<Timestamp> {
        (self.clock)()
    }

    /// Makes changes last that only wait for that before their space can be had, and closes what keeps space that it does not need; false if
    /// there is no such space.
    pub(crate) fn make_room(&self) -> bool {
        let mut state = self.lock();
        let stored = state.has_waiting() && state.store().is_ok();
        let retired = state.retire();
        stored || retired
    }

    /// One opener of a file less.
    pub(crate) fn let_go(&self, node: &Node<F>) {
        let mut state = self.lock();
        let mut inner = node.lock();
        inner.openers = inner.openers.saturating_sub(1);
        let is_over = inner.is_over();
        drop(inner);
        if is_over && !self.closed.load(Ordering::Acquire) {
            state.recycle();
        }
    }

    pub(crate) fn close(&self) -> Result<()> {
        let mut state = self.lock();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(Error::new(ErrorKind::Closed, Operation::Close).with_text("this location was closed before"));
        }
        // For damage that may come. What was synced lasts without it.
        if let (Some(slots), None) = (&state.slots, &state.failure)
            && let Err(error) = slots.settle()
        {
            log::debug!("the second copy of the name table may not last: {error}");
        }
        for node in state.nodes.values() {
            drop(node.lock().take_file());
        }
        drop(state.slots.take());
        Ok(())
    }
}

impl<F: RawFile> State<F> {
    /// The file of this number. There is one for each that the table knows.
    pub(crate) fn node(&self, number: u32, operation: Operation) -> Result<Arc<Node<F>>> {
        let text = || Error::new(ErrorKind::Corrupt, operation).with_text(format!("there is no file {number} in the pool"));
        self.nodes.get(&number).cloned().ok_or_else(text)
    }

    /// The revision of a directory; `first` if it has not changed since the location was opened.
    pub(crate) fn revision(&self, directory: &StoragePath, first: u64) -> u64 {
        self.revisions.get(directory).copied().unwrap_or(first)
    }

    /// Whether the tree may change: not after a table's flush has failed.
    pub(crate) fn check(&self) -> Result<()> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    /// How many files there are, and how many of them a new name can have.
    pub(crate) fn capacity(&self) -> (usize, usize) {
        (self.nodes.len(), self.spare.len())
    }

    /// A number that nothing has, nor anything behind it: neither a file, nor a name whose file the host has lost, which is a node too.
    pub(crate) fn next_number(&self) -> u32 {
        let files = self.nodes.last_key_value().map(|(number, _)| number);
        let last = files.max(self.table.set_aside.last()).max(self.stored.last());
        last.map_or(0, |last| last.saturating_add(1))
    }

    /// Takes in a file that is new, and empty.
    pub(crate) fn add(&mut self, number: u32, file: F, revision: u64) -> Result<()> {
        let is_known = self.nodes.contains_key(&number) || self.table.set_aside.contains(&number) || self.stored.contains(&number);
        if is_known || number == u32::MAX {
            let text = format!("file {number} of the pool is there, or was: {} is free", self.next_number());
            return Err(Error::new(ErrorKind::InvalidInput, Operation::Open).with_text(text));
        }
        let node = Node::new(number, Some(file), Use::Spare, revision);
        self.nodes.insert(number, Arc::new(node));
        self.spare.push(number);
        Ok(())
    }

    /// A file for a new name.
    pub(crate) fn take_spare(&mut self, operation: Operation) -> Result<Arc<Node<F>>> {
        if self.spare.is_empty() && self.has_waiting() {
            self.store().map_err(|error| error.in_operation(operation))?;
        }
        let Some(number) = self.spare.pop() else {
            let text = format!(
                "all {} files of the pool are in use: open it with a larger capacity, ask for more of them with reserve, or remove some",
                self.nodes.len()
            );
            return Err(Error::new(ErrorKind::NoSpace, operation).with_text(text));
        };
        self.node(number, operation)
    }

    /// Gives a file back that was taken and did not get a name.
    pub(crate) fn give_back(&mut self, node: &Node<F>) {
        node.lock().usage = Use::Unnamed;
        self.recycle();
    }

    /// Gives a path to a file; whatever file had it loses it.
    pub(crate) fn bind(&mut self, path: &StoragePath, node: &Node<F>, revision: u64) {
        let mut inner = node.lock();
        inner.usage = Use::Named { is_stored: false };
        inner.renumber(revision);
        drop(inner);
        let replaced = self.table.names.insert(path, Entry::File(node.number));
        self.unname(replaced);
        self.name_changed(path, revision);
    }

    /// What had a name has it no more.
    pub(crate) fn unname(&mut self, entry: Option<Entry>) {
        if let Some(Entry::File(number)) = entry
            && let Some(node) = self.nodes.get(&number)
        {
            node.lock().usage = Use::Unnamed;
            self.recycle();
        }
    }

    /// A name came or went.
    pub(crate) fn name_changed(&mut self, path: &StoragePath, revision: u64) {
        self.is_changed = true;
        if let Some(parent) = path.parent() {
            self.revisions.insert(parent, revision);
        }
    }

    /// A directory is another one from now on.
    pub(crate) fn touch_directory(&mut self, path: &StoragePath, revision: u64) {
        self.revisions.insert(path.clone(), revision);
    }

    /// These have other paths than the stored table says: each is another thing there.
    pub(crate) fn moved(&mut self, moved: &[(StoragePath, Entry)], revision: u64) {
        for (path, entry) in moved {
            match entry {
                Entry::Directory => self.touch_directory(path, revision),
                Entry::File(number) => {
                    let Some(node) = self.nodes.get(number) else { continue };
                    let mut inner = node.lock();
                    inner.usage = Use::Named { is_stored: false };
                    inner.renumber(revision);
                }
            }
        }
    }

    /// Whether storing the table gives files free.
    pub(crate) fn has_waiting(&self) -> bool {
        self.nodes.values().any(|node| node.lock().is_over() && self.stored.contains(&node.number))
    }

    /// Empties what nobody has and the stored table does not know.
    fn recycle(&mut self) {
        for (number, node) in &self.nodes {
            let mut inner = node.lock();
            if inner.is_over() && !self.stored.contains(number) && inner.recycle() {
                self.spare.push(*number);
            }
        }
    }

    /// Closes spare files whose space the host keeps; whether there were any.
    fn retire(&mut self) -> bool {
        let keeps_space = |number: &u32| {
            let node = self.nodes.get(number);
            node.is_some_and(|node| node.lock().file().is_ok_and(F::keeps_space))
        };
        let retired: Vec<u32> = self.spare.iter().copied().filter(keeps_space).collect();
        self.spare.retain(|number| !retired.contains(number));
        for number in &retired {
            let Some(node) = self.nodes.get(number).map(Arc::clone) else { continue };
            let mut inner = node.lock();
            // Nobody who opens it next knows that it was emptied just now. Where that fails, nobody shall have it.
            if let Err(error) = inner.flush() {
                log::warn!("a file of the pool is not used until the location is opened again: {error}");
            } else if let Some(file) = inner.take_file() {
                self.nodes.remove(number);
                file.retire();
            }
        }
        !retired.is_empty()
    }

    /// Makes all files with a name last, and the table.
    pub(crate) fn sync(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        for node in self.nodes.values() {
            let mut inner = node.lock();
            if inner.is_named() {
                let flushed = inner.flush();
                outcome = outcome.and(flushed);
            }
        }
        let stored = self.store();
        outcome.and(stored)
    }

    /// Makes the table last, if it has changed.
    ///
    /// The order is what a power cut asks for. Each file whose name is new is flushed first: so what replaces another file is whole, and where a
    /// file was emptied for a new one, nothing of the old bytes comes back. Files that the table has forgotten keep their bytes until it is
    /// flushed.
    pub(crate) fn store(&mut self) -> Result<()> {
        self.check()?;
        if !self.is_changed {
            return Ok(());
        }
        for node in self.nodes.values() {
            let mut inner = node.lock();
            if inner.is_unstored() {
                // Of whatever file this was a sync: that is the one which keeps the table from being stored.
                inner.flush().map_err(|error| match self.table.names.path_of(node.number) {
                    Some(path) if error.path().is_none() => error.with_path(&path),
                    _ => error,
                })?;
            }
        }
        let Some(slots) = &mut self.slots else { return Err(Error::new(ErrorKind::Closed, Operation::Sync)) };
        if let Err(error) = slots.put_aside() {
            // Whether the bytes were refused, or may be lost: what lies there has not been written over.
            if error.kind() != ErrorKind::NoSpace {
                self.failure = Some(error.clone());
            }
            return Err(error);
        }
        if let Err(error) = slots.write(&self.table) {
            // It may be there nevertheless, and name them.
            self.stored.append(&mut self.table.numbers());
            return Err(error);
        }
        if let Err(error) = slots.flush(&self.table) {
            self.failure = Some(error.clone());
            return Err(error);
        }
        self.is_changed = false;
        self.stored = self.table.numbers();
        for node in self.nodes.values() {
            let mut inner = node.lock();
            if inner.is_unstored() {
                inner.usage = Use::Named { is_stored: true };
            }
        }
        self.recycle();
        Ok(())
    }

    /// How many files were set aside.
    pub(crate) fn set_aside(&self) -> usize {
        self.table.set_aside.len()
    }

    /// Lets new files have what was set aside.
    pub(crate) fn discard_set_aside(&mut self) -> Result<()> {
        self.check()?;
        let given_up = std::mem::take(&mut self.table.set_aside);
        self.is_changed |= !given_up.is_empty();
        if let Err(error) = self.store() {
            self.table.set_aside = given_up;
            return Err(error);
        }
        for node in given_up.iter().filter_map(|number| self.nodes.get(number)) {
            node.lock().usage = Use::Unnamed;
        }
        self.recycle();
        Ok(())
    }
}

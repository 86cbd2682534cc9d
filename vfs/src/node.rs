//! What descriptors are open on: a file, whatever its name is by now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{StoragePath, Timestamp};

use crate::records::Record;
use crate::stat::NodeKind;

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mount: u32,
    pub(crate) kind: NodeKind,
    /// The longest that a file of its mount may get.
    pub(crate) max_len: u64,
    state: Mutex<State>,
    /// One at a time where a write goes to the end, and where it is cut. Whoever has it does not ask for the tree.
    pub(crate) appending: Mutex<()>,
    /// As long as there is a copy of it, the mount is in use.
    left: Arc<Left>,
}

/// What nodes leave behind that go when nobody has the tree: a call that was under way as the last descriptor was closed had the last hold of it.
#[derive(Debug, Default)]
pub(crate) struct Left(Mutex<Vec<(StoragePath, Timestamp)>>);

impl Left {
    /// Where something was written, and when.
    pub(crate) fn take(&self) -> Vec<(StoragePath, Timestamp)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut state = self.state();
        if let (Place::At(path), Some(at)) = (&state.place, state.written) {
            let written = (path.clone(), at);
            state.written = None;
            self.left.0.lock().unwrap_or_else(PoisonError::into_inner).push(written);
        }
    }
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) place: Place,
    /// When it was last written through a descriptor, unless its record knows already.
    pub(crate) written: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) enum Place {
    At(StoragePath),
    /// Its name is gone; what was known of it then, and since.
    Removed {
        record: Box<Record>,
        ino: u64,
    },
}

impl Node {
    pub(crate) const fn new(mount: u32, path: StoragePath, kind: NodeKind, max_len: u64, left: Arc<Left>) -> Self {
        let state = Mutex::new(State { place: Place::At(path), written: None });
        Self { mount, kind, max_len, state, appending: Mutex::new(()), left }
    }

    pub(crate) const fn is_dir(&self) -> bool {
        matches!(self.kind, NodeKind::Directory)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is; none once it was removed.
    pub(crate) fn path(&self) -> Option<StoragePath> {
        match &self.state().place {
            Place::At(path) => Some(path.clone()),
            Place::Removed { .. } => None,
        }
    }
}

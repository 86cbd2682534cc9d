//! Settling what was changed on both sides.

use std::sync::{Arc, Mutex};

use anystorage_api::{Attributes, Error, ErrorKind, Metadata, Operation, Result, StoragePath};

use super::content::Content;
use super::node::{Id, Kind, Known, Place};
use super::options::Progress;
use super::shared::Shared;
use super::state::{Call, State};

/// Whose changes of a file stay, where somebody else changed it below. See [`Mirror::resolve`](super::Mirror::resolve).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// What is here; what is below is overwritten. If it was removed here, or another file was put over it, that stays so.
    Mine,
    /// What is below; the changes here are dropped. If it was removed here, it comes back; what was put over it goes back to where it is
    /// below, and what was put over it anew is dropped.
    Theirs,
}

/// What is below by now.
struct Theirs<'a> {
    found: &'a Metadata,
    content: Content,
    damage: Option<Error>,
}

impl Shared {
    pub(super) async fn resolve(&self, path: &StoragePath, keep: Keep) -> Result<()> {
        let call = Call { operation: Operation::Sync, path };
        self.lock().begin_change(call)?;
        let in_sync = |error: Error| error.in_operation(Operation::Sync);
        let there = self.stat_below(path).await.map_err(in_sync)?;
        // Syncs tell where it is below, and of what was removed here there is no other path.
        let told = self.lock().file_below(path);
        let told = told.filter(|id| self.lock().is_in_conflict(*id, there.as_ref()));
        if let Some(id) = told.filter(|id| self.lock().is_removed(*id)) {
            if keep == Keep::Mine {
                return self.lock().stays_gone(id, call, there.as_ref());
            }
            let Some(found) = there.filter(|found| !found.is_dir()) else {
                self.lock().let_go(id);
                return Ok(());
            };
            self.lock().may_come_back(id, call)?;
            let (content, damage) = self.load_theirs(path, &found).await?;
            return self.lock().come_back(id, call, Theirs { found: &found, content, damage });
        }
        let (id, below) = {
            let state = self.lock();
            let id = told.map_or_else(|| state.find(path.as_str(), call), Ok)?;
            match &state.node(id, call)?.kind {
                Kind::File(_) => {}
                Kind::Directory(_) => return Err(call.error(ErrorKind::IsADirectory)),
                Kind::Other(_) => return Err(call.error(ErrorKind::InvalidInput).with_text("it is no file")),
            }
            if state.node_below(id).is_none() && state.file_below(path).is_some() {
                // New here, and below is one that is about to go: nobody else came between.
                return Ok(());
            }
            // What is new here would come to lie where it is here.
            (id, state.node_below(id).unwrap_or_else(|| path.clone()))
        };
        let found = if below == *path { there } else { self.stat_below(&below).await.map_err(in_sync)? };
        if found.as_ref().is_some_and(Metadata::is_dir) {
            return Err(call.error(ErrorKind::IsADirectory).with_text("below it is a directory by now; rename the file here"));
        }
        match (keep, &found) {
            (Keep::Mine, found) => self.lock().keep_mine(id, call, found.as_ref()),
            (Keep::Theirs, None) => self.lock().forget(id, call),
            (Keep::Theirs, Some(found)) => {
                let (content, damage) = self.load_theirs(&below, found).await?;
                let mut state = self.lock();
                state.take_over(id);
                state.keep_theirs(id, Theirs { found, content, damage });
                Ok(())
            }
        }
    }

    async fn stat_below(&self, path: &StoragePath) -> Result<Option<Metadata>> {
        match self.engine.stat(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The bytes below: all of them, or none yet where they load when they are read.
    async fn load_theirs(&self, path: &StoragePath, found: &Metadata) -> Result<(Content, Option<Error>)> {
        if self.is_immediate || !found.is_file() {
            return Ok((Content::below(Arc::clone(&self.lock().room), found.len), None));
        }
        let progress = Mutex::new(Progress::default());
        self.load_beside(path, found.len, &progress).await.map_err(|error| error.in_operation(Operation::Sync))
    }
}

impl State {
    /// The file that is at this path below, wherever it is here.
    fn file_below(&self, path: &StoragePath) -> Option<Id> {
        let is_it = |id: Id| self.node_below(id).is_some_and(|below| below == *path);
        let mut files = self.nodes.iter().filter(|(_, node)| node.below.is_some() && matches!(node.kind, Kind::File(_)));
        files.find(|(id, _)| is_it(**id)).map(|(id, _)| *id)
    }

    /// Whether it was removed here, or another one was put over it.
    fn is_removed(&self, id: Id) -> bool {
        self.nodes.get(&id).is_some_and(|node| node.place.is_none())
    }

    /// Whether somebody changed it below.
    fn is_in_conflict(&self, id: Id, found: Option<&Metadata>) -> bool {
        let Some(node) = self.nodes.get(&id) else { return false };
        found.is_none_or(|found| node.known.as_ref().is_some_and(|known| !known.is_still(&Known::new(found))))
    }

    /// What is here becomes the truth.
    fn keep_mine(&mut self, id: Id, call: Call<'_>, found: Option<&Metadata>) -> Result<()> {
        if !self.content(id, call)?.rewrite(found.map_or(0, |found| found.len)) {
            return Err(call.error(ErrorKind::Io).with_text("a part of it was never loaded, and is gone; keep theirs, or write it anew"));
        }
        if found.is_none() {
            self.put_again(id);
        } else {
            self.take_over(id);
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            node.known = found.map(Known::new);
            // It may be of a file that another one took the place of.
            node.source = None;
        }
        self.touched.insert(id);
        Ok(())
    }

    /// What is below becomes the truth.
    fn keep_theirs(&mut self, id: Id, theirs: Theirs<'_>) {
        let revision = self.next_revision();
        if let Some(node) = self.nodes.get_mut(&id) {
            node.replace(theirs.content, theirs.found, revision);
            node.damage = theirs.damage;
            node.unset = Attributes::new();
        }
        self.touched.remove(&id);
    }

    /// What was removed here is to be removed below too, whatever was done to it there.
    fn stays_gone(&mut self, id: Id, call: Call<'_>, found: Option<&Metadata>) -> Result<()> {
        match found {
            Some(found) if found.is_dir() => {
                Err(call.error(ErrorKind::IsADirectory).with_text("below it is a directory by now, which a file's removal does not remove"))
            }
            Some(found) => {
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.known = Some(Known::new(found));
                    node.source = None;
                }
                Ok(())
            }
            None => {
                self.let_go(id);
                Ok(())
            }
        }
    }

    /// Both sides removed it.
    fn let_go(&mut self, id: Id) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.below = None;
            node.known = None;
        }
        self.leave_out(id, None);
        self.free(id);
    }

    /// Whether a file that was removed here can have its name again.
    fn may_come_back(&self, id: Id, call: Call<'_>) -> Result<()> {
        let Some(place) = self.nodes.get(&id).and_then(|node| node.below.clone()) else { return Ok(()) };
        if !self.is_there(place.directory) {
            return Err(call.error(ErrorKind::NotFound).with_text("its directory was removed here: make it again, or keep mine"));
        }
        let has_it = self.child(&place);
        let home = has_it.and_then(|id| self.nodes.get(&id)?.below.as_ref());
        if has_it.and_then(|id| self.nodes.get(&id)).is_some_and(|node| matches!(node.kind, Kind::Directory(_))) {
            return Err(call.error(ErrorKind::IsADirectory).with_text("here it is a directory by now: rename that, or keep mine"));
        }
        // Changes that wait are carried out in their order, and each name has to be free when its turn comes.
        let is_used = |place: &Place| self.log.values().any(|op| op.to() == Some(place) && Some(op.node()) != has_it);
        let can_go_home = |home: &Place| self.is_there(home.directory) && self.child(home).is_none() && !is_used(home);
        if is_used(&place) || home.is_some_and(|home| !can_go_home(home)) {
            let why = "since it was removed here, its name, or that of what was put over it, was given to something else: keep mine";
            return Err(call.error(ErrorKind::AlreadyExists).with_text(why));
        }
        Ok(())
    }

    /// Gives it its name again; what has it here gives way.
    fn come_back(&mut self, id: Id, call: Call<'_>, theirs: Theirs<'_>) -> Result<()> {
        // It may have been changed while the bytes were loaded.
        self.may_come_back(id, call)?;
        let Some(place) = self.nodes.get(&id).and_then(|node| node.below.clone()) else { return Ok(()) };
        if let Some(other) = self.child(&place) {
            match self.nodes.get(&other).and_then(|node| node.below.clone()) {
                None => self.forget(other, call)?,
                Some(home) => {
                    self.leave_out(other, None);
                    self.unlink(&place);
                    self.link(other, home);
                }
            }
        }
        self.leave_out(id, None);
        self.link(id, place);
        self.keep_theirs(id, theirs);
        Ok(())
    }

    /// Whether it is a directory that has not been removed here.
    fn is_there(&self, directory: Id) -> bool {
        self.nodes.get(&directory).is_some_and(|node| directory == super::node::ROOT || node.place.is_some())
    }

    /// What has this name here.
    fn child(&self, place: &Place) -> Option<Id> {
        match &self.nodes.get(&place.directory)?.kind {
            Kind::Directory(entries) => entries.get(&place.name).copied(),
            _ => None,
        }
    }
}

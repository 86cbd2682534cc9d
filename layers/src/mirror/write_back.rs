//! What a sync does: the changes of the tree in their order, the bytes of files, and then one sync below.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use anystorage_api::{Attributes, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath};

use super::content::Change;
use super::host::at_once;
use super::log::Op;
use super::node::{Id, Kind, Known};
use super::shared::Shared;
use super::state::{State, merge};

/// How many bytes are written by one call.
const PIECE: usize = 1 << 20;

/// What a write-back has taken over.
#[derive(Debug)]
struct Plan {
    ops: VecDeque<(u64, Op)>,
    files: BTreeMap<Id, Pending>,
    /// The file whose sync this is; none where everything is synced.
    target: Option<Id>,
}

/// Changes of one node.
#[derive(Debug)]
struct Pending {
    change: Option<Change>,
    attributes: Attributes,
    /// How long the file below is, as far as that is known.
    below_len: u64,
    /// How many bytes went below so far.
    written: u64,
}

/// One change of the tree, in terms of the engine.
#[derive(Debug)]
struct Step {
    call: Call,
    /// What the call takes the name from, where it has to be open.
    keep: Option<StoragePath>,
}

#[derive(Debug)]
enum Call {
    Create(StoragePath),
    CreateDir(StoragePath),
    Remove(StoragePath),
    RemoveDir(StoragePath),
    Rename {
        from: StoragePath,
        to: StoragePath,
        is_free: bool,
    },
    Write {
        at: StoragePath,
        data: Vec<u8>,
        is_free: bool,
    },
    /// It is gone already.
    Nothing,
}

/// What came of a step.
#[derive(Debug, Default)]
struct Done {
    /// The file that was created, open.
    created: Option<Arc<dyn StorageFile>>,
    /// What is at the new place.
    found: Option<Metadata>,
    kept: Option<Arc<dyn StorageFile>>,
}

impl State {
    fn begin_write_back(&mut self, target: Option<Id>) -> Plan {
        let ops: VecDeque<_> = std::mem::take(&mut self.log).into_iter().collect();
        let mut ids: BTreeSet<Id> = ops.iter().filter(|(_, op)| op.needs_bytes()).map(|(_, op)| op.node()).collect();
        for (_, op) in &ops {
            if let Some(node) = self.nodes.get_mut(&op.node()) {
                node.born = None;
            }
        }
        match target {
            Some(id) => drop(ids.insert(id)),
            None => ids.extend(
                self.touched.iter().filter(|id| **id == super::node::ROOT || self.nodes.get(id).is_some_and(|node| node.place.is_some())),
            ),
        }
        let files = ids.into_iter().filter_map(|id| Some((id, self.take(id)?))).collect();
        Plan { ops, files, target }
    }

    fn take(&mut self, id: Id) -> Option<Pending> {
        let node = self.nodes.get_mut(&id)?;
        let change = match &mut node.kind {
            Kind::File(content) if content.is_changed() && node.damage.is_none() => Some(content.take()),
            _ => None,
        };
        node.is_flying = true;
        self.touched.remove(&id);
        Some(Pending { change, attributes: std::mem::take(&mut node.unset), below_len: 0, written: 0 })
    }

    /// A change of the tree, as the engine is to be asked for it.
    fn step(&self, op: &Op, files: &BTreeMap<Id, Pending>) -> Result<Step> {
        let too_deep = || Error::new(ErrorKind::InvalidPath, Operation::Sync).with_text("it lies deeper than a path can lead");
        let from = self.node_below(op.node());
        let to = op.to().map(|to| self.path_below(to).ok_or_else(too_deep)).transpose()?;
        let is_free = op.replaces().is_none_or(|id| self.nodes.get(&id).is_none_or(|node| node.below.is_none()));
        let call = match (op, from, to) {
            (Op::Create { .. }, _, Some(to)) => Call::Create(to),
            (Op::CreateDir { .. }, _, Some(to)) => Call::CreateDir(to),
            (Op::Remove { .. }, Some(from), _) => Call::Remove(from),
            (Op::RemoveDir { .. }, Some(from), _) => Call::RemoveDir(from),
            // It came back to where it was.
            (Op::Rename { .. }, Some(from), Some(to)) if from == to => Call::Nothing,
            (Op::Rename { .. }, Some(from), Some(to)) => Call::Rename { from, to, is_free },
            (Op::Write { node, len, .. }, _, Some(at)) => {
                let mut data = Vec::new();
                if let Some(change) = files.get(node).and_then(|pending| pending.change.as_ref()) {
                    let len = usize::try_from(change.len.min(*len)).unwrap_or(usize::MAX);
                    let no_memory =
                        |_| Error::new(ErrorKind::NoSpace, Operation::Sync).with_path(&at).with_text("no memory to write it from");
                    data.try_reserve_exact(len).map_err(no_memory)?;
                    data.resize(len, 0);
                    change.bytes.read(0, &mut data);
                }
                Call::Write { at, data, is_free }
            }
            _ => Call::Nothing,
        };
        let gone = match op {
            Op::Remove { node } => Some(*node),
            op => op.replaces(),
        };
        let is_open = |id: &Id| {
            self.nodes.get(id).is_some_and(|node| node.handles > 0 && node.source.is_none() && matches!(node.kind, Kind::File(_)))
        };
        Ok(Step { call, keep: gone.filter(is_open).and_then(|id| self.node_below(id)) })
    }

    /// A change of the tree is below.
    fn stepped(&mut self, op: &Op, done: &Done) {
        let gone = match op {
            Op::Remove { node } | Op::RemoveDir { node } => Some(*node),
            op => op.replaces(),
        };
        if let Some(node) = gone.and_then(|id| self.nodes.get_mut(&id)) {
            node.below = None;
            node.known = None;
            if let Some(kept) = &done.kept {
                node.source = Some(Arc::clone(kept));
            }
        }
        self.has_unsynced_names = true;
        let mut moved_directory = false;
        if let Some(to) = op.to()
            && let Some(node) = self.nodes.get_mut(&op.node())
        {
            node.below = Some(to.clone());
            node.known = done.found.as_ref().map(Known::new);
            moved_directory = matches!((op, &node.kind), (Op::Rename { .. }, Kind::Directory(_)));
        }
        if moved_directory {
            // Their paths are others, and an engine may give each path revisions of its own.
            let moved: Vec<Id> = self.nodes.keys().copied().filter(|id| self.lies_below(*id, op.node())).collect();
            for node in moved {
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.known = None;
                }
            }
        }
        self.speaks(op, -1);
        for id in gone.into_iter().chain([op.node()]).chain(op.to().map(|to| to.directory)) {
            self.free(id);
        }
    }

    /// The changes of a node are below.
    fn landed(&mut self, id: Id, pending: &Pending, found: Option<&Metadata>) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.is_flying = false;
            node.unsynced += pending.written;
            if node.handles == 0 {
                node.source = None;
            }
            if let (Kind::File(content), true) = (&mut node.kind, pending.change.is_some()) {
                content.landed();
            }
            if let (Some(found), Some(_)) = (found, &node.below) {
                node.known = Some(Known::new(found));
            }
        }
        self.unsynced.insert(id);
        self.free(id);
    }

    /// The changes of a node are not below, or a part of them only.
    fn returned(&mut self, id: Id, pending: Pending, found: Option<&Metadata>) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.is_flying = false;
            if let (Kind::File(content), Some(change)) = (&mut node.kind, &pending.change) {
                content.returned(change, found.map_or(pending.below_len, |found| found.len));
            }
            let newer = std::mem::replace(&mut node.unset, pending.attributes);
            merge(&mut node.unset, &newer);
            if node.below.is_some() && pending.written > 0 {
                node.known = found.map(Known::new);
            }
            if node.is_changed() {
                self.touched.insert(id);
            }
        }
        self.free(id);
    }
}

impl Shared {
    /// Brings below what has changed here, all of it or for one file, and syncs it there. One at a time: the caller has the turn.
    pub(super) async fn write_back(self: Arc<Self>, target: Option<Id>) -> Result<()> {
        let mut plan = {
            let mut state = self.lock();
            if let Some(failure) = &state.failure {
                return Err(failure.clone().in_operation(Operation::Sync));
            }
            state.begin_write_back(target)
        };
        let outcome = self.carry_out(&mut plan).await;
        // What is left of the plan was not carried out, and stays pending.
        for (id, pending) in std::mem::take(&mut plan.files) {
            let path = self.lock().node_below(id).filter(|_| pending.written > 0);
            let found = match path {
                Some(path) => self.engine.stat(&path).await.ok(),
                None => None,
            };
            self.lock().returned(id, pending, found.as_ref());
        }
        self.lock().take_back(plan.ops);
        outcome
    }

    async fn carry_out(&self, plan: &mut Plan) -> Result<()> {
        self.look(plan).await?;
        let mut is_relieved = false;
        while let Some((_, op)) = plan.ops.front().cloned() {
            match self.carry_out_op(&op, plan).await {
                Ok(()) => {}
                // What was removed and cut later may have been so for its sake.
                Err(error) if error.kind() == ErrorKind::NoSpace && !is_relieved => {
                    is_relieved = true;
                    self.relieve(plan).await?;
                }
                Err(error) => return Err(error),
            }
        }
        let ids: Vec<Id> = plan.files.keys().copied().collect();
        let mut handle = None;
        for id in ids {
            let is_target = plan.target == Some(id);
            let file = match self.flush(id, plan, None, is_target).await {
                Err(error) if error.kind() == ErrorKind::NoSpace && !is_relieved => {
                    is_relieved = true;
                    self.relieve(plan).await?;
                    self.flush(id, plan, None, is_target).await?
                }
                outcome => outcome?,
            };
            if is_target {
                handle = file;
            }
        }
        if let (Some(id), None) = (plan.target, &handle) {
            // Its bytes had to go before something else.
            handle = self.file_below(id).await?;
        }
        let synced = match (plan.target, handle) {
            (None, _) => self.engine.sync().await,
            (Some(_), Some(file)) => file.sync().await,
            // It was removed below, and nobody has it open there: no name leads to it.
            (Some(_), None) => Ok(()),
        };
        let mut state = self.lock();
        match &synced {
            Ok(()) => state.synced(plan.target),
            // A commit that was refused whole may be tried again; anything else leaves open what reached the disk.
            Err(error) if error.kind() == ErrorKind::NoSpace || error.is_retryable() => {}
            Err(error) => state.failure = Some(error.clone()),
        }
        synced
    }

    /// The first change of the tree in the plan, and the bytes that have to be there before it.
    async fn carry_out_op(&self, op: &Op, plan: &mut Plan) -> Result<()> {
        if matches!(op, Op::Rename { is_over: true, .. }) {
            self.flush(op.node(), plan, None, false).await?;
        }
        let done = self.carry_out_step(op, plan).await?;
        // It is below, whatever becomes of the bytes.
        plan.ops.pop_front();
        if let (Some(file), None) = (done.created, plan.target) {
            // It is open already. What cannot be written now is tried again behind all changes of the tree.
            match self.flush(op.node(), plan, Some(file), false).await {
                Err(error) if error.kind() == ErrorKind::NoSpace => {}
                outcome => drop(outcome?),
            }
        }
        Ok(())
    }

    /// Does first what gives space back: removals of files that nothing else in the plan speaks of, and cuts. To whoever looks after a kill
    /// it is as if an earlier change had been lost, as one that was not synced may be.
    async fn relieve(&self, plan: &mut Plan) -> Result<()> {
        let mut spoken_of: BTreeMap<Id, u32> = BTreeMap::new();
        for (_, op) in &plan.ops {
            for id in op.replaces().into_iter().chain([op.node()]) {
                *spoken_of.entry(id).or_default() += 1;
            }
        }
        let removals: Vec<_> =
            plan.ops.iter().filter(|(_, op)| matches!(op, Op::Remove { node } if spoken_of.get(node) == Some(&1))).cloned().collect();
        for (number, op) in removals {
            self.carry_out_step(&op, plan).await?;
            plan.ops.retain(|(other, _)| *other != number);
        }
        for (id, pending) in &mut plan.files {
            let Some(cut) = pending.change.as_ref().and_then(|change| change.cut) else { continue };
            let Some(path) = self.lock().node_below(*id) else { continue };
            let file = self.open_below(&path).await?;
            pending.written = pending.written.max(1);
            file.set_len(cut).await.map_err(|error| in_sync(error, Some(&path)))?;
            file.close().await?;
            pending.below_len = cut;
            if let Some(change) = &mut pending.change {
                change.cut = None;
            }
        }
        Ok(())
    }

    /// Whether somebody else changed what is to be changed: then nothing is.
    async fn look(&self, plan: &mut Plan) -> Result<()> {
        let mut ids: BTreeSet<Id> = plan.files.keys().copied().collect();
        for (_, op) in &plan.ops {
            ids.extend(op.replaces().into_iter().chain([op.node()]));
        }
        for id in ids {
            let (path, known) = {
                let state = self.lock();
                match (state.nodes.get(&id).filter(|node| matches!(node.kind, Kind::File(_))), state.node_below(id)) {
                    (Some(node), Some(path)) => (path, node.known.clone()),
                    _ => continue,
                }
            };
            let found = match self.engine.stat(&path).await {
                Ok(found) => found,
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(behind_its_back(&path, "removed")),
                Err(error) => return Err(error.in_operation(Operation::Sync)),
            };
            let now = Known::new(&found);
            if known.is_some_and(|known| !known.is_still(&now)) {
                return Err(behind_its_back(&path, "changed"));
            }
            if let Some(pending) = plan.files.get_mut(&id) {
                pending.below_len = found.len;
            }
            if let Some(node) = self.lock().nodes.get_mut(&id) {
                node.known = Some(now);
            }
        }
        Ok(())
    }

    async fn carry_out_step(&self, op: &Op, plan: &mut Plan) -> Result<Done> {
        let (done, len) = if self.is_immediate {
            // Whoever loads bytes meanwhile has to know where they are.
            let mut state = self.lock();
            let step = state.step(op, &plan.files)?;
            let len = step.call.len();
            let done = at_once(Operation::Sync, self.perform(step))?;
            state.stepped(op, &done);
            (done, len)
        } else {
            let step = self.lock().step(op, &plan.files)?;
            let len = step.call.len();
            let done = self.perform(step).await?;
            self.lock().stepped(op, &done);
            (done, len)
        };
        if let (Op::Write { node, .. }, Some(pending)) = (op, plan.files.get_mut(&op.node())) {
            let _ = node;
            pending.below_len = len;
            pending.written += len;
            if let Some(change) = &mut pending.change {
                change.dirty.remove(0..len);
                change.cut = None;
            }
        }
        Ok(done)
    }

    /// Asks the engine.
    async fn perform(&self, step: Step) -> Result<Done> {
        let mut done = Done::default();
        if let Some(path) = step.keep {
            done.kept = Some(Arc::from(self.open_below(&path).await?));
        }
        match step.call {
            Call::Create(at) => {
                let options = OpenOptions::new().read(true).write(true).create_new(true);
                let file = self.engine.open(&at, &options).await.map_err(|error| taken(error, &at))?;
                done.found = Some(file.stat().await?);
                done.created = Some(Arc::from(file));
            }
            Call::CreateDir(at) => self.engine.create_dir(&at).await.map_err(|error| taken(error, &at))?,
            Call::Remove(at) => self.engine.remove_file(&at).await.map_err(|error| missing(error, &at))?,
            Call::RemoveDir(at) => self.engine.remove_dir(&at).await.map_err(|error| missing(error, &at))?,
            Call::Rename { from, to, is_free } => {
                self.is_free(&to, is_free).await?;
                self.engine.rename(&from, &to).await.map_err(|error| missing(error, &from))?;
                done.found = self.engine.stat(&to).await.ok();
            }
            Call::Write { at, data, is_free } => {
                self.is_free(&at, is_free).await?;
                self.engine.write(&at, &data).await.map_err(|error| error.in_operation(Operation::Sync))?;
                done.found = Some(self.engine.stat(&at).await?);
            }
            Call::Nothing => {}
        }
        Ok(done)
    }

    /// Whether nobody else took a name that is to be given.
    async fn is_free(&self, path: &StoragePath, has_to_be: bool) -> Result<()> {
        if !has_to_be {
            return Ok(());
        }
        match self.engine.stat(path).await {
            Ok(_) => Err(behind_its_back(path, "created")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.in_operation(Operation::Sync)),
        }
    }

    /// Brings the bytes and attributes of a node below, if the plan has any, and returns its file, where it is asked for.
    async fn flush(
        &self,
        id: Id,
        plan: &mut Plan,
        file: Option<Arc<dyn StorageFile>>,
        wants_file: bool,
    ) -> Result<Option<Arc<dyn StorageFile>>> {
        let Some(pending) = plan.files.get_mut(&id) else { return Ok(None) };
        let (path, source, is_file) = {
            let state = self.lock();
            let node = state.nodes.get(&id);
            let is_file = node.is_some_and(|node| matches!(node.kind, Kind::File(_)));
            (state.node_below(id), node.and_then(|node| node.source.clone()), is_file)
        };
        let needs_file = is_file && (wants_file || pending.change.is_some() || pending.attributes.link_target.is_some());
        let file = match (file.or(source), &path) {
            (Some(file), _) => Some(file),
            (None, Some(path)) if needs_file => match self.open_below(path).await {
                Ok(file) => Some(Arc::from(file)),
                // A link already.
                Err(error) if error.kind() == ErrorKind::InvalidInput && pending.change.is_none() && !wants_file => None,
                Err(error) => return Err(error.in_operation(Operation::Sync)),
            },
            _ => None,
        };
        if let (Some(file), Some(change)) = (&file, &mut pending.change) {
            put(&**file, change, pending.below_len, &mut pending.written).await.map_err(|error| in_sync(error, path.as_ref()))?;
        }
        if let (Some(file), Some(_)) = (&file, &pending.attributes.link_target)
            && let Some(node) = self.lock().nodes.get_mut(&id)
            && node.handles > 0
        {
            // A link cannot be opened, and who has it open may sync it.
            node.source = Some(Arc::clone(file));
        }
        let mut found = None;
        if let Some(path) = &path {
            if pending.attributes != Attributes::new() {
                self.engine.set_attributes(path, &pending.attributes).await.map_err(|error| error.in_operation(Operation::Sync))?;
            }
            found = match &file {
                Some(file) => Some(file.stat().await.map_err(|error| in_sync(error, Some(path)))?),
                None if is_file => Some(self.engine.stat(path).await.map_err(|error| error.in_operation(Operation::Sync))?),
                None => None,
            };
        }
        if let Some(pending) = plan.files.remove(&id) {
            self.lock().landed(id, &pending, found.as_ref());
        }
        Ok(file.filter(|_| wants_file))
    }

    /// The file of a node below, if it is there.
    async fn file_below(&self, id: Id) -> Result<Option<Arc<dyn StorageFile>>> {
        let (path, source) = {
            let state = self.lock();
            (state.node_below(id), state.nodes.get(&id).and_then(|node| node.source.clone()))
        };
        match (source, path) {
            (Some(file), _) => Ok(Some(file)),
            (None, Some(path)) => Ok(Some(Arc::from(self.open_below(&path).await.map_err(|error| error.in_operation(Operation::Sync))?))),
            (None, None) => Ok(None),
        }
    }

    /// A file below, to read and to write where that may be.
    pub(super) async fn open_below(&self, path: &StoragePath) -> Result<Box<dyn StorageFile>> {
        match self.engine.open(path, &OpenOptions::new().read(true).write(true)).await {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => self.engine.open(path, &OpenOptions::reading()).await,
            outcome => outcome,
        }
    }
}

impl Call {
    /// How many bytes it brings along.
    const fn len(&self) -> u64 {
        match self {
            Self::Write { data, .. } => data.len() as u64,
            _ => 0,
        }
    }
}

/// Writes what has changed, and takes note of what is written.
async fn put(file: &dyn StorageFile, change: &mut Change, below_len: u64, written: &mut u64) -> Result<()> {
    let mut len = below_len;
    if let Some(cut) = change.cut {
        // From here on the file below is not what it was.
        *written = (*written).max(1);
        file.set_len(cut).await?;
        len = cut;
    }
    let mut piece = Vec::new();
    for range in change.dirty.iter() {
        let mut at = range.start;
        while at < range.end {
            let count = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(PIECE);
            piece.resize(count, 0);
            change.bytes.read(at, &mut piece);
            *written += count as u64;
            file.write_at(at, &piece).await?;
            at += count as u64;
        }
        len = len.max(range.end);
    }
    if len != change.len {
        *written = (*written).max(1);
        file.set_len(change.len).await?;
    }
    Ok(())
}

fn in_sync(error: Error, path: Option<&StoragePath>) -> Error {
    let error = error.in_operation(Operation::Sync);
    match path {
        Some(path) => error.with_path(path),
        None => error,
    }
}

fn taken(error: Error, path: &StoragePath) -> Error {
    if error.kind() == ErrorKind::AlreadyExists { behind_its_back(path, "created") } else { error.in_operation(Operation::Sync) }
}

fn missing(error: Error, path: &StoragePath) -> Error {
    match error.kind() {
        ErrorKind::NotFound => behind_its_back(path, "removed"),
        ErrorKind::DirectoryNotEmpty => behind_its_back(path, "filled"),
        _ => error.in_operation(Operation::Sync),
    }
}

/// What somebody else did below, in the way of what is to be written.
pub(super) fn behind_its_back(path: &StoragePath, what: &str) -> Error {
    let why = format!(
        "it was {what} below the mirror, not by it, and has changes here that are not below: they stay pending, and what is below was not \
         overwritten; `Mirror::resolve` settles it"
    );
    Error::new(ErrorKind::AlreadyExists, Operation::Sync).with_path(path).with_text(why)
}

//! Loading what lies below, the first time and again.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::poll_fn;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use anystorage_api::{DirEntry, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath};

use super::content::Content;
use super::node::{Id, Kind, Known, Node, Place, ROOT};
use super::options::Progress;
use super::shared::Shared;
use super::state::{Call, State, out_of_memory};

/// How many entries of a directory are asked for at once.
const PAGE: usize = 1024;

/// How many bytes are asked for at once, and how many times as many of one file.
const CHUNK: usize = 1 << 20;
const CHUNKS: usize = 2;

/// What [`Mirror::populate`](super::Mirror::populate) found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Populated {
    /// Files that came, went or changed below, and are here now as they are there. The first time, all files.
    pub files: u64,
    /// Bytes that were loaded.
    pub bytes: u64,
    /// Files that were changed both below and here, by their paths below: neither side was touched.
    pub conflicts: Vec<StoragePath>,
}

/// What was found below.
struct Found {
    path: StoragePath,
    entry: DirEntry,
    /// None where it has no path, or is a link that nobody may follow.
    metadata: Option<Metadata>,
}

/// Bytes to load.
struct Load {
    path: StoragePath,
    found: Metadata,
    into: Into,
}

/// Where they go.
enum Into {
    /// Into a file of the tree: over an immediate engine whoever reads it meanwhile loads what is missing.
    File(Id),
    /// First beside it: elsewhere it is read as it was, until everything is there.
    Swap(Id),
    /// The same for a file that is not in the tree before.
    New(Place),
}

/// What the workers of one loading share.
struct Work<T> {
    queue: Mutex<VecDeque<T>>,
    failure: Mutex<Option<Error>>,
}

impl<T> Work<T> {
    fn new(items: impl IntoIterator<Item = T>) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::new(items.into_iter().collect()), failure: Mutex::new(None) })
    }

    /// The next item, as long as nothing has failed.
    fn next(&self) -> Option<T> {
        if self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return None;
        }
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn fail(&self, error: Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn outcome(&self) -> Result<()> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

/// What all of them answer, in their order.
async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut answers: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, answer) in futures.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(context) {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

impl Shared {
    /// Brings in what is below: the tree always, the bytes where they cannot be loaded on first use.
    pub(super) async fn populate(self: Arc<Self>) -> Result<Populated> {
        self.lock().begin(Call { operation: Operation::OpenLocation, path: &StoragePath::root() })?;
        let found = self.scan().await?;
        let root = self.engine.stat(&StoragePath::root()).await?;
        let (populated, loads) = self.lock().bring_in(found, &root);
        self.load_all(populated, loads).await
    }

    /// Everything that is below, a directory before what is in it.
    async fn scan(self: &Arc<Self>) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        let mut level = vec![StoragePath::root()];
        while !level.is_empty() {
            let mut below = Vec::new();
            for directories in level.chunks(self.options.parallel) {
                let lists = together(directories.iter().map(|directory| self.list(directory))).await;
                for (directory, list) in directories.iter().zip(lists) {
                    for entry in list? {
                        let path = if entry.addressable { directory.join(&entry.name).ok() } else { None };
                        if let (Some(path), FileKind::Directory) = (&path, entry.kind) {
                            below.push(path.clone());
                        }
                        found.push((path.unwrap_or_else(|| directory.clone()), entry));
                    }
                }
            }
            level = below;
        }
        let follows_links = !self.engine.capabilities().attributes;
        let order = found.len();
        let work = Work::new(found.into_iter().enumerate());
        let results: Arc<Mutex<Vec<Option<Found>>>> = Arc::new(Mutex::new((0..order).map(|_| None).collect()));
        let workers = (0..self.options.parallel.min(order)).map(|_| {
            let (shared, work, results) = (Arc::clone(self), Arc::clone(&work), Arc::clone(&results));
            async move {
                while let Some((number, (path, entry))) = work.next() {
                    let is_known =
                        entry.addressable && !(entry.kind == FileKind::Symlink && follows_links) && entry.kind != FileKind::Other;
                    let metadata = if is_known { shared.engine.stat(&path).await.map(Some) } else { Ok(None) };
                    match metadata {
                        Ok(metadata) => {
                            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                            if let Some(slot) = results.get_mut(number) {
                                *slot = Some(Found { path, entry, metadata });
                            }
                        }
                        // It went meanwhile.
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        Err(error) => work.fail(error.in_operation(Operation::OpenLocation)),
                    }
                }
            }
        });
        together(workers).await;
        work.outcome()?;
        let results = std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(results.into_iter().flatten().collect())
    }

    /// All names of a directory.
    async fn list(&self, directory: &StoragePath) -> Result<Vec<DirEntry>> {
        let mut found: Vec<DirEntry> = Vec::new();
        loop {
            let after = found.last().map(|entry| entry.name.clone());
            let page = self.engine.list(directory, after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            found.extend(page);
            if is_last {
                return Ok(found);
            }
        }
    }

    /// Loads bytes, several files at once.
    async fn load_all(self: &Arc<Self>, mut populated: Populated, loads: Vec<Load>) -> Result<Populated> {
        let wants_bytes = !self.is_immediate || self.options.preload;
        let all_bytes = loads.iter().map(|load| load.found.len).sum();
        let progress = Arc::new(Mutex::new(Progress { all_files: loads.len() as u64, all_bytes, ..Progress::default() }));
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let work = Work::new(loads.into_iter().filter(|_| wants_bytes));
        let workers = (0..self.options.parallel).map(|_| {
            let (shared, work, progress, outcomes) = (Arc::clone(self), Arc::clone(&work), Arc::clone(&progress), Arc::clone(&outcomes));
            async move {
                while let Some(load) = work.next() {
                    match shared.load_one(load, &progress).await {
                        Ok(taken) => outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(taken),
                        Err(error) => work.fail(error.in_operation(Operation::OpenLocation)),
                    }
                }
            }
        });
        if wants_bytes {
            together(workers).await;
            work.outcome()?;
        }
        for taken in std::mem::take(&mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner)) {
            match taken {
                Taken::AsItWas => {}
                Taken::In => populated.files += 1,
                Taken::Refused(path) => populated.conflicts.push(path),
            }
        }
        populated.bytes = progress.lock().unwrap_or_else(PoisonError::into_inner).bytes;
        Ok(populated)
    }

    async fn load_one(&self, load: Load, progress: &Mutex<Progress>) -> Result<Taken> {
        let taken = match &load.into {
            Into::File(id) => {
                let loaded = self.load_in_place(*id, &load.path, progress).await;
                damaged(loaded)?.map_or(Taken::AsItWas, |damage| self.lock().damaged(*id, damage))
            }
            Into::Swap(_) | Into::New(_) => {
                let (content, damage) = self.load_beside(&load.path, load.found.len, progress).await?;
                self.lock().take_in(load, content, damage)
            }
        };
        self.tell(progress, |progress| progress.files += 1);
        Ok(taken)
    }

    /// What is missing of a file in the tree.
    async fn load_in_place(&self, id: Id, path: &StoragePath, progress: &Mutex<Progress>) -> Result<()> {
        let call = Call { operation: Operation::OpenLocation, path };
        let absent = self.lock().content(id, call)?.all_absent();
        self.load_ranges(path, absent, progress, |at, data| {
            self.lock().content(id, call)?.load(at, data).map_err(|full| out_of_memory(full, call))
        })
        .await
    }

    /// A file below as it is now, and why it cannot be read if it is damaged.
    pub(super) async fn load_beside(&self, path: &StoragePath, len: u64, progress: &Mutex<Progress>) -> Result<(Content, Option<Error>)> {
        let call = Call { operation: Operation::OpenLocation, path };
        let mut content = Content::below(Arc::clone(&self.lock().room), len);
        let absent = content.all_absent();
        let loaded = self.load_ranges(path, absent, progress, |at, data| content.load(at, data).map_err(|full| out_of_memory(full, call)));
        let damage = damaged(loaded.await)?;
        Ok((content, damage))
    }

    async fn load_ranges(
        &self,
        path: &StoragePath,
        ranges: Vec<Range<u64>>,
        progress: &Mutex<Progress>,
        mut take: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        if ranges.is_empty() {
            return Ok(());
        }
        let file = self.engine.open(path, &OpenOptions::reading()).await?;
        let mut chunks = ranges.into_iter().flat_map(chunks).peekable();
        while chunks.peek().is_some() {
            let some = chunks.by_ref().take(CHUNKS).map(|chunk| read_chunk(&*file, path, chunk));
            for read in together(some).await {
                let (at, data) = read?;
                take(at, &data)?;
                self.tell(progress, |progress| progress.bytes += data.len() as u64);
            }
        }
        file.close().await
    }

    fn tell(&self, progress: &Mutex<Progress>, change: impl FnOnce(&mut Progress)) {
        let now = {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut progress);
            *progress
        };
        if let Some(told) = &self.options.on_progress {
            told(now);
        }
    }
}

/// The pieces in which a range is asked for.
fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    range.step_by(CHUNK).map(move |start| start..end.min(start + CHUNK as u64))
}

/// All bytes of a piece, and where they are.
async fn read_chunk(file: &dyn StorageFile, path: &StoragePath, chunk: Range<u64>) -> Result<(u64, Vec<u8>)> {
    let mut data = vec![0; usize::try_from(chunk.end - chunk.start).unwrap_or(CHUNK)];
    let mut filled = 0;
    while let Some(rest) = data.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(chunk.start + filled as u64, rest).await? {
            0 => {
                let why = "it became shorter while it was loaded; populate again";
                return Err(Error::new(ErrorKind::Io, Operation::OpenLocation).with_path(path).with_text(why));
            }
            count => filled += count,
        }
    }
    Ok((chunk.start, data))
}

/// What became of a file that was loaded.
enum Taken {
    /// It is in the tree already, and counted.
    AsItWas,
    In,
    /// It was changed here while it was loaded; its path below.
    Refused(StoragePath),
}

/// Damage, which the file keeps, or what else came of loading it.
fn damaged(loaded: Result<()>) -> Result<Option<Error>> {
    match loaded {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

impl State {
    fn damaged(&mut self, id: Id, damage: Error) -> Taken {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.damage = Some(damage);
        }
        Taken::AsItWas
    }

    /// Puts a file that was loaded beside the tree into it.
    fn take_in(&mut self, load: Load, content: Content, damage: Option<Error>) -> Taken {
        let Load { path, found, into } = load;
        match into {
            Into::File(_) => Taken::AsItWas,
            Into::New(place) if self.is_taken(&place) => Taken::Refused(path),
            Into::New(place) => {
                let id = self.add_found(Kind::File(content), place, &found);
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.damage = damage;
                }
                Taken::In
            }
            Into::Swap(id) => {
                let revision = self.next_revision();
                match self.nodes.get_mut(&id) {
                    Some(node) if !node.is_changed() && node.place.is_some() => {
                        node.replace(content, &found, revision);
                        node.damage = damage;
                        Taken::In
                    }
                    _ => Taken::Refused(path),
                }
            }
        }
    }

    /// A node of what lies below, at the same place here.
    fn add_found(&mut self, kind: Kind, place: Place, found: &Metadata) -> Id {
        let id = self.new_id();
        let mut node = Node::found(kind, place.clone(), found);
        // Not the one below: what is changed here and changed back again does not give it another one there.
        node.revision = self.next_revision();
        self.nodes.insert(id, node);
        self.insert_entry(&place, id);
        id
    }

    /// Puts what was found below into the tree, but for files that are to be loaded before. What changed here as well is left as it is.
    fn bring_in(&mut self, found: Vec<Found>, root: &Metadata) -> (Populated, Vec<Load>) {
        let (mut populated, mut loads) = (Populated::default(), Vec::new());
        // What is below, by where it is there.
        let mut known: HashMap<(Id, String), Id> = HashMap::new();
        for (id, node) in &self.nodes {
            if let Some(below) = &node.below {
                known.insert((below.directory, below.name.clone()), *id);
            }
        }
        let mut directories: HashMap<StoragePath, Id> = HashMap::from([(StoragePath::root(), ROOT)]);
        let mut seen: BTreeSet<Id> = BTreeSet::new();
        if let Some(node) = self.nodes.get_mut(&ROOT)
            && node.known.is_none()
        {
            node.adopt(root);
        }
        for Found { path, entry, metadata } in found {
            let parent = if entry.addressable { path.parent().unwrap_or_default() } else { path.clone() };
            let Some(directory) = directories.get(&parent).copied() else { continue };
            let place = Place { directory, name: entry.name.clone() };
            let metadata = metadata.unwrap_or_else(|| Metadata::of_kind(entry.kind));
            if let Some(id) = known.get(&(directory, entry.name.clone())).copied() {
                if self.is_same_kind(id, metadata.kind) {
                    seen.insert(id);
                    if metadata.is_dir() {
                        directories.insert(path, id);
                    } else {
                        self.refresh(id, path, &metadata, &mut populated, &mut loads);
                    }
                    continue;
                }
                // Something else has its place: that one went, unless it was changed here.
                if self.drop_gone(id).is_err() {
                    seen.insert(id);
                    populated.conflicts.push(path);
                    continue;
                }
            }
            if self.is_taken(&place) {
                populated.conflicts.push(path);
                continue;
            }
            if metadata.is_file() && entry.addressable && !self.capabilities.immediate {
                loads.push(Load { path, found: metadata, into: Into::New(place) });
                continue;
            }
            let kind = match metadata.kind {
                FileKind::Directory => Kind::Directory(std::collections::BTreeMap::new()),
                FileKind::File => Kind::File(Content::below(Arc::clone(&self.room), metadata.len)),
                FileKind::Symlink if metadata.link_target.is_some() => Kind::File(Content::new(Arc::clone(&self.room))),
                other => Kind::Other(other),
            };
            let id = self.add_found(kind, place, &metadata);
            if let Some(node) = self.nodes.get_mut(&id) {
                node.is_addressable = entry.addressable;
            }
            seen.insert(id);
            if metadata.is_dir() {
                directories.insert(path, id);
            } else {
                populated.files += 1;
                if metadata.is_file() {
                    loads.push(Load { path, found: metadata, into: Into::File(id) });
                }
            }
        }
        self.let_go_of_gone(&seen, &mut populated);
        (populated, loads)
    }

    fn is_same_kind(&self, id: Id, kind: FileKind) -> bool {
        self.nodes.get(&id).is_some_and(|node| match &node.kind {
            Kind::Directory(_) => kind == FileKind::Directory,
            Kind::File(_) => kind == FileKind::File || (kind == FileKind::Symlink && node.link.is_some()),
            Kind::Other(other) => kind == *other,
        })
    }

    /// Whether something else has this place here.
    fn is_taken(&self, place: &Place) -> bool {
        match self.nodes.get(&place.directory).map(|node| &node.kind) {
            Some(Kind::Directory(entries)) => {
                entries.contains_key(&place.name)
                    || self.nodes.get(&place.directory).is_some_and(|node| node.place.is_none()) && place.directory != ROOT
            }
            _ => true,
        }
    }

    fn insert_entry(&mut self, place: &Place, id: Id) {
        let revision = self.next_revision();
        if let Some(Node { kind: Kind::Directory(entries), revision: told, .. }) = self.nodes.get_mut(&place.directory) {
            entries.insert(place.name.clone(), id);
            *told = revision;
        }
    }

    /// A file that is on both sides.
    fn refresh(&mut self, id: Id, path: StoragePath, found: &Metadata, populated: &mut Populated, loads: &mut Vec<Load>) {
        let (revision, is_immediate) = (self.next_revision(), self.capabilities.immediate);
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let now = Known::new(found);
        let is_as_it_was = node.known.as_ref().is_none_or(|known| known.is_still(&now));
        if is_as_it_was {
            node.known = Some(now);
            if let (Kind::File(content), None) = (&node.kind, &node.damage)
                && !content.all_absent().is_empty()
            {
                loads.push(Load { path, found: found.clone(), into: Into::File(id) });
            }
            return;
        }
        if node.is_changed() || node.place.is_none() {
            populated.conflicts.push(path);
            return;
        }
        if !is_immediate && matches!((&node.kind, found.kind), (Kind::File(_), FileKind::File)) {
            loads.push(Load { path, found: found.clone(), into: Into::Swap(id) });
            return;
        }
        if let Kind::File(_) = &node.kind {
            node.replace(Content::below(Arc::clone(&self.room), found.len), found, revision);
            loads.push(Load { path, found: found.clone(), into: Into::File(id) });
        } else {
            node.adopt(found);
            node.revision = revision;
        }
        populated.files += 1;
    }

    /// Takes what went below out of the tree, deepest first.
    fn let_go_of_gone(&mut self, seen: &BTreeSet<Id>, populated: &mut Populated) {
        let gone: Vec<Id> = self.nodes.iter().filter(|(id, node)| node.below.is_some() && !seen.contains(id)).map(|(id, _)| *id).collect();
        let mut gone: Vec<(usize, Id)> =
            gone.into_iter().map(|id| (self.node_below(id).map_or(0, |path| path.parts().count()), id)).collect();
        gone.sort_unstable_by(|one, other| other.cmp(one));
        for (_, id) in gone {
            let path = self.node_below(id).unwrap_or_default();
            match self.drop_gone(id) {
                Ok(is_file) => populated.files += u64::from(is_file),
                Err(()) => populated.conflicts.push(path),
            }
        }
    }

    /// What is not there below any more goes here too, unless it was changed here; whether it was a file.
    fn drop_gone(&mut self, id: Id) -> std::result::Result<bool, ()> {
        let Some(node) = self.nodes.get(&id) else { return Ok(false) };
        let is_empty = match &node.kind {
            Kind::Directory(entries) => entries.is_empty(),
            _ => !node.is_changed(),
        };
        if !is_empty || node.uses > 0 || node.is_flying {
            return Err(());
        }
        let (is_file, place) = (matches!(node.kind, Kind::File(_)), node.place.clone());
        if let Some(place) = place {
            self.unlink(&place);
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            node.below = None;
            node.known = None;
        }
        self.free(id);
        Ok(is_file)
    }
}

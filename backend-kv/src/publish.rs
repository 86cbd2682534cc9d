//! The two syncs: what callers see becomes what is published, in one durable commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anystorage_api::{ErrorKind, Operation, Result};
use async_lock::RwLockWriteGuard;

use crate::block::seal_block;
use crate::engine::{Engine, MapEdit, Turn, stays_there};
use crate::format::{APPLY, Key, ROOT, SUPERBLOCK, block_key, encode, prefix, seal, small, spill_key};
use crate::map::{Freed, NodeId};
use crate::pages::Pages;
use crate::placement::Placement;
use crate::records::{Inode, Kind, Record, Spill, SpilledFile, decode_shadow};
use crate::spill::{Spilled, freed_at_once};
use crate::state::State;
use crate::store::{Batch, Commit, KvStore};

/// A removed file with at most so many blocks is deleted by the commit that publishes its removal; so are as many blocks that a file has
/// let go.
const DELETED_AT_ONCE: u64 = 1024;

/// About so many removals of which shadows tell are published at a time where there is no space.
const REMOVED_AT_ONCE: usize = 512;

/// How many records are deleted after a sync, if so many wait for it.
const COLLECTED_AFTER_SYNC: usize = 4096;

/// What one durable commit publishes.
#[derive(Debug, Default)]
struct Plan {
    batch: Batch,
    records: BTreeMap<Key, Option<Record>>,
    /// Records of which callers see something else than what is published.
    still_changed: BTreeSet<Key>,
    /// Inode, number, version.
    blocks: Vec<(u64, u64, u64)>,
    whole: BTreeSet<u64>,
    bound: Option<u64>,
    /// How many pending records it deletes.
    done: usize,
    /// Something that was spilled is published by it.
    publishes_spills: bool,
    orphans: Vec<u64>,
    /// Nothing is deleted by it, only noted as to be deleted: it has to be small.
    small: bool,
}

impl Plan {
    /// Deletes stored blocks of a file.
    fn delete(&mut self, ino: u64, runs: &[Freed]) {
        for key in runs.iter().flat_map(|run| run.keys(ino)) {
            self.batch.push(key, None);
        }
    }
}

impl<S: KvStore> Engine<S> {
    /// `StorageFile::sync` of one file, or `StorageBackend::sync`.
    pub(crate) async fn sync(&self, file: Option<u64>) -> Result<()> {
        let mut state = self.changing(Operation::Sync).await?;
        if state.shadowed && file.is_none() {
            loop {
                match self.sync_shadowed(&mut state).await {
                    Err(full) if full.kind() == ErrorKind::NoSpace => {
                        let (after, removed) = self.publish_removals(state).await?;
                        state = after;
                        if !self.make_space(&mut state).await && !removed {
                            return Err(full);
                        }
                    }
                    outcome => {
                        outcome?;
                        return self.collect_some(state).await;
                    }
                }
            }
        }
        let mut first = true;
        loop {
            let plan = match file {
                Some(ino) => self.plan_file(&mut state, ino).await?,
                None => self.plan_all(&mut state).await?,
            };
            let Some(plan) = plan else { return Ok(()) };
            let (after, outcome) = self.publish(state, plan).await?;
            state = after;
            match outcome {
                Err(full) if full.kind() == ErrorKind::NoSpace && first => {
                    let (after, removed) = self.publish_removals(state).await?;
                    state = after;
                    if !self.make_space(&mut state).await && !removed {
                        return Err(full);
                    }
                    first = false;
                }
                outcome => {
                    outcome?;
                    return self.collect_some(state).await;
                }
            }
        }
    }

    /// For changes and syncs: what was left half done before is finished first.
    pub(crate) async fn changing(&self, operation: Operation) -> Result<RwLockWriteGuard<'_, State>> {
        self.changing_in(self.turn().await, operation).await
    }

    /// The same for a call that has its turn.
    pub(crate) async fn changing_in(&self, turn: Turn<'_>, operation: Operation) -> Result<RwLockWriteGuard<'_, State>> {
        let mut state = self.exclusive(operation, turn).await?;
        state.check_changes(operation)?;
        if state.recovering {
            self.recover(&mut state).await?;
        }
        match self.finish_applying(&mut state).await {
            Err(full) if full.kind() == ErrorKind::NoSpace => {
                if !self.make_space(&mut state).await {
                    return Err(full);
                }
                self.finish_applying(&mut state).await?;
            }
            outcome => outcome?,
        }
        self.let_go_released(&mut state).await?;
        Ok(state)
    }

    /// For changes that take memory.
    pub(crate) async fn growing(&self, operation: Operation) -> Result<RwLockWriteGuard<'_, State>> {
        let mut state = self.changing(operation).await?;
        self.make_room(&mut state, 0).await?;
        Ok(state)
    }

    /// For changes that give space back: they go on where there is no space to spill into.
    pub(crate) async fn shrinking(&self, operation: Operation) -> Result<RwLockWriteGuard<'_, State>> {
        let mut state = self.changing(operation).await?;
        match self.make_room(&mut state, 0).await {
            Err(full) if full.kind() == ErrorKind::NoSpace => Ok(state),
            outcome => outcome.map(|()| state),
        }
    }

    /// Whether the file, or a name that its sync publishes, differs from what is published.
    async fn is_unsynced(&self, state: &State, ino: u64, placement: &Placement) -> Result<bool> {
        if !placement.entries.is_empty() || !placement.moved.is_empty() || state.changed(&Key::Inode(ino)).is_some() {
            return Ok(true);
        }
        Ok(state.shadowed && self.store.get(&Key::Inode(ino).shadow()).await?.is_some())
    }

    /// None if nothing of it is to be published: it is as it was, or no name leads to it, nor a published one.
    async fn plan_file(&self, state: &mut State, ino: u64) -> Result<Option<Plan>> {
        let Some(placement) = self.placement(state, ino).await? else { return Ok(None) };
        if !self.is_unsynced(state, ino, &placement).await? {
            return Ok(None);
        }
        let mut plan = Plan::default();
        for ino in &placement.whole {
            self.plan_whole(state, *ino, &mut plan).await?;
        }
        for ino in placement.moved.difference(&placement.whole) {
            let current = self.inode(state, *ino).await?;
            let moved = match self.published_inode(*ino).await? {
                Some(published) => Inode { place: current.place.clone(), ..Inode::clone(&published) },
                None => current.settled(),
            };
            if current.settled() != moved {
                plan.still_changed.insert(Key::Inode(*ino));
            }
            plan.records.insert(Key::Inode(*ino), Some(Record::Inode(Arc::new(moved))));
        }
        for (key, entry) in &placement.entries {
            let entry = entry.map(Record::Entry);
            if self.current(state, key).await? != entry {
                plan.still_changed.insert(key.clone());
            }
            plan.records.insert(key.clone(), entry);
        }
        for ino in &placement.gone {
            self.plan_gone(state, *ino, &mut plan).await?;
        }
        self.complete(state, plan).map(Some)
    }

    /// Publishes that files were removed, and nothing else, so that their space can be had. A name that something else has taken stays
    /// as it is until that is published. True if there was something, and space for it.
    async fn publish_removals<'a>(&'a self, state: RwLockWriteGuard<'a, State>) -> Result<(RwLockWriteGuard<'a, State>, bool)> {
        let lost = |(key, record): (&Key, &Option<Record>)| match (key, record) {
            (Key::Inode(ino), None) => Some(*ino),
            (key, record) => nameless(key, record.as_ref()),
        };
        let mut gone: Vec<u64> = state.changes().iter().filter_map(lost).collect();
        if state.shadowed {
            gone.extend(self.removed_in_shadows().await?);
        }
        let mut plan = Plan { small: true, ..Plan::default() };
        for ino in gone {
            let Some(published) = self.published_inode(ino).await? else { continue };
            let Some(place) = &published.place else { continue };
            if published.kind != Kind::Directory && self.current(&state, &place.key()).await?.is_none() {
                plan.records.insert(place.key(), None);
                self.plan_gone(&state, ino, &mut plan).await?;
            }
        }
        if plan.records.is_empty() {
            return Ok((state, false));
        }
        let plan = self.complete(&state, plan)?;
        let (state, outcome) = self.publish(state, plan).await?;
        match outcome {
            Err(full) if full.kind() == ErrorKind::NoSpace => Ok((state, false)),
            outcome => outcome.map(|()| (state, true)),
        }
    }

    /// Some of the files and directories of whose removal a shadow tells.
    async fn removed_in_shadows(&self) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        let mut pages = Pages::of(prefix(b"pwi"), 256);
        while found.len() < REMOVED_AT_ONCE {
            let page = pages.next(&self.store).await?;
            if page.is_empty() {
                break;
            }
            for (stored, value) in page {
                let key = Key::of_shadow(&stored)?;
                if let (Key::Inode(ino), None) = (&key, decode_shadow(&key, value)?) {
                    found.push(*ino);
                }
            }
        }
        Ok(found)
    }

    /// None if nothing has changed, and nothing waits to be deleted.
    async fn plan_all(&self, state: &mut State) -> Result<Option<Plan>> {
        let mut plan = Plan::default();
        let mut whole = Vec::new();
        let mut gone = Vec::new();
        for (key, record) in state.changes() {
            match (key, record) {
                (Key::Inode(ino), Some(Record::Inode(inode))) if inode.place.is_some() || *ino == ROOT => whole.push(*ino),
                (Key::Inode(ino), _) => gone.push(*ino),
                (Key::Entry { .. }, record) => {
                    plan.records.insert(key.clone(), record.clone());
                }
                // Nodes come with their inodes, orphans with what is gone.
                _ => {}
            }
        }
        for ino in whole {
            self.plan_whole(state, ino, &mut plan).await?;
        }
        for ino in gone {
            if self.published_inode(ino).await?.is_some() {
                self.plan_gone(state, ino, &mut plan).await?;
            }
        }
        if plan.records.is_empty() && plan.blocks.is_empty() && state.garbage.done.is_empty() {
            return Ok(None);
        }
        self.complete(state, plan).map(Some)
    }

    /// All of a file, or of a directory: bytes, block map, inode.
    async fn plan_whole(&self, state: &mut State, ino: u64, plan: &mut Plan) -> Result<()> {
        let mut inode = Inode::clone(&*self.inode(state, ino).await?);
        plan.whole.insert(ino);
        plan.publishes_spills |= inode.changed.spilled;
        let grown = self.grown(state, ino, &inode).await?;
        let mut edit = MapEdit::new(self, state);
        let mut map = std::mem::take(&mut inode.map);
        for (block, bytes) in state.blocks_of(ino, 0) {
            // A block that is there is overwritten: this commit is made whole or not at all.
            let version = match (edit.version_of(&map, ino, block).await?, grown.filter(|_| block == 0)) {
                (Some(small), Some(version)) => {
                    map.assign(&mut edit, ino, block, version).await?;
                    plan.delete(ino, &[Freed { block, count: 1, version: small }]);
                    version
                }
                (Some(version), None) => version,
                (None, _) => {
                    let version = if self.is_small(block, inode.len, bytes) { small(inode.version) } else { inode.version };
                    map.assign(&mut edit, ino, block, version).await?;
                    version
                }
            };
            let key = block_key(ino, block, version);
            let value = seal_block(self.format, &key, bytes);
            plan.batch.push(key, Some(value));
            plan.blocks.push((ino, block, version));
        }
        inode.map = map;
        let nodes = edit.nodes;
        if state.shadowed {
            self.each_shadow_node(ino, |key, node| {
                plan.records.insert(key, node);
            })
            .await?;
        }
        plan.records.extend(state.changes().range(nodes_of(ino)).map(|(key, node)| (key.clone(), node.clone())));
        plan.records.extend(nodes.into_iter().map(|(id, node)| (Key::Node(id), node.map(Record::Node))));
        plan.records.insert(Key::Inode(ino), Some(Record::Inode(Arc::new(inode.settled()))));
        self.plan_freed(state, ino, plan).await
    }

    /// A version for the first block of a file that was small when that was stored, and is not any more.
    async fn grown(&self, state: &mut State, ino: u64, inode: &Inode) -> Result<Option<u64>> {
        let Some(bytes) = state.block(ino, 0) else { return Ok(None) };
        let is_small = self.is_small(0, inode.len, bytes);
        let stored = MapEdit::new(self, state).version_of(&inode.map, ino, 0).await?;
        Ok(stored.filter(|stored| !stays_there(*stored, is_small)).map(|_| state.ids.take()))
    }

    /// The stored blocks that a file has let go since it was published.
    async fn plan_freed(&self, state: &mut State, ino: u64, plan: &mut Plan) -> Result<()> {
        let Some(freed) = state.freed.get(&ino) else { return Ok(()) };
        if freed.iter().map(|run| run.count).sum::<u64>() <= DELETED_AT_ONCE {
            plan.delete(ino, freed);
            return Ok(());
        }
        let base = self.published_inode(ino).await?.map_or(0, |published| published.stamp);
        let mut rest = freed.as_slice();
        while !rest.is_empty() {
            let some = freed_at_once(rest, Spill::MOST_PARTS - 1, Spill::MOST_BLOCKS);
            let file = SpilledFile { ino, base, new: Vec::new(), old: some.to_vec() };
            let number = state.ids.take();
            let key = spill_key(number);
            let value = encode(&key, &Spill { files: vec![file] })?;
            plan.batch.push(key, Some(value));
            // If the commit fails, the number leads nowhere, which the collection does not mind.
            state.garbage.spills.push_back(number);
            rest = rest.get(some.len()..).unwrap_or_default();
        }
        plan.publishes_spills = true;
        Ok(())
    }

    /// A file or a directory that was removed.
    async fn plan_gone(&self, state: &State, ino: u64, plan: &mut Plan) -> Result<()> {
        plan.records.insert(Key::Inode(ino), None);
        if matches!(self.current(state, &Key::Inode(ino)).await?, Some(Record::Inode(_))) {
            plan.still_changed.insert(Key::Inode(ino));
        }
        let Some(published) = self.published_inode(ino).await? else { return Ok(()) };
        if published.kind == Kind::Directory {
            return Ok(());
        }
        let open = self.handles.is_open(ino);
        match published.map.runs_without_nodes() {
            Some(runs) if !open && !plan.small && runs.iter().map(|run| run.count).sum::<u64>() <= DELETED_AT_ONCE => {
                plan.delete(ino, &runs);
                plan.records.insert(Key::Orphan(ino), None);
            }
            _ => {
                plan.records.insert(Key::Orphan(ino), Some(Record::Orphan));
                if !open {
                    plan.orphans.push(ino);
                }
            }
        }
        Ok(())
    }

    /// Puts the records into the batch, and what goes along with every durable commit.
    fn complete(&self, state: &State, mut plan: Plan) -> Result<Plan> {
        for (key, record) in &plan.records {
            let stored = key.published();
            let value = record.as_ref().map(|record| record.encode(&stored)).transpose()?;
            plan.batch.push(stored, value);
            if state.shadowed && !plan.still_changed.contains(key) {
                plan.batch.push(key.shadow(), None);
            }
        }
        plan.bound = state.ids.new_bound(0);
        if let Some(bound) = plan.bound {
            plan.batch.push(SUPERBLOCK.to_vec(), Some(self.superblock(bound)?));
        }
        plan.done = state.garbage.done.len();
        for key in &state.garbage.done {
            plan.batch.push(key.clone(), None);
        }
        Ok(plan)
    }

    /// Commits the plan. Reads go on meanwhile; changes wait.
    async fn publish<'a>(
        &'a self,
        mut state: RwLockWriteGuard<'a, State>,
        mut plan: Plan,
    ) -> Result<(RwLockWriteGuard<'a, State>, Result<()>)> {
        if state.shadowed {
            // Who reads during the commit may find the shadow gone, and then has to find what took its place.
            let mut caches = self.caches();
            for key in plan.records.keys() {
                caches.records.remove(key);
            }
        }
        state.committing = true;
        let shared = RwLockWriteGuard::downgrade_to_upgradable(state);
        let outcome = self.store.commit(std::mem::take(&mut plan.batch), Commit::Durable).await;
        let mut state = self.upgrade(shared, Operation::Sync).await?;
        state.committing = false;
        let outcome = match outcome {
            Ok(()) => {
                self.published_now(&mut state, plan);
                Ok(())
            }
            Err(error) => Err(self.committed_not(&mut state, error)),
        };
        Ok((state, outcome))
    }

    /// What the plan has published is no change any more.
    fn published_now(&self, state: &mut State, plan: Plan) {
        for (ino, block, version) in plan.blocks {
            if let Some(bytes) = state.take_block(ino, block) {
                self.caches().replace_block((ino, block, version), Some(bytes));
            }
        }
        for ino in &plan.whole {
            state.freed.remove(ino);
        }
        for (key, record) in plan.records {
            if !plan.still_changed.contains(&key) {
                state.unset(&key);
            }
            self.remember(&key, record);
        }
        if let Some(bound) = plan.bound {
            state.ids.bound = bound;
        }
        state.garbage.done.drain(..plan.done.min(state.garbage.done.len()));
        state.garbage.orphans.extend(plan.orphans);
        if plan.publishes_spills {
            state.garbage.ready = state.garbage.spills.len();
        }
    }

    /// A backend sync of more changes than memory holds: all of it goes to the store, and one record tells that it is published.
    async fn sync_shadowed(&self, state: &mut State) -> Result<()> {
        self.with_retry(state, Spilled::Blocks).await?;
        self.spill_freed(state).await?;
        self.with_retry(state, Spilled::Records).await?;
        let mut batch = Batch::new();
        batch.push(APPLY.to_vec(), Some(seal(APPLY, Vec::new())));
        let nameless: Vec<u64> = state.changes().iter().filter_map(|(key, record)| nameless(key, record.as_ref())).collect();
        for ino in nameless.iter().copied() {
            batch.push(Key::Inode(ino).published(), None);
            // Shadows of what has lost its name since are not published.
            batch.push(Key::Inode(ino).shadow(), None);
            for key in state.changes().range(nodes_of(ino)).map(|(key, _)| key) {
                batch.push(key.shadow(), None);
            }
        }
        let bound = state.ids.new_bound(0);
        if let Some(bound) = bound {
            batch.push(SUPERBLOCK.to_vec(), Some(self.superblock(bound)?));
        }
        let done = std::mem::take(&mut state.garbage.done);
        for key in &done {
            batch.push(key.clone(), None);
        }
        if let Err(error) = self.commit(state, batch, Commit::Durable).await {
            state.garbage.done = done;
            return Err(error);
        }
        for ino in nameless {
            self.remember(&Key::Inode(ino), None);
        }
        state.ids.bound = bound.unwrap_or(state.ids.bound);
        state.applying = true;
        state.garbage.ready = state.garbage.spills.len();
        match self.finish_applying(state).await {
            // It is published. Moving it can wait until there is space.
            Err(full) if full.kind() == ErrorKind::NoSpace => Ok(()),
            outcome => outcome,
        }
    }

    /// Moves published shadows to their places.
    pub(crate) async fn finish_applying(&self, state: &mut State) -> Result<()> {
        const PAGE: usize = 256;
        if !state.applying {
            return Ok(());
        }
        let (from, to) = prefix(b"pw");
        loop {
            let page = self.store.scan(&from, &to, PAGE).await?;
            let last = page.len() < PAGE;
            let mut batch = Batch::new();
            let mut orphans = Vec::new();
            for (stored, value) in page {
                let key = Key::of_shadow(&stored)?;
                let record = decode_shadow(&key, value)?.map(|record| record.settled());
                let place = key.published();
                let value = record.as_ref().map(|record| record.encode(&place)).transpose()?;
                batch.push(place, value);
                batch.push(stored, None);
                if let (Key::Orphan(ino), Some(_)) = (&key, &record)
                    && !self.handles.is_open(*ino)
                {
                    orphans.push(*ino);
                }
                // Now, and not at the end: a later commit may be refused, and reading goes on.
                self.caches().records.remove(&key);
            }
            if last {
                // Durable, or the mark could be lost without what was moved before it.
                batch.push(APPLY.to_vec(), None);
            }
            self.commit(state, batch, if last { Commit::Durable } else { Commit::Relaxed }).await?;
            state.garbage.orphans.extend(orphans);
            if last {
                break;
            }
        }
        state.applying = false;
        state.shadowed = false;
        Ok(())
    }

    /// Deletes what nobody needs, all of it. True if there was something.
    async fn make_space(&self, state: &mut State) -> bool {
        matches!(self.collect(state, usize::MAX).await, Ok(1..))
    }

    /// Deletes some of what nobody needs. The sync is done: it does not fail for that.
    async fn collect_some(&self, mut state: RwLockWriteGuard<'_, State>) -> Result<()> {
        if let Err(error) = self.collect(&mut state, COLLECTED_AFTER_SYNC).await {
            log::warn!("what is no longer needed could not be deleted: {error}");
        }
        Ok(())
    }
}

/// The keys of all nodes of a file.
pub(crate) fn nodes_of(ino: u64) -> std::ops::RangeInclusive<Key> {
    Key::Node(NodeId { ino, level: 0, index: 0 })..=Key::Node(NodeId { ino, level: u8::MAX, index: u64::MAX })
}

fn nameless(key: &Key, record: Option<&Record>) -> Option<u64> {
    match (key, record) {
        (Key::Inode(ino), Some(Record::Inode(inode))) if *ino != ROOT && inode.place.is_none() => Some(*ino),
        _ => None,
    }
}

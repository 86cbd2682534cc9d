//! What to do when changes outgrow memory: they go to the store, where they stay invisible until a sync covers them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::block::seal_block;
use crate::engine::{Engine, MapEdit, stays_there};
use crate::format::{Key, ROOT, SUPERBLOCK, block_key, encode, number_of, small, spill_key};
use crate::map::{Freed, NodeId};
use crate::records::{Fields, Inode, Record, Spill, SpilledFile, Superblock, encode_shadow};
use crate::runs::Runs;
use crate::state::State;
use crate::store::{Batch, Commit, KvStore};

impl<S: KvStore> Engine<S> {
    /// Makes room in memory for so many bytes of changes.
    pub(crate) async fn make_room(&self, state: &mut State, incoming: usize) -> Result<()> {
        if state.dirty_bytes() + incoming > self.options.dirty_bytes && state.dirty_bytes() > 0 {
            self.with_retry(state, Spilled::Blocks).await?;
        }
        if state.record_bytes() > self.options.dirty_bytes {
            self.with_retry(state, Spilled::Records).await?;
        }
        Ok(())
    }

    /// Spills, and once more after deleting what nobody needs if there is no space.
    pub(crate) async fn with_retry(&self, state: &mut State, what: Spilled) -> Result<()> {
        match self.spill(state, what).await {
            Err(full) if full.kind() == ErrorKind::NoSpace => match self.collect(state, usize::MAX).await {
                Ok(0) | Err(_) => Err(full),
                Ok(_) => self.spill(state, what).await,
            },
            outcome => outcome,
        }
    }

    async fn spill(&self, state: &mut State, what: Spilled) -> Result<()> {
        self.finish_applying(state).await?;
        match what {
            Spilled::Blocks => self.spill_blocks(state).await,
            Spilled::Records => self.spill_records(state).await,
        }
    }

    /// How many bytes go into one commit of a spill.
    fn spill_size(&self) -> usize {
        (self.options.dirty_bytes / 4).max(self.block_size)
    }

    async fn spill_blocks(&self, state: &mut State) -> Result<()> {
        while !state.blocks().is_empty() {
            self.set_ids_aside(state, 2).await?;
            let version = state.ids.take();
            let number = state.ids.take();
            let plan = self.plan_spill(state, version, number).await?;
            self.commit(state, plan.batch, Commit::Relaxed).await?;
            state.garbage.spills.push_back(number);
            for (ino, inode) in plan.inodes {
                state.set(Key::Inode(ino), Some(Record::Inode(Arc::new(inode))));
            }
            for (id, node) in plan.nodes {
                state.set(Key::Node(id), node.map(Record::Node));
            }
            for (ino, block, version) in plan.blocks {
                state.take_block(ino, block);
                self.caches().replace_block((ino, block, version), None);
            }
        }
        Ok(())
    }

    async fn plan_spill(&self, state: &State, version: u64, number: u64) -> Result<SpillPlan> {
        let mut plan = SpillPlan::default();
        let mut spill = Spill::default();
        let mut edit = MapEdit::new(self, state);
        let mut current: Option<(u64, Inode, SpilledFile)> = None;
        for ((ino, block), bytes) in state.blocks() {
            // A block adds three parts at most: its file, what is written, what that replaces.
            let parts = spill.parts() + current.as_ref().map_or(0, |(_, _, file)| file.parts());
            if plan.batch.bytes() >= self.spill_size() || parts + 3 > Spill::MOST_PARTS || plan.blocks.len() as u64 >= Spill::MOST_BLOCKS {
                break;
            }
            let (inode, file) = match &mut current {
                Some((last, inode, file)) if last == ino => (inode, file),
                _ => {
                    plan.end_file(&mut spill, current.take());
                    let inode = Inode::clone(&*self.inode(state, *ino).await?);
                    let base = self.published_inode(*ino).await?.map_or(0, |published| published.stamp);
                    let (_, inode, file) = current.insert((*ino, inode, SpilledFile { ino: *ino, base, new: Vec::new(), old: Vec::new() }));
                    (inode, file)
                }
            };
            let stored = edit.version_of(&inode.map, *ino, *block).await?;
            let is_small = self.is_small(*block, inode.len, bytes);
            let version = if is_small { small(version) } else { version };
            // What this file spilled since its last sync is nobody else's, and is overwritten.
            let at = stored.filter(|stored| inode.changed.spilled && number_of(*stored) > inode.stamp && stays_there(*stored, is_small));
            if at.is_none() {
                let mut map = std::mem::take(&mut inode.map);
                map.assign(&mut edit, *ino, *block, version).await?;
                inode.map = map;
                if let Some(stored) = stored {
                    push_run(&mut file.old, *block, stored);
                }
            }
            // Also what is overwritten: this commit may survive where the one before did not.
            push_run(&mut file.new, *block, at.unwrap_or(version));
            let key = block_key(*ino, *block, at.unwrap_or(version));
            let value = seal_block(self.format, &key, bytes);
            plan.batch.push(key, Some(value));
            plan.blocks.push((*ino, *block, at.unwrap_or(version)));
        }
        plan.end_file(&mut spill, current.take());
        plan.nodes = edit.nodes;
        let key = spill_key(number);
        let value = encode(&key, &spill)?;
        plan.batch.push(key, Some(value));
        Ok(plan)
    }

    /// Writes down which stored blocks files have let go, so that they need not be kept in memory.
    pub(crate) async fn spill_freed(&self, state: &mut State) -> Result<()> {
        self.finish_applying(state).await?;
        while !state.freed.is_empty() {
            self.set_ids_aside(state, 1).await?;
            let number = state.ids.take();
            let mut spill = Spill::default();
            let (mut parts, mut blocks) = (0, 0);
            for (ino, runs) in &state.freed {
                let some = freed_at_once(runs, Spill::MOST_PARTS.saturating_sub(parts + 1), Spill::MOST_BLOCKS.saturating_sub(blocks));
                if some.is_empty() {
                    break;
                }
                let base = self.published_inode(*ino).await?.map_or(0, |published| published.stamp);
                let file = SpilledFile { ino: *ino, base, new: Vec::new(), old: some.to_vec() };
                parts += file.parts();
                blocks += some.iter().map(|run| run.count).sum::<u64>();
                spill.files.push(file);
            }
            let key = spill_key(number);
            let value = encode(&key, &spill)?;
            let mut batch = Batch::new();
            batch.push(key, Some(value));
            self.commit(state, batch, Commit::Relaxed).await?;
            state.garbage.spills.push_back(number);
            for SpilledFile { ino, old, .. } in spill.files {
                self.mark_spilled(state, ino).await?;
                if let Some(runs) = state.freed.get_mut(&ino) {
                    runs.drain(..old.len());
                    if runs.is_empty() {
                        state.freed.remove(&ino);
                    }
                }
            }
        }
        Ok(())
    }

    async fn mark_spilled(&self, state: &mut State, ino: u64) -> Result<()> {
        if let Some(inode) = self.find_inode(state, ino).await?
            && !inode.changed.spilled
        {
            let mut inode = Inode::clone(&inode);
            inode.changed.spilled = true;
            state.set(Key::Inode(ino), Some(Record::Inode(Arc::new(inode))));
        }
        Ok(())
    }

    /// Moves changed records to the store, as shadows. What belongs to files without a name stays: no sync publishes it.
    pub(crate) async fn spill_records(&self, state: &mut State) -> Result<()> {
        self.set_ids_aside(state, 0).await?;
        let mut from = None;
        loop {
            let mut batch = Batch::new();
            let mut spilled = Vec::new();
            let changes = state.changes();
            let rest = match &from {
                Some(key) => changes.range((std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded)),
                None => changes.range::<Key, _>(..),
            };
            for (key, record) in rest {
                if batch.bytes() >= self.spill_size() {
                    break;
                }
                from = Some(key.clone());
                if !self.stays_in_memory(state, key, record.as_ref()) {
                    batch.push(key.shadow(), Some(encode_shadow(key, record.as_ref())?));
                    spilled.push(key.clone());
                }
            }
            if spilled.is_empty() {
                return Ok(());
            }
            self.commit(state, batch, Commit::Relaxed).await?;
            state.shadowed = true;
            for key in spilled {
                state.unset(&key);
            }
        }
    }

    fn stays_in_memory(&self, state: &State, key: &Key, record: Option<&Record>) -> bool {
        let ino = match (key, record) {
            (Key::Inode(ROOT), _) => return false,
            (Key::Inode(_), Some(Record::Inode(inode))) => return inode.place.is_none(),
            (Key::Node(node), _) => node.ino,
            _ => return false,
        };
        match state.changed(&Key::Inode(ino)) {
            Some(Some(Record::Inode(inode))) => inode.place.is_none(),
            _ => false,
        }
    }

    /// Makes sure that no number that is stored by a relaxed commit can be given out again after a power cut.
    pub(crate) async fn set_ids_aside(&self, state: &mut State, more: u64) -> Result<()> {
        let Some(bound) = state.ids.new_bound(more) else { return Ok(()) };
        let mut batch = Batch::new();
        batch.push(SUPERBLOCK.to_vec(), Some(self.superblock(bound)?));
        self.commit(state, batch, Commit::Durable).await?;
        state.ids.bound = bound;
        Ok(())
    }

    pub(crate) fn superblock(&self, ids: u64) -> Result<Vec<u8>> {
        // A block is at most a mebibyte.
        let block_size = u32::try_from(self.block_size).unwrap_or(u32::MAX);
        Superblock { format: self.format, fields: Fields { block_size, ids } }.encode()
    }

    /// Commits while nobody else has the state.
    pub(crate) async fn commit(&self, state: &mut State, batch: Batch, durability: Commit) -> Result<()> {
        state.check_changes(Operation::Sync)?;
        state.committing = true;
        let outcome = self.store.commit(batch, durability).await;
        state.committing = false;
        outcome.map_err(|error| self.committed_not(state, error))
    }

    /// What becomes of the engine when a commit fails.
    pub(crate) fn committed_not(&self, state: &mut State, error: Error) -> Error {
        if error.kind() == ErrorKind::NoSpace {
            return error;
        }
        let text = match error.text() {
            Some(text) => format!("{text}; what reached the store is unknown: no more changes until the location is opened again"),
            None => "a commit failed, and what reached the store is unknown: no more changes until the location is opened again".to_owned(),
        };
        let error = error.with_text(text);
        self.commits_no_more(state, error.clone());
        error
    }

    /// After a commit of which nobody knows whether the store has it, or will have it.
    pub(crate) fn commits_no_more(&self, state: &mut State, error: Error) {
        // Readers ask the store anew, which may have made it.
        let mut caches = self.caches();
        caches.records.clear();
        caches.blocks.clear();
        caches.located.clear();
        state.failed = Some(error);
    }
}

/// What is spilled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spilled {
    Blocks,
    Records,
}

#[derive(Default)]
struct SpillPlan {
    batch: Batch,
    inodes: BTreeMap<u64, Inode>,
    nodes: BTreeMap<NodeId, Option<Arc<Runs>>>,
    /// Inode, number, version.
    blocks: Vec<(u64, u64, u64)>,
}

impl SpillPlan {
    fn end_file(&mut self, spill: &mut Spill, file: Option<(u64, Inode, SpilledFile)>) {
        let Some((ino, mut inode, file)) = file else { return };
        inode.changed.spilled = true;
        self.inodes.insert(ino, inode);
        spill.files.push(file);
    }
}

/// The first of these runs, as far as one record can name them: one at least, unless there is no room for any.
pub(crate) fn freed_at_once(runs: &[Freed], most_runs: usize, most_blocks: u64) -> &[Freed] {
    let mut blocks = 0;
    let fits = |run: &&Freed| {
        let fits = blocks < most_blocks;
        blocks += run.count;
        fits
    };
    let count = runs.iter().take(most_runs).take_while(fits).count();
    runs.get(..count).unwrap_or_default()
}

fn push_run(runs: &mut Vec<Freed>, block: u64, version: u64) {
    match runs.last_mut() {
        Some(last) if last.version == version && last.block + last.count == block => last.count += 1,
        _ => runs.push(Freed { block, count: 1, version }),
    }
}

//! What the backend and all its files share: the store, the state, the caches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Detached, Error, ErrorKind, Operation, Result};
use async_lock::{RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
// First come, first served.
use tokio::sync::{Mutex as Queue, MutexGuard as QueueGuard};

use crate::ahead::Ahead;
use crate::block::unseal_block;
use crate::cache::Cache;
use crate::format::{self, Format, Key, ROOT, block_key, missing};
use crate::handles::Handles;
use crate::located::Located;
use crate::map::{BlockMap, Extent, NodeId, Nodes};
use crate::options::KvOptions;
use crate::records::{Entry, Inode, Kind, Record, decode_shadow};
use crate::runs::Runs;
use crate::state::State;
use crate::store::KvStore;

/// One open location.
///
/// The state has one lock. Reads share it; changes have it alone. Publishing has it alone while it is prepared, lets reads go on
/// during the commit, and has it alone again to finish. Over an immediate store nobody waits for it in a future: the thread waits, and the
/// call is ready when first polled. Over another one calls get it in the order in which they were first polled, which the lock by itself
/// does not promise: each waits in the queue until it has the lock. So a read goes on beside a commit if nothing is before it, and a read
/// behind a change that waits for the commit waits with it: that change is one that it has to see. A call that was polled once and not again holds up
/// those behind it, and the commit beside it.
#[derive(Debug)]
pub(crate) struct Engine<S> {
    pub(crate) store: S,
    pub(crate) options: KvOptions,
    /// The location's own.
    pub(crate) format: Format,
    /// In bytes; the location's own.
    pub(crate) block_size: usize,
    pub(crate) state: RwLock<State>,
    queue: Queue<()>,
    caches: Mutex<Caches>,
    pub(crate) ahead: Queue<Ahead>,
    pub(crate) handles: Handles,
}

/// The turn of a call, until it has the state.
pub(crate) type Turn<'a> = Option<QueueGuard<'a, ()>>;

/// Inode, number and version of a stored block.
pub(crate) type BlockId = (u64, u64, u64);

/// What the store has, kept in memory.
#[derive(Debug)]
pub(crate) struct Caches {
    /// Published records; none where there is none.
    pub(crate) records: Cache<Key, Option<Record>>,
    /// Stored blocks.
    pub(crate) blocks: Cache<BlockId, Arc<Vec<u8>>>,
    /// Where stored blocks lie.
    pub(crate) located: Cache<BlockId, Arc<Located>>,
    /// For bytes that are read from there.
    pub(crate) scratch: Vec<u8>,
    /// The file that was read last, and how far.
    pub(crate) read_to: (u64, u64),
    /// How many parts of blocks were asked for.
    pub(crate) parts: u64,
}

impl Caches {
    /// A block is stored anew, under the version that it had.
    pub(crate) fn replace_block(&mut self, id: BlockId, bytes: Option<Vec<u8>>) {
        self.located.remove(&id);
        match bytes.map(Arc::new) {
            Some(bytes) => self.blocks.insert(id, Arc::clone(&bytes), bytes.len()),
            None => self.blocks.remove(&id),
        }
    }
}

impl<S: KvStore> Engine<S> {
    pub(crate) fn new(store: S, options: KvOptions, format: Format, block_size: usize, state: State) -> Self {
        // Most of it for blocks: records are small.
        let records = Cache::new(options.cache_bytes / 4);
        let blocks = Cache::new(options.cache_bytes - options.cache_bytes / 4);
        // Beside them: it takes a hundredth of what it is about.
        let located = Cache::new(options.cache_bytes / 2);
        let caches = Mutex::new(Caches { records, blocks, located, scratch: Vec::new(), read_to: (0, 0), parts: 0 });
        let state = RwLock::new(state);
        let (queue, ahead, handles) = (Queue::default(), Queue::default(), Handles::default());
        Self { store, options, format, block_size, state, queue, caches, ahead, handles }
    }

    pub(crate) fn caches(&self) -> MutexGuard<'_, Caches> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn carries_on(&self) -> Option<fn(Detached)> {
        self.options.carries_on()
    }

    /// `StorageBackend::close`.
    pub(crate) async fn close(&self) -> Result<()> {
        let mut state = self.exclusive(Operation::Close, self.turn().await).await?;
        state.closed = true;
        self.store.close().await
    }

    /// For reading.
    pub(crate) async fn shared(&self, operation: Operation) -> Result<RwLockReadGuard<'_, State>> {
        let state = if self.options.immediate {
            immediate::read(&self.state, operation)?
        } else {
            let _turn = self.queue.lock().await;
            self.state.read().await
        };
        check_open(&state, operation)?;
        Ok(state)
    }

    /// Waits for the turn of a call. Over an immediate store there is none.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        if self.options.immediate { None } else { Some(self.queue.lock().await) }
    }

    /// For changing something, by a call that has its turn.
    pub(crate) async fn exclusive(&self, operation: Operation, turn: Turn<'_>) -> Result<RwLockWriteGuard<'_, State>> {
        let mut state = match turn {
            None => immediate::write(&self.state, operation)?,
            Some(_turn) => self.state.write().await,
        };
        check_open(&state, operation)?;
        if state.committing {
            let text = "a call was dropped in the middle of a commit, and what reached the store is unknown: \
                        no more changes until the location is opened again";
            self.commits_no_more(&mut state, Error::new(ErrorKind::Io, operation).with_text(text));
            state.committing = false;
        }
        Ok(state)
    }

    /// Has the state alone again after a commit.
    pub(crate) async fn upgrade<'a>(
        &self,
        state: RwLockUpgradableReadGuard<'a, State>,
        operation: Operation,
    ) -> Result<RwLockWriteGuard<'a, State>> {
        if self.options.immediate { immediate::upgrade(state, operation) } else { Ok(RwLockUpgradableReadGuard::upgrade(state).await) }
    }

    /// What is published for `key`.
    pub(crate) async fn published(&self, key: &Key) -> Result<Option<Record>> {
        if let Some(record) = self.caches().records.get(key) {
            return Ok(record.clone());
        }
        let stored = key.published();
        let record = match self.store.get(&stored).await? {
            Some(value) => Some(Record::decode(key, &stored, value)?),
            None => None,
        };
        self.remember(key, record.clone());
        Ok(record)
    }

    /// A number for an inode, of which nothing is published.
    pub(crate) fn new_ino(&self, state: &mut State) -> u64 {
        let ino = state.ids.take();
        self.remember(&Key::Inode(ino), None);
        ino
    }

    /// Keeps in memory what is published for `key`.
    pub(crate) fn remember(&self, key: &Key, record: Option<Record>) {
        let cost = 32 + key.name_len() + record.as_ref().map_or(0, Record::cost);
        self.caches().records.insert(key.clone(), record, cost);
    }

    /// What a caller sees for `key`, synced or not.
    pub(crate) async fn current(&self, state: &State, key: &Key) -> Result<Option<Record>> {
        if let Some(record) = state.changed(key) {
            return Ok(record.clone());
        }
        if state.shadowed
            && let Some(value) = self.store.get(&key.shadow()).await?
        {
            return decode_shadow(key, value);
        }
        self.published(key).await
    }

    /// The inode that callers see; none if there is none of that number.
    pub(crate) async fn find_inode(&self, state: &State, ino: u64) -> Result<Option<Arc<Inode>>> {
        match self.current(state, &Key::Inode(ino)).await? {
            Some(Record::Inode(inode)) => Ok(Some(inode)),
            _ => Ok(None),
        }
    }

    /// The inode that callers see, which something leads to.
    pub(crate) async fn inode(&self, state: &State, ino: u64) -> Result<Arc<Inode>> {
        let found = self.find_inode(state, ino).await?;
        found.ok_or_else(|| missing(&Key::Inode(ino).published()))
    }

    /// The inode as it is published.
    pub(crate) async fn published_inode(&self, ino: u64) -> Result<Option<Arc<Inode>>> {
        match self.published(&Key::Inode(ino)).await? {
            Some(Record::Inode(inode)) => Ok(Some(inode)),
            _ => Ok(None),
        }
    }

    /// What a name leads to.
    pub(crate) async fn entry(&self, state: &State, directory: u64, name: &str) -> Result<Option<Entry>> {
        if state.names.lacks(directory, name) {
            return Ok(None);
        }
        match self.current(state, &Key::entry(directory, name)).await? {
            Some(Record::Entry(entry)) => Ok(Some(entry)),
            _ => Ok(None),
        }
    }

    /// The stored bytes of a block.
    pub(crate) async fn stored_block(&self, ino: u64, block: u64, version: u64) -> Result<Arc<Vec<u8>>> {
        let id = (ino, block, version);
        if let Some(bytes) = self.caches().blocks.get(&id) {
            return Ok(Arc::clone(bytes));
        }
        self.fetched_block(ino, block, version).await
    }

    /// The stored bytes of the blocks that follow one another in `extent`, in one go. They are not kept in memory: who reads so much at
    /// once reads on behind it.
    pub(crate) async fn stored_blocks(&self, ino: u64, extent: Extent) -> Result<Vec<Vec<u8>>> {
        let count = usize::try_from(extent.count).unwrap_or(usize::MAX);
        let last = extent.block + extent.count - 1;
        let from = block_key(ino, extent.block, extent.version);
        let to = [block_key(ino, last, extent.version).as_slice(), &[0]].concat();
        // Other versions may lie between them, waiting to be deleted.
        let mut found = self.store.scan(&from, &to, count).await?.into_iter();
        let mut blocks = Vec::with_capacity(count);
        for block in extent.block..=last {
            let key = block_key(ino, block, extent.version);
            let value = match found.find(|(found, _)| *found >= key) {
                Some((found, value)) if found == key => value,
                // Not among them, or damaged: asked for by itself.
                _ => {
                    blocks.push(self.stored_block(ino, block, extent.version).await?.to_vec());
                    continue;
                }
            };
            blocks.push(self.unsealed_block(&key, value)?);
        }
        Ok(blocks)
    }

    pub(crate) fn unsealed_block(&self, key: &[u8], value: Vec<u8>) -> Result<Vec<u8>> {
        let bytes = unseal_block(self.format, key, value)?;
        if bytes.len() > self.block_size {
            return Err(crate::format::damaged(key, "it is longer than a block"));
        }
        Ok(bytes)
    }

    /// Whether this block is all that a small file has, and is kept where those are if it is new.
    pub(crate) fn is_small(&self, block: u64, len: u64, bytes: &[u8]) -> bool {
        let most = self.options.small_contents.min(self.block_size);
        self.format == Format::V3 && block == 0 && bytes.len() <= most && len <= most as u64
    }

    /// The next revision.
    pub(crate) const fn next_revision(state: &mut State) -> u64 {
        state.revisions = state.revisions.wrapping_add(1);
        state.revisions
    }
}

/// The block map of a file as callers see it, with changes that are not made yet on top.
pub(crate) struct MapEdit<'a, S> {
    engine: &'a Engine<S>,
    state: &'a State,
    pub(crate) nodes: std::collections::BTreeMap<NodeId, Option<Arc<Runs>>>,
}

impl<'a, S: KvStore> MapEdit<'a, S> {
    pub(crate) const fn new(engine: &'a Engine<S>, state: &'a State) -> Self {
        Self { engine, state, nodes: std::collections::BTreeMap::new() }
    }

    /// Under which version a block is stored; none for a hole.
    pub(crate) async fn version_of(&self, map: &BlockMap, ino: u64, block: u64) -> Result<Option<u64>> {
        map.version_of(self, ino, block).await
    }

    /// The blocks from this one on that are stored under its version, at most `most` of them; none if it is a hole.
    pub(crate) async fn run_at(&self, map: &BlockMap, ino: u64, block: u64, most: u64) -> Result<Option<Extent>> {
        let run = map.run_at(self, ino, block).await?;
        Ok(run.map(|run| Extent { count: run.count.min(most), ..run }))
    }
}

impl<S: KvStore> Nodes for MapEdit<'_, S> {
    async fn node(&self, id: NodeId) -> Result<Arc<Runs>> {
        let found = match self.nodes.get(&id) {
            Some(node) => node.clone(),
            None => match self.engine.current(self.state, &Key::Node(id)).await? {
                Some(Record::Node(runs)) => Some(runs),
                _ => None,
            },
        };
        found.ok_or_else(|| missing(&Key::Node(id).published()))
    }

    fn set_node(&mut self, id: NodeId, runs: Option<Arc<Runs>>) {
        self.nodes.insert(id, runs);
    }
}

/// Whether a block that is small or is not can be written under the version that it has.
pub(crate) const fn stays_there(stored: u64, is_small: bool) -> bool {
    is_small || !format::is_small(stored)
}

/// The root, where a location has nothing else.
pub(crate) fn new_root() -> Inode {
    Inode::new(Kind::Directory, ROOT, None)
}

fn check_open(state: &State, operation: Operation) -> Result<()> {
    if state.closed {
        return Err(Error::new(ErrorKind::Closed, operation).with_text("this location was closed"));
    }
    Ok(())
}

/// The lock of an engine whose calls never wait in a future.
#[cfg(not(target_family = "wasm"))]
mod immediate {
    use super::{Operation, Result, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard, State};

    pub(super) fn read(state: &RwLock<State>, _: Operation) -> Result<RwLockReadGuard<'_, State>> {
        Ok(state.read_blocking())
    }

    pub(super) fn write(state: &RwLock<State>, _: Operation) -> Result<RwLockWriteGuard<'_, State>> {
        Ok(state.write_blocking())
    }

    pub(super) fn upgrade(state: RwLockUpgradableReadGuard<'_, State>, _: Operation) -> Result<RwLockWriteGuard<'_, State>> {
        Ok(RwLockUpgradableReadGuard::upgrade_blocking(state))
    }
}

/// Without threads the lock is free whenever a call begins.
#[cfg(target_family = "wasm")]
mod immediate {
    use super::{Error, ErrorKind, Operation, Result, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard, State};

    pub(super) fn read(state: &RwLock<State>, operation: Operation) -> Result<RwLockReadGuard<'_, State>> {
        state.try_read().ok_or_else(|| busy(operation))
    }

    pub(super) fn write(state: &RwLock<State>, operation: Operation) -> Result<RwLockWriteGuard<'_, State>> {
        state.try_write().ok_or_else(|| busy(operation))
    }

    pub(super) fn upgrade(state: RwLockUpgradableReadGuard<'_, State>, operation: Operation) -> Result<RwLockWriteGuard<'_, State>> {
        RwLockUpgradableReadGuard::try_upgrade(state).map_err(|_| busy(operation))
    }

    fn busy(operation: Operation) -> Error {
        Error::new(ErrorKind::WouldBlock, operation).with_text("another call is under way")
    }
}

//! What has changed and is not published yet, in memory.

use std::collections::{BTreeMap, VecDeque};

use anystorage_api::{Error, Operation, Result};

use crate::format::Key;
use crate::map::Freed;
use crate::names::Names;
use crate::records::Record;

/// What every call shares, under one lock.
#[derive(Debug)]
pub(crate) struct State {
    /// Changed records; none where one was removed. They come before what the store has.
    changed: BTreeMap<Key, Option<Record>>,
    /// Changed blocks by inode and number: the bytes up to the last one that is not behind the end of the file.
    dirty: BTreeMap<(u64, u64), Vec<u8>>,
    dirty_bytes: usize,
    record_bytes: usize,
    /// Changed records are in the store as well, as shadows.
    pub(crate) shadowed: bool,
    /// The shadows are published, and still have to be moved to their places.
    pub(crate) applying: bool,
    /// Recovery could not be finished when the location was opened, for want of space. Until it is, nothing changes.
    pub(crate) recovering: bool,
    /// For which names there is no need to ask the store.
    pub(crate) names: Names,
    /// Stored blocks that files have let go since they were published, by inode.
    pub(crate) freed: BTreeMap<u64, Vec<Freed>>,
    pub(crate) ids: Ids,
    pub(crate) garbage: Garbage,
    /// Counts up for revisions.
    pub(crate) revisions: u64,
    /// A commit is under way; still true if the call was dropped in the middle of it.
    pub(crate) committing: bool,
    /// The commit that failed.
    pub(crate) failed: Option<Error>,
    pub(crate) closed: bool,
}

/// What is to be deleted, as soon as nothing needs it.
#[derive(Debug, Default)]
pub(crate) struct Garbage {
    /// Records of spills that are not dealt with.
    pub(crate) spills: VecDeque<u64>,
    /// How many of them, from the front, may be dealt with now.
    pub(crate) ready: usize,
    /// Removed files that are published as such and not open.
    pub(crate) orphans: VecDeque<u64>,
    /// Pending records that the next durable commit deletes, since it makes durable what was deleted before.
    pub(crate) done: Vec<Vec<u8>>,
}

/// Numbers that are given out once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    next: u64,
    /// What the superblock says.
    pub(crate) bound: u64,
}

/// How many numbers the superblock sets aside at a time.
pub(crate) const IDS_AT_ONCE: u64 = 1 << 16;

impl Ids {
    pub(crate) const fn starting(bound: u64) -> Self {
        Self { next: bound, bound }
    }

    pub(crate) const fn take(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// The bound that the next superblock has to have, if it must have another one before `more` numbers beyond those taken are stored.
    pub(crate) const fn new_bound(&self, more: u64) -> Option<u64> {
        if self.next + more <= self.bound { None } else { Some(self.next + more + IDS_AT_ONCE) }
    }
}

/// What an entry of the maps costs besides its bytes, about.
const OVERHEAD: usize = 96;

impl State {
    pub(crate) fn new(ids: Ids, revisions: u64) -> Self {
        Self {
            changed: BTreeMap::new(),
            dirty: BTreeMap::new(),
            dirty_bytes: 0,
            record_bytes: 0,
            shadowed: false,
            applying: false,
            recovering: false,
            names: Names::default(),
            freed: BTreeMap::new(),
            ids,
            garbage: Garbage::default(),
            revisions,
            committing: false,
            failed: None,
            closed: false,
        }
    }

    /// Refuses changes after a failed commit.
    pub(crate) fn check_changes(&self, operation: Operation) -> Result<()> {
        match &self.failed {
            Some(failed) => Err(failed.clone().in_operation(operation)),
            None => Ok(()),
        }
    }

    pub(crate) fn changed(&self, key: &Key) -> Option<&Option<Record>> {
        self.changed.get(key)
    }

    pub(crate) const fn changes(&self) -> &BTreeMap<Key, Option<Record>> {
        &self.changed
    }

    pub(crate) fn set(&mut self, key: Key, record: Option<Record>) {
        self.unset(&key);
        self.record_bytes += record_cost(&key, record.as_ref());
        self.changed.insert(key, record);
    }

    /// Forgets that a record has changed: what is stored is what it is.
    pub(crate) fn unset(&mut self, key: &Key) {
        if let Some(old) = self.changed.remove(key) {
            self.record_bytes = self.record_bytes.saturating_sub(record_cost(key, old.as_ref()));
        }
    }

    pub(crate) fn block(&self, ino: u64, block: u64) -> Option<&Vec<u8>> {
        self.dirty.get(&(ino, block))
    }

    /// Changes a block; `stored` is what it was if it was not changed before.
    pub(crate) fn change_block(&mut self, ino: u64, block: u64, stored: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) {
        let bytes = self.dirty.entry((ino, block)).or_insert_with(|| {
            self.dirty_bytes += OVERHEAD;
            self.dirty_bytes += stored.len();
            stored
        });
        let before = bytes.len();
        change(bytes);
        self.dirty_bytes = self.dirty_bytes + bytes.len() - before;
    }

    pub(crate) fn take_block(&mut self, ino: u64, block: u64) -> Option<Vec<u8>> {
        let bytes = self.dirty.remove(&(ino, block))?;
        self.dirty_bytes = self.dirty_bytes.saturating_sub(OVERHEAD + bytes.len());
        Some(bytes)
    }

    /// The changed blocks of one file, from a number on.
    pub(crate) fn blocks_of(&self, ino: u64, from: u64) -> impl Iterator<Item = (u64, &Vec<u8>)> {
        self.dirty.range((ino, from)..=(ino, u64::MAX)).map(|((_, block), bytes)| (*block, bytes))
    }

    /// All changed blocks.
    pub(crate) const fn blocks(&self) -> &BTreeMap<(u64, u64), Vec<u8>> {
        &self.dirty
    }

    pub(crate) fn drop_blocks(&mut self, ino: u64, from: u64) {
        let gone: Vec<u64> = self.blocks_of(ino, from).map(|(block, _)| block).collect();
        for block in gone {
            self.take_block(ino, block);
        }
    }

    /// About how many bytes the changed blocks take.
    pub(crate) const fn dirty_bytes(&self) -> usize {
        self.dirty_bytes
    }

    /// About how many bytes the changed records take.
    pub(crate) const fn record_bytes(&self) -> usize {
        self.record_bytes
    }
}

fn record_cost(key: &Key, record: Option<&Record>) -> usize {
    OVERHEAD + key.name_len() + record.map_or(0, Record::cost)
}

//! Deleting what nothing needs any more: blocks of removed files, blocks that were replaced by spilled ones, blocks that were spilled and
//! never published.
//!
//! Whatever is deleted here is named in a pending record until a durable commit has made the deletion durable. So a power cut in between
//! costs only that it is deleted again.

use anystorage_api::{ErrorKind, MaybeSend, Result};

use crate::engine::Engine;
use crate::format::{Key, SMALL_TAG, numbered, spill_key};
use crate::records::{Spill, SpilledFile};
use crate::state::State;
use crate::store::{Batch, Commit, KvStore};

/// How many records one commit deletes.
const DELETED_AT_ONCE: usize = 512;

/// How many blocks are looked up at a time, at most, and how many bytes of them.
const PAGE: usize = 64;
const PAGE_BYTES: usize = 1 << 20;

/// The base of a file in the record of a spill of which it is decided that `old` is to be deleted.
pub(crate) const DECIDED: u64 = u64::MAX;

impl<S: KvStore> Engine<S> {
    /// Deletes about `limit` records that nothing needs, if there are so many. With `usize::MAX` all of them, durably, so that their space
    /// is free. Returns how many it deleted.
    pub(crate) async fn collect(&self, state: &mut State, limit: usize) -> Result<usize> {
        let mut deleted = 0;
        let how = if limit == usize::MAX { Commit::Durable } else { Commit::Relaxed };
        if limit == usize::MAX {
            state.garbage.ready = state.garbage.spills.len();
        }
        while state.garbage.ready > 0 && deleted < limit {
            let Some(number) = state.garbage.spills.pop_front() else { break };
            state.garbage.ready -= 1;
            match self.collect_spill(state, number, how).await {
                Ok(Some(count)) => {
                    deleted += count;
                    state.garbage.done.push(spill_key(number));
                }
                Ok(None) => state.garbage.spills.push_back(number),
                // It stays where it is, and so does what it names: that wastes space, and loses nothing.
                Err(error) if error.kind() == ErrorKind::Corrupt => log::warn!("{error}"),
                Err(error) => {
                    state.garbage.spills.push_back(number);
                    return Err(error);
                }
            }
        }
        while let Some(ino) = state.garbage.orphans.front().copied() {
            if deleted >= limit {
                break;
            }
            let (count, finished) = match self.collect_orphan(state, ino, limit - deleted, how).await {
                // What of it is left stays, as with spills, and does not stand in the way of others.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    log::warn!("{error}");
                    state.garbage.orphans.pop_front();
                    continue;
                }
                outcome => outcome?,
            };
            // To look for nothing is work too.
            deleted += count.max(1);
            if finished {
                state.garbage.orphans.pop_front();
                state.garbage.done.push(Key::Orphan(ino).published());
            }
        }
        if limit == usize::MAX && deleted > 0 {
            let done = std::mem::take(&mut state.garbage.done);
            let mut batch = Batch::new();
            for key in &done {
                batch.push(key.clone(), None);
            }
            if let Err(error) = self.commit(state, batch, Commit::Durable).await {
                state.garbage.done = done;
                return Err(error);
            }
        }
        Ok(deleted)
    }

    /// None if not everything in it is decided yet.
    async fn collect_spill(&self, state: &mut State, number: u64, how: Commit) -> Result<Option<usize>> {
        let key = spill_key(number);
        let Some(value) = self.store.get(&key).await? else { return Ok(Some(0)) };
        let spill = Spill::decode(&key, value)?;
        let mut doomed = Vec::new();
        for file in &spill.files {
            let Some(which) = self.fate(state, file).await? else { return Ok(None) };
            let runs = which.new.then_some(&file.new).into_iter().chain(which.old.then_some(&file.old)).flatten();
            doomed.extend(runs.map(|run| (file.ino, *run)));
        }
        self.delete(state, doomed.into_iter().flat_map(|(ino, run)| run.keys(ino)), how).await.map(Some)
    }

    /// What of a spill is to be deleted; none if that is not decided.
    async fn fate(&self, state: &State, file: &SpilledFile) -> Result<Option<Doomed>> {
        if file.base == DECIDED {
            return Ok(Some(Doomed { new: false, old: true }));
        }
        match self.published_inode(file.ino).await? {
            Some(published) if published.stamp == file.base => Ok(None),
            Some(_) => Ok(Some(Doomed { new: false, old: true })),
            None if self.find_inode(state, file.ino).await?.is_some() => Ok(None),
            None => Ok(Some(Doomed { new: true, old: true })),
        }
    }

    /// The count, and whether nothing is left of it.
    async fn collect_orphan(&self, state: &mut State, ino: u64, limit: usize, how: Commit) -> Result<(usize, bool)> {
        let mut count = 0;
        let page_len = (PAGE_BYTES / self.block_size).clamp(1, PAGE);
        let shadows: &[u8] = b"pwn";
        for tag in [b"b", &[SMALL_TAG], b"n", shadows] {
            let (from, to) = numbered(tag, ino);
            loop {
                if count >= limit {
                    return Ok((count, false));
                }
                let page = self.store.scan(&from, &to, page_len).await?;
                if page.is_empty() {
                    break;
                }
                count += self.delete(state, page.into_iter().map(|(key, _)| key), how).await?;
            }
        }
        Ok((count, true))
    }

    /// Returns how many they were. Where there is no space, many deletions at once may need more than there is, and few do not.
    async fn delete(&self, state: &mut State, mut doomed: impl Iterator<Item = Vec<u8>> + MaybeSend, how: Commit) -> Result<usize> {
        let mut count = 0;
        let mut at_once = DELETED_AT_ONCE;
        loop {
            let page: Vec<Vec<u8>> = doomed.by_ref().take(DELETED_AT_ONCE).collect();
            let mut left = page.as_slice();
            if left.is_empty() {
                return Ok(count);
            }
            while !left.is_empty() {
                let (some, rest) = left.split_at(left.len().min(at_once));
                let mut batch = Batch::new();
                for key in some {
                    batch.push(key.clone(), None);
                }
                match self.commit(state, batch, how).await {
                    Err(full) if full.kind() == ErrorKind::NoSpace && some.len() > 1 => at_once = some.len().div_ceil(4),
                    outcome => {
                        outcome?;
                        count += some.len();
                        left = rest;
                        at_once = (at_once * 2).min(DELETED_AT_ONCE);
                    }
                }
            }
        }
    }
}

struct Doomed {
    new: bool,
    old: bool,
}

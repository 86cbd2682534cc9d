//! Small files that are read one after another.

use std::sync::Arc;

use anystorage_api::{ErrorKind, Result};

use crate::engine::Engine;
use crate::format::{SMALL_TAG, block_key, block_of, is_small, missing};
use crate::store::KvStore;

/// Whose inode is at most so far behind the last one is the next file: files that were made together have numbers in a row.
const NEAR: u64 = 8;

/// Small files in pages cost less, and a directory of them is seldom read in the order in which they were made.
const NEAR_SMALL: u64 = 64;

/// So many blocks are read ahead at first.
const FIRST: usize = 16;

/// What so many small files have is read ahead at first.
const FIRST_SMALL: usize = 64;

/// In bytes, the most that is read ahead at once.
const AT_ONCE: usize = 4 << 20;

/// How far reading ahead has come.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// The file whose block was asked for last, or the last one that was read ahead.
    last: u64,
    /// How many blocks are read ahead the next time.
    count: usize,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { last: 0, count: FIRST }
    }
}

impl Ahead {
    /// Takes note of a file whose block is not in memory; whether it is the next one.
    fn is_next(&mut self, ino: u64, is_small: bool) -> bool {
        let near = if is_small { NEAR_SMALL } else { NEAR };
        let is_next = ino > self.last && ino - self.last <= near;
        self.last = ino;
        if !is_next {
            self.count = FIRST;
        }
        if is_small {
            self.count = self.count.max(FIRST_SMALL);
        }
        is_next
    }

    /// So many bytes were read ahead, up to this file: more the next time, unless that was much.
    fn came(&mut self, last: u64, bytes: usize) {
        self.last = self.last.max(last);
        self.count = if bytes < AT_ONCE / 4 { self.count * 2 } else { FIRST };
    }
}

impl<S: KvStore> Engine<S> {
    /// The stored bytes of a block that is not in memory. Over a store that has to be waited for, those of the files behind it are
    /// fetched along with it where files are read one after another: there each question costs more than its bytes.
    ///
    /// Whoever calls this holds the state, as for every read: so what is kept in memory is what the store has, until a change is published,
    /// which puts its own blocks in their place.
    pub(crate) async fn fetched_block(&self, ino: u64, block: u64, version: u64) -> Result<Arc<Vec<u8>>> {
        let key = block_key(ino, block, version);
        // Blocks may all be whole, and a cache that is too small would forget what is read ahead before it is asked for.
        let small = Some(self.options.small_contents.min(self.block_size)).filter(|most| *most > 0).unwrap_or(self.block_size);
        let (largest, end) = match is_small(version) {
            true => (small, [SMALL_TAG + 1]),
            false => (self.block_size, [b'b' + 1]),
        };
        let most = AT_ONCE.min(self.options.cache_bytes / 2) / largest;
        if !self.options.immediate && most >= 2 {
            let mut ahead = self.ahead.lock().await;
            // Whoever had it before may have read this block ahead.
            if let Some(bytes) = self.caches().blocks.get(&(ino, block, version)) {
                return Ok(Arc::clone(bytes));
            }
            if ahead.is_next(ino, is_small(version)) {
                ahead.count = ahead.count.min(most);
                let found = match self.store.scan(&key, &end, ahead.count).await {
                    // Somewhere in what nobody has asked for.
                    Err(error) if error.kind() == ErrorKind::Corrupt => Vec::new(),
                    found => found?,
                };
                let (mut last, mut bytes, mut asked_for) = (ino, 0, None);
                for (found_key, value) in found {
                    bytes += value.len();
                    // What is damaged is told to whoever asks for it.
                    let Some(id) = block_of(&found_key) else { continue };
                    let Ok(block) = self.unsealed_block(&found_key, value).map(Arc::new) else { continue };
                    last = id.0;
                    if found_key == key {
                        asked_for = Some(Arc::clone(&block));
                    }
                    self.caches().blocks.insert(id, Arc::clone(&block), block.len());
                }
                ahead.came(last, bytes);
                if let Some(block) = asked_for {
                    return Ok(block);
                }
            }
        }
        let value = self.store.get(&key).await?.ok_or_else(|| missing(&key))?;
        let bytes = Arc::new(self.unsealed_block(&key, value)?);
        self.caches().blocks.insert((ino, block, version), Arc::clone(&bytes), bytes.len());
        Ok(bytes)
    }
}

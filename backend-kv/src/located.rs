//! Parts of blocks that are read from where they lie, without the rest of the block.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anystorage_api::Result;
use twox_hash::XxHash64;

use crate::content::copy_out;
use crate::engine::{BlockId, Engine};
use crate::format::{block_key, missing};
use crate::store::KvStore;

/// What has a checksum of its own, in bytes.
const PIECE: usize = 1 << 10;

/// Of shorter blocks a part costs about as much as all, in bytes.
const SHORTEST: usize = 8 << 10;

/// Where the bytes of a block lie in the store, and their checksums, piece by piece. They were taken when the block was read as a whole and fitted
/// its own checksum; so whatever becomes of that place, other bytes are not taken for these.
#[derive(Debug)]
pub(crate) struct Located {
    at: u64,
    len: usize,
    /// With the salt of the location's opening: nobody can make others that are the same.
    sums: Box<[u32]>,
    /// How many parts of blocks had been asked for when one of this was.
    last: AtomicU64,
}

impl Located {
    /// None for a block that is too short.
    fn new(at: u64, bytes: &[u8], salt: u64, parts: u64) -> Option<Self> {
        (bytes.len() >= SHORTEST).then(|| Self { at, len: bytes.len(), sums: sums(bytes, salt).collect(), last: AtomicU64::new(parts) })
    }

    /// How many bytes it takes beside those that every entry of a cache does.
    fn cost(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.sums)
    }

    /// The whole pieces that a part touches, as far as the block has bytes there; none if they are much of the block.
    fn around(&self, part: &Range<usize>) -> Option<Range<usize>> {
        let from = (part.start - part.start % PIECE).min(self.len);
        let to = part.end.next_multiple_of(PIECE).min(self.len);
        (from < to && to - from <= self.len / 2).then_some(from..to)
    }

    /// Whether these are the bytes that lay there, from the begin of a piece on.
    fn fits(&self, from: usize, bytes: &[u8], salt: u64) -> bool {
        let first = from / PIECE;
        let expected = self.sums.get(first..first + bytes.len().div_ceil(PIECE));
        expected.is_some_and(|expected| sums(bytes, salt).eq(expected.iter().copied()))
    }
}

fn sums(bytes: &[u8], salt: u64) -> impl Iterator<Item = u32> {
    // Half of it: as good as a crc32c.
    bytes.chunks(PIECE).map(move |piece| XxHash64::oneshot(salt, piece) as u32)
}

/// What is known of a block that is stored.
enum Known {
    Nothing,
    Bytes(Arc<Vec<u8>>),
    Place(Arc<Located>),
}

impl<S: KvStore> Engine<S> {
    /// Whether a read begins where the one before it ended: who does that wants the rest of the block soon.
    pub(crate) fn reads_on(&self, ino: u64, offset: u64, len: usize) -> bool {
        let mut caches = self.caches();
        let before = std::mem::replace(&mut caches.read_to, (ino, offset + len as u64));
        before == (ino, offset)
    }

    /// Fills `out` with what a stored block has at `within`. Where the block is not in memory, and this is a small part of it and by itself, that
    /// part alone is read, if it is known where it lies, and if the block was not wanted lately; it is known once the block was read as a whole.
    ///
    /// Whoever calls this holds the state, as for every read: a change of the block that is published takes what is known of it away.
    pub(crate) async fn read_stored(&self, id: BlockId, within: usize, out: &mut [u8], is_alone: bool) -> Result<()> {
        let (ino, block, version) = id;
        let bytes = if S::LOCATES && is_alone && self.block_size >= SHORTEST && out.len() <= self.block_size / 2 {
            match self.known(id) {
                Known::Bytes(bytes) => bytes,
                Known::Place(located) if self.read_part(&located, id, within, out).await => return Ok(()),
                Known::Place(_) | Known::Nothing => self.located_block(id).await?,
            }
        } else {
            self.stored_block(ino, block, version).await?
        };
        copy_out(&bytes, within, out);
        Ok(())
    }

    fn known(&self, id: BlockId) -> Known {
        let mut caches = self.caches();
        caches.parts += 1;
        if let Some(bytes) = caches.blocks.get(&id) {
            return Known::Bytes(Arc::clone(bytes));
        }
        let parts = caches.parts;
        // What is wanted again before half of what is in memory would be another is worth a place there.
        let lately = (caches.blocks.capacity() / self.block_size / 2) as u64;
        let located = caches.located.get(&id).filter(|located| parts - located.last.swap(parts, Ordering::Relaxed) > lately);
        located.map_or(Known::Nothing, |located| Known::Place(Arc::clone(located)))
    }

    /// The stored bytes of a block that is not in memory. Where it lies is kept in mind, if the store tells.
    async fn located_block(&self, id: BlockId) -> Result<Arc<Vec<u8>>> {
        let key = block_key(id.0, id.1, id.2);
        let (value, at) = self.store.get_located(&key).await?.ok_or_else(|| missing(&key))?;
        let bytes = Arc::new(self.unsealed_block(&key, value)?);
        let mut caches = self.caches();
        if let Some(located) = at.and_then(|at| Located::new(at, &bytes, self.options.salt, caches.parts)) {
            let cost = located.cost();
            caches.located.insert(id, Arc::new(located), cost);
        }
        caches.blocks.insert(id, Arc::clone(&bytes), bytes.len());
        Ok(bytes)
    }

    /// Reads a part from where it lies. False if that is much of the block, or if other bytes are there by now.
    async fn read_part(&self, located: &Located, id: BlockId, within: usize, out: &mut [u8]) -> bool {
        let Some(around) = located.around(&(within..within + out.len())) else { return false };
        // Always the same bytes of memory, to which the store may know a fast way.
        let mut scratch = std::mem::take(&mut self.caches().scratch);
        if scratch.len() < around.len() {
            scratch.resize(around.len(), 0);
        }
        let bytes = scratch.get_mut(..around.len()).unwrap_or_default();
        let at = located.at.saturating_add(around.start as u64);
        let is_there = self.store.read_located(at, bytes).await && located.fits(around.start, bytes, self.options.salt);
        if is_there {
            copy_out(bytes, within - around.start, out);
        }
        let mut caches = self.caches();
        caches.scratch = scratch;
        if !is_there {
            caches.located.remove(&id);
        }
        is_there
    }
}

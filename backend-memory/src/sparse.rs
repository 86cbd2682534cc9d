//! The bytes of one file: blocks where something was written, nothing where nothing was.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::sync::Arc;

use crate::room::{Full, Room};

/// Bytes per block. Large enough that a stream is a few long copies, small enough that a lone byte far out costs little.
const BLOCK: usize = 64 * 1024;

/// Sparse bytes of any length up to `u64::MAX`.
///
/// Invariants: a block holds at most 64 KiB and is never empty; none reaches beyond `len`; what a block does not hold reads as
/// zero; `room` is charged with the bytes that all blocks hold together, those that only a [`Snapshot`] holds not among them.
#[derive(Debug)]
pub struct Sparse {
    len: u64,
    blocks: Blocks,
    room: Arc<Room>,
}

type Blocks = BTreeMap<u64, Arc<Vec<u8>>>;

/// Bytes of a [`Sparse`] as they were at a moment. It shares the blocks, until somebody changes one.
#[derive(Clone, Debug)]
pub struct Snapshot {
    len: u64,
    blocks: Blocks,
}

impl Snapshot {
    /// As [`Sparse::read`].
    pub fn read(&self, offset: u64, buf: &mut [u8]) -> usize {
        read(self.len, &self.blocks, offset, buf)
    }
}

impl Sparse {
    /// No bytes; those to come are taken from `room`.
    #[must_use]
    pub const fn new(room: Arc<Room>) -> Self {
        Self { len: 0, blocks: BTreeMap::new(), room }
    }

    /// How many bytes, holes included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "as a file has it")]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Copies from `offset` on into `buf`; returns how many bytes, fewer than asked for only at the end.
    pub fn read(&self, offset: u64, buf: &mut [u8]) -> usize {
        read(self.len, &self.blocks, offset, buf)
    }

    /// The bytes of these ranges as they are now; outside of them the snapshot may have holes. It costs a pointer for each block.
    #[must_use]
    pub fn snapshot(&self, ranges: impl IntoIterator<Item = Range<u64>>) -> Snapshot {
        let mut blocks = Blocks::new();
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            let (first, last) = (locate(range.start).0, locate(range.end - 1).0);
            blocks.extend(self.blocks.range(first..=last).map(|(index, block)| (*index, Arc::clone(block))));
        }
        Snapshot { len: self.len, blocks }
    }

    /// Where memory is taken, as ranges of whole blocks; those at the end may reach beyond it.
    pub fn held(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.blocks.keys().map(|index| {
            let start = index * BLOCK as u64;
            start..start.saturating_add(BLOCK as u64)
        })
    }

    /// Gives back the memory of the block that begins at `start`, which reads as zeros from then on; returns how many bytes it held.
    pub fn forget(&mut self, start: u64) -> u64 {
        let forgotten = self.blocks.remove(&locate(start).0).map_or(0, |block| block.len() as u64);
        self.room.give_back(forgotten);
        forgotten
    }

    /// Everything, in memory of its own; none if there is not enough of that.
    #[must_use]
    pub fn to_vec(&self) -> Option<Vec<u8>> {
        let len = usize::try_from(self.len).ok()?;
        let mut all = Vec::new();
        all.try_reserve_exact(len).ok()?;
        for (index, block) in &self.blocks {
            // Blocks lie within `len`, so this fits.
            let start = usize::try_from(*index).ok()?.checked_mul(BLOCK)?;
            all.resize(start, 0);
            all.extend_from_slice(block);
        }
        all.resize(len, 0);
        Some(all)
    }

    /// Copies `data` to `offset`, whose end the caller has checked.
    ///
    /// # Errors
    /// [`Full`]; a prefix of `data` may be there then.
    pub fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), Full> {
        let mut at = offset;
        let mut rest = data;
        while !rest.is_empty() {
            let (index, start) = locate(at);
            let (piece, behind) = rest.split_at((BLOCK - start).min(rest.len()));
            self.write_piece(index, start, piece)?;
            at += piece.len() as u64;
            self.len = self.len.max(at);
            rest = behind;
        }
        Ok(())
    }

    /// Copies `piece`, which ends within the block, to `start` of the block.
    fn write_piece(&mut self, index: u64, start: usize, piece: &[u8]) -> Result<(), Full> {
        let end = start + piece.len();
        match self.blocks.entry(index) {
            Entry::Occupied(mut held) => {
                let block = own(held.get_mut())?;
                grow(block, end, &self.room)?;
                overwrite(block, start, piece);
            }
            Entry::Vacant(free) => {
                let mut block = Vec::new();
                grow(&mut block, end, &self.room)?;
                overwrite(&mut block, start, piece);
                free.insert(Arc::new(block));
            }
        }
        Ok(())
    }

    /// Cuts, or lengthens with a hole. Never fails: holes cost nothing.
    pub fn set_len(&mut self, len: u64) {
        if len < self.len {
            let (last, within) = locate(len);
            let cut = self.blocks.split_off(&(if within == 0 { last } else { last + 1 }));
            let mut freed: usize = cut.values().map(|block| block.len()).sum();
            if let Some(shared) = self.blocks.get_mut(&last)
                && shared.len() > within
            {
                freed += shared.len() - within;
                match Arc::get_mut(shared) {
                    Some(block) => {
                        block.truncate(within);
                        block.shrink_to_fit();
                    }
                    None => *shared = Arc::new(shared.get(..within).unwrap_or_default().to_vec()),
                }
            }
            self.room.give_back(freed as u64);
        }
        self.len = len;
    }
}

impl Drop for Sparse {
    fn drop(&mut self) {
        self.set_len(0);
    }
}

/// Copies from `offset` of `blocks` into `buf`, zeros where there are none.
fn read(len: u64, blocks: &Blocks, offset: u64, buf: &mut [u8]) -> usize {
    let count = buf.len().min(usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX));
    let mut at = offset;
    let (mut rest, _) = buf.split_at_mut(count);
    while !rest.is_empty() {
        let (index, start) = locate(at);
        let (piece, behind) = rest.split_at_mut((BLOCK - start).min(rest.len()));
        let held = blocks.get(&index).and_then(|block| block.get(start..)).unwrap_or_default();
        let (stored, _) = held.split_at(held.len().min(piece.len()));
        let (filled, hole) = piece.split_at_mut(stored.len());
        filled.copy_from_slice(stored);
        hole.fill(0);
        at += (filled.len() + hole.len()) as u64;
        rest = behind;
    }
    count
}

/// The block, to change it: a copy of its own if a snapshot has it too.
fn own(block: &mut Arc<Vec<u8>>) -> Result<&mut Vec<u8>, Full> {
    if Arc::get_mut(block).is_none() {
        let mut copy = Vec::new();
        copy.try_reserve_exact(block.len()).map_err(|_| Full::Allocator)?;
        copy.extend_from_slice(block);
        *block = Arc::new(copy);
    }
    Arc::get_mut(block).ok_or(Full::Allocator)
}

/// The block that holds byte `at`, and where in it.
const fn locate(at: u64) -> (u64, usize) {
    // The remainder is below BLOCK, so the cast keeps it whole.
    (at / BLOCK as u64, (at % BLOCK as u64) as usize)
}

/// Makes room for `end` bytes in `block`, in the account and in memory; its length stays.
fn grow(block: &mut Vec<u8>, end: usize, room: &Room) -> Result<(), Full> {
    let Some(more) = end.checked_sub(block.len()).filter(|more| *more > 0) else {
        return Ok(());
    };
    room.take(more as u64)?;
    // Doubling, as `Vec` does, but never beyond a block.
    let wanted = end.max(block.capacity().saturating_mul(2).min(BLOCK));
    if block.try_reserve_exact(wanted - block.len()).is_err() {
        room.give_back(more as u64);
        return Err(Full::Allocator);
    }
    Ok(())
}

/// Copies `piece` to `start`, with zeros between the end of `block` and `start`. The room was made by [`grow`].
fn overwrite(block: &mut Vec<u8>, start: usize, piece: &[u8]) {
    if block.len() < start {
        block.resize(start, 0);
    }
    let (over, behind) = piece.split_at((block.len() - start).min(piece.len()));
    if let Some(target) = block.get_mut(start..start + over.len()) {
        target.copy_from_slice(over);
    }
    block.extend_from_slice(behind);
}

#[cfg(test)]
mod tests {
    use super::*;

    const B: u64 = BLOCK as u64;

    fn sparse(limit: Option<u64>) -> (Sparse, Arc<Room>) {
        let room = Arc::new(Room::new(limit));
        (Sparse::new(room.clone()), room)
    }

    fn read(file: &Sparse, offset: u64, len: usize) -> Vec<u8> {
        let mut buf = vec![0xAA; len];
        let count = file.read(offset, &mut buf);
        buf.truncate(count);
        buf
    }

    #[test]
    fn a_byte_beyond_4_gib_costs_one_block_at_most_and_the_hole_reads_as_zeros() {
        let (mut file, room) = sparse(Some(B));
        let far = (1 << 53) - 2;
        file.write(far, &[7]).unwrap();
        assert_eq!(file.len(), far + 1);
        assert!(room.used() <= B);
        assert_eq!(read(&file, far - 3, 10), [0, 0, 0, 7]);
        assert_eq!(read(&file, 5 << 30, 4), [0; 4]);
        assert_eq!(read(&file, u64::MAX, 4), [0_u8; 0]);
    }

    #[test]
    fn pieces_that_cross_blocks_come_back_whole() {
        let (mut file, room) = sparse(None);
        let data: Vec<u8> = (0..BLOCK * 3).map(|i| (i % 251) as u8).collect();
        file.write(B - 10, &data).unwrap();
        assert_eq!(read(&file, B - 10, data.len() + 5), data);
        assert_eq!(read(&file, 0, 4), [0; 4]);
        assert_eq!(read(&file, 2 * B - 1, 3), data[BLOCK + 9..BLOCK + 12]);
        let all = file.to_vec().unwrap();
        assert_eq!(all.len() as u64, file.len());
        assert_eq!(&all[BLOCK - 10..], data);
        assert_eq!(room.used(), all.len() as u64);
    }

    #[test]
    fn what_was_cut_off_reads_as_zeros_after_growing_again() {
        let (mut file, room) = sparse(None);
        file.write(0, &[1; 3 * BLOCK]).unwrap();
        for cut in [2 * B, 2 * B - 1, B + 1, B, 1, 0] {
            file.set_len(cut);
            assert_eq!(room.used(), cut);
            file.set_len(3 * B);
            assert_eq!(room.used(), cut, "growing is a hole");
            let bytes = read(&file, 0, 3 * BLOCK);
            assert!(bytes[..cut as usize].iter().all(|b| *b == 1) && bytes[cut as usize..].iter().all(|b| *b == 0), "cut to {cut}");
        }
    }

    #[test]
    fn a_gap_inside_a_block_reads_as_zeros_even_where_older_bytes_lay() {
        let (mut file, _room) = sparse(None);
        file.write(0, &[9; 100]).unwrap();
        file.set_len(10);
        file.write(50, &[8; 10]).unwrap();
        let mut expected = vec![9; 10];
        expected.extend([0; 40]);
        expected.extend([8; 10]);
        assert_eq!(read(&file, 0, 1000), expected);
    }

    #[test]
    fn a_full_room_keeps_a_prefix_and_takes_more_once_something_is_freed() {
        let (mut file, room) = sparse(Some(B + 5));
        assert_eq!(file.write(0, &[1; 2 * BLOCK]), Err(Full::Limit(B + 5)));
        assert_eq!((file.len(), room.used()), (B, B));
        let (mut other, _) = sparse(None);
        other.room = room.clone();
        assert_eq!(other.write(1000, &[2; 6]), Err(Full::Limit(B + 5)));
        assert_eq!(other.len(), 0, "a gap alone is no write");
        file.set_len(B - 1001);
        other.write(1000, &[2; 6]).unwrap();
        drop(file);
        assert_eq!(room.used(), 1006);
        drop(other);
        assert_eq!(room.used(), 0);
    }

    #[test]
    fn a_snapshot_keeps_what_is_overwritten_cut_or_forgotten_later() {
        let (mut file, room) = sparse(None);
        file.write(0, &[1; 2 * BLOCK]).unwrap();
        let snapshot = file.snapshot([0..3, B..2 * B]);
        file.write(1, &[2]).unwrap();
        file.set_len(B + 1);
        assert_eq!(file.forget(0), B);
        assert_eq!(room.used(), 1);
        assert_eq!(read(&file, 0, 3), [0; 3]);
        let mut seen = vec![0; 2 * BLOCK + 5];
        assert_eq!(snapshot.read(0, &mut seen), 2 * BLOCK);
        assert!(seen[..2 * BLOCK].iter().all(|byte| *byte == 1));
    }

    #[test]
    fn overwriting_needs_no_room() {
        let (mut file, room) = sparse(Some(10));
        file.write(0, &[1; 10]).unwrap();
        file.write(0, &[2; 10]).unwrap();
        file.write(9, &[3]).unwrap();
        assert_eq!(room.used(), 10);
        assert_eq!(read(&file, 8, 2), [2, 3]);
    }
}

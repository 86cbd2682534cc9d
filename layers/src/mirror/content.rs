//! The bytes of one file: those in memory, those that lie below alone, and those that have to be written there.

use std::ops::Range;
use std::sync::Arc;

use anystorage_memory::{Full, Room, Snapshot, Sparse};

use super::ranges::Ranges;

/// How many bytes are taken in one piece, so that what a full memory leaves is told by pieces.
const PIECE: u64 = 64 * 1024;

/// What is to be done to a file below, as it was at a moment.
#[derive(Debug)]
pub(super) struct Change {
    /// Cut to this first.
    pub(super) cut: Option<u64>,
    /// Then these are written, from `bytes`.
    pub(super) dirty: Ranges,
    pub(super) bytes: Snapshot,
    /// Then it has this length.
    pub(super) len: u64,
}

/// Invariants: `dirty`, `flying` and `absent` lie within the length; `absent` meets neither of the others.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Sparse,
    /// Changed, and not handed to a write-back.
    dirty: Ranges,
    /// Handed to the write-back that is under way.
    flying: Ranges,
    /// Bytes that lie below alone.
    absent: Ranges,
    /// The shortest it was since the last write-back, if that is shorter than the file below.
    cut: Option<u64>,
    /// How long the file below is.
    below_len: u64,
    /// How long it may become by the write-back that is under way.
    flying_len: Option<u64>,
}

impl Content {
    /// A new file, which nothing is known of below.
    pub(super) const fn new(room: Arc<Room>) -> Self {
        Self {
            bytes: Sparse::new(room),
            dirty: Ranges::new(),
            flying: Ranges::new(),
            absent: Ranges::new(),
            cut: None,
            below_len: 0,
            flying_len: None,
        }
    }

    /// A file that lies below with all its bytes.
    pub(super) fn below(room: Arc<Room>, len: u64) -> Self {
        let mut content = Self::new(room);
        content.bytes.set_len(len);
        content.below_len = len;
        content.absent.insert(0..len);
        content
    }

    pub(super) const fn len(&self) -> u64 {
        self.bytes.len()
    }

    /// Whether there is something to write back.
    pub(super) fn is_changed(&self) -> bool {
        !self.dirty.is_empty() || self.cut.is_some() || self.bytes.len() != self.flying_len.unwrap_or(self.below_len)
    }

    /// How many bytes are to be written back, those under way among them.
    pub(super) fn unsynced(&self) -> u64 {
        self.dirty.total() + self.flying.total()
    }

    /// What of the range has to be loaded before it is read.
    pub(super) fn absent(&self, range: Range<u64>) -> Vec<Range<u64>> {
        self.absent.within(range)
    }

    /// Everything that has to be loaded.
    pub(super) fn all_absent(&self) -> Vec<Range<u64>> {
        self.absent.iter().collect()
    }

    /// Takes bytes from below, where they are missing still. Zeros cost nothing.
    pub(super) fn load(&mut self, offset: u64, data: &[u8]) -> Result<(), Full> {
        let end = offset.saturating_add(data.len() as u64);
        for part in self.absent.within(offset..end) {
            let (from, to) = (usize::try_from(part.start - offset), usize::try_from(part.end - offset));
            let piece = from.ok().zip(to.ok()).and_then(|(from, to)| data.get(from..to)).unwrap_or_default();
            if piece.iter().any(|byte| *byte != 0) {
                self.bytes.write(part.start, piece)?;
            }
            self.absent.remove(part);
        }
        Ok(())
    }

    /// Copies into `buf` what is there; everything in that range must have been loaded.
    pub(super) fn read(&self, offset: u64, buf: &mut [u8]) -> usize {
        self.bytes.read(offset, buf)
    }

    /// Writes; after an error a prefix of `data` is there, and `written` says how long it is.
    pub(super) fn write(&mut self, offset: u64, data: &[u8], written: &mut usize) -> Result<(), Full> {
        while let Some(rest) = data.get(*written..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(*written as u64);
            let len = usize::try_from(PIECE - at % PIECE).unwrap_or(1).min(rest.len());
            let piece = rest.get(..len).unwrap_or(rest);
            self.bytes.write(at, piece)?;
            let range = at..at.saturating_add(piece.len() as u64);
            self.absent.remove(range.clone());
            self.dirty.insert(range);
            *written += piece.len();
        }
        Ok(())
    }

    /// Cuts, or lengthens with zeros.
    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.bytes.len() {
            for ranges in [&mut self.dirty, &mut self.flying, &mut self.absent] {
                ranges.cut(len);
            }
            let reach = self.below_len.max(self.flying_len.unwrap_or(0)).min(self.cut.unwrap_or(u64::MAX));
            if len < reach {
                self.cut = Some(len);
            }
        }
        self.bytes.set_len(len);
    }

    /// Hands all changes to a write-back.
    pub(super) fn take(&mut self) -> Change {
        let dirty = std::mem::take(&mut self.dirty);
        let bytes = self.bytes.snapshot(dirty.iter());
        self.flying = dirty.clone();
        self.flying_len = Some(self.bytes.len());
        Change { cut: self.cut.take(), dirty, bytes, len: self.bytes.len() }
    }

    /// The change that was handed out is below.
    pub(super) fn landed(&mut self) {
        self.below_len = self.flying_len.take().unwrap_or(self.below_len);
        self.flying = Ranges::new();
    }

    /// The change that was handed out is not below, or a part of it only: it stays pending.
    pub(super) fn returned(&mut self, change: &Change, below_len: u64) {
        let mut dirty = std::mem::take(&mut self.flying);
        dirty.extend(&self.dirty);
        self.dirty = dirty;
        self.flying_len = None;
        self.below_len = below_len;
        let cut = change.cut.unwrap_or(u64::MAX).min(self.cut.unwrap_or(u64::MAX));
        self.cut = Some(cut).filter(|cut| *cut < below_len);
        // What was written beyond the length before it was cut there again must not come back.
        if self.bytes.len() < below_len {
            self.cut = Some(self.cut.unwrap_or(u64::MAX).min(self.bytes.len()));
        }
    }

    /// Gives back memory of bytes that lie below as well, up to `wanted` bytes; returns how many.
    pub(super) fn evict(&mut self, wanted: u64) -> u64 {
        if self.flying_len.is_some() {
            return 0;
        }
        let len = self.bytes.len();
        // Up to here the file below is as it is here, except for what is dirty.
        let alike = self.below_len.min(self.cut.unwrap_or(u64::MAX));
        let held: Vec<_> = self.bytes.held().collect();
        let mut freed = 0;
        for block in held {
            if freed >= wanted {
                break;
            }
            let inside = block.start..block.end.min(len);
            if inside.end <= alike && self.dirty.within(inside.clone()).is_empty() {
                freed += self.bytes.forget(block.start);
                self.absent.insert(inside);
            }
        }
        freed
    }

    /// Has everything written anew over a file below of which nothing is known but its length; false if a part of it was never loaded.
    pub(super) fn rewrite(&mut self, below_len: u64) -> bool {
        if !self.absent.is_empty() {
            return false;
        }
        self.below_len = below_len;
        self.cut = Some(0).filter(|_| below_len > 0);
        self.dirty.insert(0..self.bytes.len());
        true
    }
}

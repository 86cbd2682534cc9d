//! What was written to a file and is not in its snapshot.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

/// In bytes, about what a range takes beside its own.
const RANGE: usize = 128;

/// The changes of a file since its snapshot was made. Ranges do not overlap, and none is empty.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    len: u64,
    /// How many bytes of the snapshot count.
    kept: u64,
    /// By their first byte. Those who bring them to the host share them.
    ranges: BTreeMap<u64, Rc<Vec<u8>>>,
    bytes: usize,
}

impl Overlay {
    /// Over a snapshot of this length.
    pub(crate) const fn new(len: u64) -> Self {
        Self { len, kept: len, ranges: BTreeMap::new(), bytes: 0 }
    }

    /// The length of the file.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// How many bytes of the snapshot still count.
    pub(crate) const fn kept(&self) -> u64 {
        self.kept
    }

    /// In bytes, about what it takes in memory.
    pub(crate) fn size(&self) -> usize {
        self.bytes.saturating_add(self.ranges.len().saturating_mul(RANGE))
    }

    /// Whether the file is as a snapshot of this length.
    pub(crate) fn is_clean(&self, len: u64) -> bool {
        self.ranges.is_empty() && self.kept == len && self.len == len
    }

    /// What was written, in the order of the places.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.ranges.iter().map(|(start, bytes)| (*start, bytes.as_slice()))
    }

    /// Whether it has every byte of a part of the file.
    pub(crate) fn covers(&self, from: u64, to: u64) -> bool {
        let mut at = from;
        for (start, bytes) in self.touching(from, to) {
            if start > at {
                return false;
            }
            at = end(start, bytes);
        }
        at >= to
    }

    /// Puts what was written over what the snapshot has from `offset` on.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) {
        let to = end(offset, buf);
        for (start, bytes) in self.touching(offset, to) {
            let from = start.max(offset);
            let within = bytes.get(distance(start, from)..).unwrap_or_default();
            let target = buf.get_mut(distance(offset, from)..).unwrap_or_default();
            let count = within.len().min(target.len());
            if let (Some(target), Some(source)) = (target.get_mut(..count), within.get(..count)) {
                target.copy_from_slice(source);
            }
        }
    }

    /// The ranges that have bytes of a part of the file.
    fn touching(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, &[u8])> {
        let first = self.ranges.range(..=from).next_back().map_or(from, |(start, _)| *start);
        let touching = self.ranges.range(first..to.max(first));
        touching.map(|(start, bytes)| (*start, bytes.as_slice())).filter(move |(start, bytes)| end(*start, bytes) > from)
    }

    /// Notes that `data`, which is not empty, was written.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) -> Result<()> {
        let to = end(offset, data);
        let joined = self.ranges.range(..=offset).next_back().filter(|(start, bytes)| end(**start, bytes) >= offset);
        let start = joined.map_or(offset, |(start, _)| *start);
        let inside: Vec<u64> = self.ranges.range((Bound::Excluded(start), Bound::Excluded(to))).map(|(start, _)| *start).collect();
        let last = inside.last().and_then(|last| Some((*last, self.ranges.get(last).cloned()?)));
        let tail = last.as_ref().and_then(|(last, bytes)| bytes.get(distance(*last, to)..)).unwrap_or_default();

        let bytes = Rc::make_mut(self.ranges.entry(start).or_default());
        let before = bytes.len();
        let at = distance(start, offset);
        let over = before.saturating_sub(at).min(data.len());
        let (over, more) = data.split_at_checked(over).unwrap_or((data, &[]));
        if bytes.try_reserve(more.len().saturating_add(tail.len())).is_err() {
            if before == 0 {
                self.ranges.remove(&start);
            }
            let text = format!("there is no memory for {} bytes that wait for their sync: sync more often", data.len());
            return Err(Error::new(ErrorKind::NoSpace, Operation::Write).with_text(text));
        }
        if let Some(old) = bytes.get_mut(at..at.saturating_add(over.len())) {
            old.copy_from_slice(over);
        }
        bytes.extend_from_slice(more);
        bytes.extend_from_slice(tail);
        self.bytes = self.bytes.saturating_add(bytes.len() - before);
        for start in inside {
            let removed = self.ranges.remove(&start).map_or(0, |bytes| bytes.len());
            self.bytes = self.bytes.saturating_sub(removed);
        }
        self.len = self.len.max(to);
        Ok(())
    }

    /// Cuts the file, or lengthens it with zeros.
    pub(crate) fn set_len(&mut self, len: u64) {
        let removed = self.ranges.split_off(&len);
        self.bytes = self.bytes.saturating_sub(removed.values().map(|bytes| bytes.len()).sum());
        if let Some(mut last) = self.ranges.last_entry() {
            let (kept, before) = (distance(*last.key(), len), last.get().len());
            if kept < before {
                Rc::make_mut(last.get_mut()).truncate(kept);
                self.bytes = self.bytes.saturating_sub(before - kept);
            }
        }
        self.kept = self.kept.min(len);
        self.len = len;
    }
}

/// The place behind the last byte.
fn end(start: u64, bytes: &[u8]) -> u64 {
    start.saturating_add(bytes.len() as u64)
}

/// From one place to a later one, within what memory holds: a distance beyond that is behind all that is there.
fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}

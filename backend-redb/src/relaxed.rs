//! The commits since the last one that redb made durable: none of them may be lost when redb has to be opened again.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::Bound;

use anystorage_kv::Batch;

use crate::log::Log;
use crate::session::{Change, Strength};

/// What they changed, each key once. Either all of it is in redb's memory, or all of it is in the log and nowhere else.
#[derive(Debug, Default)]
pub(crate) struct Relaxed {
    pub(crate) changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
    /// How many bytes redb may take for them, about.
    room: usize,
    /// How they changed the bytes in use, as far as redb has them.
    change: Change,
    /// Whether redb has none of them.
    is_pending: bool,
}

impl Relaxed {
    /// Whether a batch would make them more than `most` bytes, or than the disk has `room` for, which is asked only if it matters. One that
    /// puts nothing never does: taking away must not need space.
    pub(crate) fn is_too_much_with(&self, batch: &Batch, most: usize, room: impl FnOnce() -> u64) -> bool {
        let put: usize = batch.iter().filter_map(|(key, value)| Some(key.len() + value?.len())).sum();
        let all = self.bytes.saturating_add(put);
        put > 0 && (all > most || u64::try_from(all).is_ok_and(|all| all > room()))
    }

    /// How many bytes redb may take for all of them and a batch, about.
    pub(crate) fn room_with(&self, batch: &Batch) -> usize {
        let added = batch.iter().map(|(key, value)| pages(key.len() + value.map_or(0, <[u8]>::len)));
        added.fold(self.room.saturating_add(BASE), usize::saturating_add)
    }

    /// Another one was made in redb; with it, all of them changed the bytes in use by `change`.
    pub(crate) fn keep(&mut self, batch: Batch, change: Change) {
        self.put(batch);
        self.change = change;
        self.is_pending = false;
    }

    /// Another one was logged, where redb has none of them.
    pub(crate) fn keep_pending(&mut self, batch: Batch) {
        self.put(batch);
        self.is_pending = true;
    }

    fn put(&mut self, batch: Batch) {
        for (key, value) in batch {
            let bytes = size(&key, value.as_ref());
            self.bytes = self.bytes.saturating_add(bytes);
            self.room = self.room.saturating_add(pages(bytes));
            match self.changes.entry(key) {
                btree_map::Entry::Vacant(place) => drop(place.insert(value)),
                btree_map::Entry::Occupied(mut place) => {
                    let old = place.insert(value);
                    let bytes = size(place.key(), old.as_ref());
                    self.bytes = self.bytes.saturating_sub(bytes);
                    self.room = self.room.saturating_sub(pages(bytes));
                }
            }
        }
    }

    /// How those that are in redb's memory changed the bytes in use; none if there are none.
    pub(crate) fn before(&self) -> Option<Change> {
        (!self.changes.is_empty() && !self.is_pending).then_some(self.change)
    }

    /// Whether there are some, and redb has none of them.
    pub(crate) const fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// How redb is to make them durable, with a batch. For those that it has not got, and that are logged, room was kept.
    pub(crate) fn strength<'a>(&self, batch: &Batch, log: &'a Log) -> Strength<'a> {
        if batch.is_empty() && self.is_pending { Strength::Promised(log) } else { Strength::Durable(log) }
    }

    /// What redb has to be given for a key, or for a range of them, before it answers for all of them.
    pub(crate) fn pending(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.changes.get(key).filter(|_| self.is_pending).map(Option::as_deref)
    }

    /// As [`pending`](Self::pending), from a key to before another one, which must not be smaller.
    pub(crate) fn pending_between(&self, from: &[u8], to: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let range = self.changes.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        range.filter(|_| self.is_pending).map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// With a batch behind them, each key once.
    pub(crate) fn merged<'a>(&'a self, batch: &'a Batch) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let keys: BTreeSet<&[u8]> = batch.iter().map(|(key, _)| key).collect();
        self.iter().filter(move |(key, _)| !keys.contains(key)).chain(batch.iter())
    }

    /// What redb has to be given for a batch behind them: those that it has not got, and the batch.
    pub(crate) fn missing<'a>(&'a self, batch: &'a Batch) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let (merged, alone) = if self.is_pending { (Some(self.merged(batch)), None) } else { (None, Some(batch.iter())) };
        merged.into_iter().flatten().chain(alone.into_iter().flatten())
    }
}

const PAGE: usize = 4096;

/// What redb writes with each durable commit: the tables of tables and of what is free, and the ways to them.
const BASE: usize = 64 << 10;

/// What redb takes for a change of so many bytes, about: the page of its key, with what lies beside it there, and half of the page that leads to
/// it, which others share.
fn pages(bytes: usize) -> usize {
    let own = if bytes > PAGE / 2 { bytes.saturating_add(64).next_multiple_of(PAGE) } else { bytes };
    own.saturating_mul(2).saturating_add(PAGE + PAGE / 2)
}

fn size(key: &[u8], value: Option<&Vec<u8>>) -> usize {
    key.len() + value.map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_counts_once_and_taking_away_is_never_too_much() {
        let mut relaxed = Relaxed::default();
        let batch = |value: Option<usize>| {
            let mut batch = Batch::new();
            batch.push(vec![1], value.map(|len| vec![7; len]));
            batch
        };
        assert!(relaxed.is_too_much_with(&batch(Some(3 << 20)), 8 << 20, || 2 << 20));
        assert!(!relaxed.is_too_much_with(&batch(None), 8 << 20, || 0));
        for _ in 0..5 {
            assert!(!relaxed.is_too_much_with(&batch(Some(3 << 20)), 8 << 20, || u64::MAX));
            relaxed.keep(batch(Some(3 << 20)), Change::default());
        }
        assert!(relaxed.is_too_much_with(&batch(Some(6 << 20)), 8 << 20, || u64::MAX));
        assert!(!relaxed.is_too_much_with(&batch(None), 8 << 20, || u64::MAX));
        relaxed.keep(batch(None), Change::default());
        assert!(!relaxed.is_too_much_with(&batch(Some(6 << 20)), 8 << 20, || u64::MAX));
        assert_eq!(relaxed.iter().collect::<Vec<_>>(), [(&[1][..], None)]);
    }
}

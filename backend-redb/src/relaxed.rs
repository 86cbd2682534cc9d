//! The relaxed commits since the last durable one: none of them may be lost when redb has to be opened again.

use std::collections::BTreeMap;

use anystorage_kv::Batch;

use crate::session::Change;

/// What they changed, each key once.
#[derive(Debug, Default)]
pub(crate) struct Relaxed {
    pub(crate) changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
    /// How they changed the bytes in use.
    pub(crate) change: Change,
}

impl Relaxed {
    /// Whether a batch would make them more than `most` bytes, or than the disk has `room` for, which is asked only if it matters. One that
    /// puts nothing never does: taking away must not need space.
    pub(crate) fn is_too_much_with(&self, batch: &Batch, most: usize, room: impl FnOnce() -> u64) -> bool {
        let put: usize = batch.iter().filter_map(|(key, value)| Some(key.len() + value?.len())).sum();
        let all = self.bytes.saturating_add(put);
        put > 0 && (all > most || u64::try_from(all).is_ok_and(|all| all > room()))
    }

    /// Another one was made; with it, all of them changed the bytes in use by `change`.
    pub(crate) fn keep(&mut self, batch: Batch, change: Change) {
        for (key, value) in batch {
            let bytes = size(&key, value.as_ref());
            let old = self.changes.get(&key).map_or(0, |old| size(&key, old.as_ref()));
            self.bytes = self.bytes.saturating_sub(old).saturating_add(bytes);
            self.changes.insert(key, value);
        }
        self.change = change;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }
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

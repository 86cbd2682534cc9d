//! What was read or written lately, up to a number of bytes.

use std::fmt;
use std::hash::Hash;

use lru::LruCache;

/// What an entry takes beside its value, in bytes: its key, its place in the order and in the table.
const OVERHEAD: usize = 100;

/// The entries that were used last, up to a number of bytes.
pub(crate) struct Cache<K: Hash + Eq, V> {
    entries: LruCache<K, (V, usize)>,
    capacity: usize,
    bytes: usize,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// An empty one. Its capacity is in bytes; with 0 it keeps nothing.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: LruCache::unbounded(), capacity, bytes: 0 }
    }

    /// In bytes.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// The value of a key, which is then the one used last.
    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(value, _)| value)
    }

    /// Keeps a value of `bytes` bytes in the place of the key's old one. One that would take more than a quarter of the room is not kept,
    /// nor is then the old one.
    pub(crate) fn insert(&mut self, key: K, value: V, bytes: usize) {
        let cost = bytes.saturating_add(OVERHEAD);
        if cost > self.capacity / 4 {
            self.remove(&key);
            return;
        }
        if let Some((_, old)) = self.entries.put(key, (value, cost)) {
            self.bytes = self.bytes.saturating_sub(old);
        }
        self.bytes = self.bytes.saturating_add(cost);
        while self.bytes > self.capacity
            && let Some((_, (_, cost))) = self.entries.pop_lru()
        {
            self.bytes = self.bytes.saturating_sub(cost);
        }
    }

    /// Forgets a key.
    pub(crate) fn remove(&mut self, key: &K) {
        if let Some((_, cost)) = self.entries.pop(key) {
            self.bytes = self.bytes.saturating_sub(cost);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// How many bytes it takes now, its own among them: never more than the capacity.
    #[cfg(test)]
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl<K: Hash + Eq, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("capacity", &self.capacity).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use anystorage_conformance::simdisk::Rng;

    use super::*;
    use crate::map::tests::seed;

    #[test]
    fn the_entry_used_longest_ago_goes_first() {
        let mut cache = Cache::new(4 * (OVERHEAD + 10));
        for key in 0..4 {
            cache.insert(key, key * 10, 10);
        }
        assert_eq!(cache.get(&0), Some(&0));
        cache.insert(4, 40, 10);
        assert_eq!([0, 1, 2, 3, 4].map(|key| cache.get(&key).copied()), [Some(0), None, Some(20), Some(30), Some(40)]);
    }

    #[test]
    fn what_is_too_large_is_not_kept_nor_what_it_replaces() {
        let mut cache = Cache::new(4 * (OVERHEAD + 10));
        cache.insert("a", 1, 10);
        cache.insert("b", 2, 10);
        cache.insert("a", 3, 11);
        assert_eq!((cache.get(&"a").copied(), cache.bytes()), (None, OVERHEAD + 10));
        cache.insert("b", 4, usize::MAX);
        assert_eq!((cache.get(&"b").copied(), cache.bytes()), (None, 0));
        let mut none = Cache::new(0);
        none.insert("a", 1, 0);
        assert_eq!((none.get(&"a").copied(), none.bytes()), (None, 0));
    }

    #[test]
    fn it_counts_its_bytes_and_never_answers_what_was_replaced() {
        let mut random = Rng::new(seed());
        let mut cache = Cache::new(10_000);
        let mut last = HashMap::new();
        for number in 0..20_000 {
            let key = random.below(100);
            match random.below(1000) {
                0 => cache.clear(),
                1..100 => cache.remove(&key),
                100..600 => {
                    if let Some(found) = cache.get(&key) {
                        assert_eq!(last.get(&key), Some(found));
                    }
                }
                _ => {
                    let bytes = random.below(3000) as usize;
                    cache.insert(key, (number, bytes), bytes);
                    last.insert(key, (number, bytes));
                }
            }
            let held = cache.entries.iter().map(|(_, ((_, bytes), _))| bytes + OVERHEAD).sum::<usize>();
            assert_eq!(cache.bytes(), held);
            assert!(held <= 10_000, "{held} bytes");
        }
    }
}

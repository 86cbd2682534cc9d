//! The pages that were used last.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::page::{PAGE, Page};
use crate::format::SMALL_TAG;

/// Pages by the keys under which they are stored, and from which record on each is known to be the page. Where a page ends is in its key;
/// where it begins the one before it says.
#[derive(Debug, Default)]
pub(super) struct PageCache {
    pages: BTreeMap<Vec<u8>, Cached>,
    bytes: usize,
    capacity: usize,
    clock: u64,
    /// Counts the commits: what was read before one is not kept behind it.
    commits: u64,
    /// One is under way, or was dropped: nobody knows which pages it has changed so far, and none is kept.
    committing: bool,
    /// Of each tag the number in the last key whose page was asked for.
    asked: BTreeMap<u8, u64>,
}

/// So many pages are asked for at once where keys near to each other are looked up, unless the cache is small.
const TOGETHER: usize = 8;

/// A page has so many numbers of inodes or fewer, and an even larger one is still near.
const NEAR: u64 = 128;

/// A page, the key under which it is stored, and a record from which on it is the page.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) page_key: Vec<u8>,
    pub(super) low: Vec<u8>,
    pub(super) page: Arc<Page>,
}

/// Between which commits something was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(u64);

#[derive(Debug)]
struct Cached {
    page: Arc<Page>,
    low: Vec<u8>,
    used: u64,
}

impl PageCache {
    /// An empty one. Its capacity is in bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// In bytes.
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) const fn moment(&self) -> Moment {
        Moment(self.commits)
    }

    /// A commit begins that changes these pages.
    pub(super) fn begin<'a>(&mut self, page_keys: impl Iterator<Item = &'a Vec<u8>>) {
        self.commits += 1;
        self.committing = true;
        for page_key in page_keys {
            self.remove(page_key);
        }
    }

    /// The commit has ended, and has made these pages.
    pub(super) fn end(&mut self, made: impl Iterator<Item = Found>) {
        self.commits += 1;
        self.committing = false;
        for found in made {
            self.insert(found);
        }
    }

    /// Keeps what was read.
    pub(super) fn keep(&mut self, found: Found, read: Moment) {
        if read == self.moment() && !self.committing {
            self.insert(found);
        }
    }

    /// How many pages are worth asking for from that of this record on, which is not here.
    pub(super) fn wanted(&mut self, tag: u8, key: &[u8]) -> usize {
        let number = key.get(1..).and_then(<[u8]>::first_chunk).map_or(0, |number| u64::from_be_bytes(*number));
        let last = self.asked.insert(tag, number);
        let is_near = tag != SMALL_TAG && last.is_some_and(|last| last.abs_diff(number) <= NEAR);
        if is_near && self.capacity >= 4 * TOGETHER * PAGE { TOGETHER } else { 1 }
    }

    /// The page in which a record is, or would be.
    pub(super) fn find(&mut self, tag: u8, key: &[u8]) -> Option<Found> {
        let (page_key, cached) = self.pages.range_mut::<[u8], _>((Bound::Included(key), Bound::Unbounded)).next()?;
        if page_key.first() != Some(&tag) || cached.low.as_slice() > key {
            return None;
        }
        self.clock += 1;
        cached.used = self.clock;
        Some(Found { page_key: page_key.clone(), low: cached.low.clone(), page: Arc::clone(&cached.page) })
    }

    fn insert(&mut self, Found { page_key, low, page }: Found) {
        let low = match self.remove(&page_key) {
            Some(known) if known < low => known,
            _ => low,
        };
        self.clock += 1;
        self.bytes += page.cost();
        self.pages.insert(page_key, Cached { page, low, used: self.clock });
        while self.bytes > self.capacity
            && let Some(oldest) = self.pages.iter().min_by_key(|(_, cached)| cached.used).map(|(key, _)| key.clone())
        {
            self.remove(&oldest);
        }
    }

    /// Forgets a page: from which record on it was the page.
    fn remove(&mut self, page_key: &[u8]) -> Option<Vec<u8>> {
        let cached = self.pages.remove(page_key)?;
        self.bytes = self.bytes.saturating_sub(cached.page.cost());
        Some(cached.low)
    }
}

//! Many small records in few larger ones.

mod cache;
mod page;

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use anystorage_api::{Result, Usage, engine};
use tokio::sync::{Mutex, RwLock};

use self::cache::{Found, PageCache};
use self::page::{Page, behind, last_page};
use crate::format::SMALL_TAG;
use crate::store::{Batch, Commit, KvEntry, KvStore};

/// About how many records a page has, to know how many pages are worth asking for.
const fn records_of_a_page(tag: u8) -> usize {
    if tag == SMALL_TAG { 8 } else { 32 }
}

/// So many pages are asked for at a time, at most and at first.
const MOST_PAGES: usize = 64;
const FIRST_PAGES: usize = 4;

/// A store around one in which each put costs much, however small it is: inodes and names are put together in pages, each of which is one
/// record of the store below, and so are the contents of files that are [small](crate::KvOptions::small_contents). IndexedDB is such a store.
///
/// A page has the records between two keys, up to about 4 KiB of them, 16 KiB of contents, or one that is larger. It is stored under the highest key that one
/// of them may have, so that one scan finds the page of any key. Pages are split when they grow, and deleted when they are empty. A commit
/// of this store is one commit of the store below, with the same durability.
///
/// A relaxed commit of a page holds what the one before it made. So the store below may lose relaxed commits from the last one backwards alone, as
/// IndexedDB does, and not one without those behind it.
///
/// A page has a checksum, as each record in it has. Of a damaged page those records are still read that can be; all others whose page it
/// would be are [`Corrupt`](anystorage_api::ErrorKind::Corrupt), and so is every scan that meets it. That it was damaged stays noted in it.
#[derive(Debug)]
pub struct Paged<S> {
    store: S,
    /// Whether records whose keys begin with this byte are kept in pages.
    in_pages: fn(u8) -> bool,
    cache: std::sync::Mutex<PageCache>,
    /// Scans that ask more than once share it, and a commit has it alone: a scan sees the store before it or after it.
    turn: RwLock<()>,
    /// Held by who asks for a page, each for some part of the keys.
    asking: [Mutex<()>; 16],
}

impl<S: KvStore> Paged<S> {
    /// Around `store`, which keeps about so many bytes of pages in memory.
    #[must_use]
    pub fn new(store: S, cache_bytes: usize) -> Self {
        // Inodes, entries, what small files have. All else is large, or is there for a short time.
        Self::of(store, |tag| matches!(tag, b'i' | b'e' | SMALL_TAG), cache_bytes)
    }

    /// Around `store`, with the records in pages whose keys begin with a byte of which `in_pages` is true: always the same ones.
    #[must_use]
    pub fn of(store: S, in_pages: fn(u8) -> bool, cache_bytes: usize) -> Self {
        Self {
            store,
            in_pages,
            cache: std::sync::Mutex::new(PageCache::new(cache_bytes)),
            turn: RwLock::default(),
            asking: Default::default(),
        }
    }

    /// The store below.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.store
    }

    /// The turn of who asks for the page of a record, the same for those beside it.
    fn asking_near(&self, key: &[u8]) -> &Mutex<()> {
        // Without the last byte of a number, which is in front of all else.
        let place = key.iter().take(8).fold(0_usize, |place, byte| place.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        let [first, ..] = &self.asking;
        self.asking.get(place % self.asking.len()).unwrap_or(first)
    }

    fn cache(&self) -> MutexGuard<'_, PageCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tag of a record that is kept in pages.
    fn tag(&self, key: &[u8]) -> Option<u8> {
        key.first().copied().filter(|tag| (self.in_pages)(*tag))
    }

    /// The page in which a record is, or would be.
    async fn find(&self, tag: u8, key: &[u8]) -> Result<Found> {
        if let Some(found) = self.cache().find(tag, key) {
            return Ok(found);
        }
        // Several that miss the same page, as who looks at all files of a directory at once, ask for it once.
        let _alone = self.asking_near(key).lock().await;
        let (moment, wanted) = {
            let mut cache = self.cache();
            if let Some(found) = cache.find(tag, key) {
                return Ok(found);
            }
            (cache.moment(), cache.wanted(tag, key))
        };
        let stored = self.store.scan(key, &behind(tag), wanted).await?;
        let mut first = None;
        for found in pages(key, stored) {
            first.get_or_insert_with(|| found.clone());
            self.cache().keep(found, moment);
        }
        if let Some(first) = first {
            return Ok(first);
        }
        let found = Found { page_key: last_page(tag), low: key.to_vec(), page: Arc::default() };
        self.cache().keep(found.clone(), moment);
        Ok(found)
    }

    /// The pages that some changes make, in the order of their keys. Those that are to be deleted are empty.
    async fn edit(&self, changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Result<Vec<Found>> {
        let mut edited = Vec::new();
        let mut changes = changes.into_iter().peekable();
        while let Some((first, value)) = changes.next() {
            let Some(tag) = first.first().copied() else { continue };
            let found = self.find(tag, &first).await?;
            let mut page = Page::clone(&found.page);
            page.set(first, value);
            while let Some((key, value)) = changes.next_if(|(key, _)| *key <= found.page_key) {
                page.set(key, value);
            }
            let mut low = found.low;
            for (page_key, piece) in page.split(found.page_key) {
                let next = [page_key.as_slice(), &[0]].concat();
                edited.push(Found { page_key, low: std::mem::replace(&mut low, next), page: Arc::new(piece) });
            }
        }
        Ok(edited)
    }

    /// The records of one tag.
    async fn scan_pages(&self, tag: u8, from: &[u8], to: &[u8], limit: usize, found: &mut Vec<KvEntry>) -> Result<()> {
        let mut next = from.to_vec();
        // Nobody knows how many there are before `to`.
        let mut most = FIRST_PAGES;
        while found.len() < limit {
            let wanted = ((limit - found.len()) / records_of_a_page(tag) + 1).min(most);
            most = (most * 4).min(MOST_PAGES);
            let moment = self.cache().moment();
            let stored = self.store.scan(&next, &behind(tag), wanted).await?;
            let is_last = stored.len() < wanted;
            for page in pages(&next.clone(), stored) {
                let records = page.page.range(from, to)?.take(limit - found.len());
                found.extend(records.map(|(key, value)| (key.clone(), value.clone())));
                next = [page.page_key.as_slice(), &[0]].concat();
                let is_beyond = page.page_key.as_slice() >= to;
                // What small files have is kept by whoever asked for so much of it.
                if tag != SMALL_TAG {
                    self.cache().keep(page, moment);
                }
                if is_beyond {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Pages that follow one another, as they are stored from the one of a record on.
fn pages(from: &[u8], stored: Vec<KvEntry>) -> impl Iterator<Item = Found> {
    let mut low = from.to_vec();
    stored.into_iter().map(move |(page_key, value)| {
        let next = [page_key.as_slice(), &[0]].concat();
        let page = Arc::new(Page::decode(&page_key, value));
        Found { page_key, low: std::mem::replace(&mut low, next), page }
    })
}

#[engine]
impl<S: KvStore> KvStore for Paged<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(tag) = self.tag(key) else { return self.store.get(key).await };
        Ok(self.find(tag, key).await?.page.get(key)?.cloned())
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        let _turn = self.turn.read().await;
        let mut found = Vec::new();
        let mut at = from.to_vec();
        while found.len() < limit && at.as_slice() < to {
            // Up to the next tag that is kept otherwise than this one.
            let tag = self.tag(&at);
            let mut end = at.first().copied();
            match tag {
                Some(tag) => {
                    end = tag.checked_add(1);
                    self.scan_pages(tag, &at, to, limit, &mut found).await?;
                }
                None => {
                    end = (end.unwrap_or(0)..=u8::MAX).find(|tag| (self.in_pages)(*tag));
                    let end = end.map_or_else(|| to.to_vec(), |end| vec![end]);
                    let to = to.min(end.as_slice());
                    found.extend(self.store.scan(&at, to, limit - found.len()).await?);
                }
            }
            let Some(end) = end else { break };
            at = vec![end];
        }
        Ok(found)
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        let mut below = Batch::new();
        let mut changes = BTreeMap::new();
        for (key, value) in batch {
            match self.tag(&key) {
                Some(_) => drop(changes.insert(key, value)),
                None => below.push(key, value),
            }
        }
        let edited = self.edit(changes).await?;
        let keys: Vec<Vec<u8>> = edited.iter().map(|edited| edited.page_key.clone()).collect();
        let mut room = self.cache().capacity();
        // They may be many. Those that will not be kept need not be there while they are committed.
        let mut made = Vec::new();
        for found in edited {
            let value = if found.page.is_empty() { None } else { Some(found.page.encode(&found.page_key)) };
            below.push(found.page_key.clone(), value);
            let cost = found.page.cost();
            if cost <= room && !found.page.is_empty() {
                room -= cost;
                made.push(found);
            }
        }
        let _turn = self.turn.write().await;
        self.cache().begin(keys.iter());
        let outcome = self.store.commit(below, durability).await;
        self.cache().end(made.into_iter().filter(|_| outcome.is_ok()));
        outcome
    }

    async fn size(&self) -> Result<Usage> {
        self.store.size().await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}

//! One page: records that follow one another, as one value.

use std::collections::BTreeMap;
use std::ops::Bound;

use anystorage_api::Result;

use crate::format::{SMALL_TAG, damaged, seal, unseal};
use crate::store::{MAX_KEY_LEN, MAX_RECORD_LEN};

/// The bytes of a page of inodes or names, at most.
pub(super) const PAGE: usize = 4 << 10;

/// The bytes of a page of what small files have, at most: with what is around them no more than a record may have.
const CONTENTS_PAGE: usize = MAX_RECORD_LEN - 5;

/// Of a page by its key: with more bytes than this it is split.
fn most_bytes(page_key: &[u8]) -> usize {
    if page_key.first() == Some(&SMALL_TAG) { CONTENTS_PAGE } else { PAGE }
}

/// The lengths of a key and a value.
const FRAME: usize = 6;

/// The key of the last page of a tag: no record has a higher one.
pub(super) fn last_page(tag: u8) -> Vec<u8> {
    let mut key = vec![0xff; MAX_KEY_LEN];
    if let Some(first) = key.first_mut() {
        *first = tag;
    }
    key
}

/// What is behind all records of a tag.
pub(super) fn behind(tag: u8) -> Vec<u8> {
    match tag.checked_add(1) {
        Some(next) => vec![next],
        None => vec![0xff; MAX_KEY_LEN + 1],
    }
}

/// Records by key. A page is stored under the highest key that a record in it may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
    /// Some of it was lost to damage: what is not here may have been.
    holes: bool,
}

impl Page {
    /// From what is stored under the key of a page. Of a damaged one as much is read as makes sense: each record has a checksum of its own.
    pub(super) fn decode(page_key: &[u8], value: Vec<u8>) -> Self {
        let (payload, is_whole) = match unseal(page_key, value.clone()) {
            Ok(payload) => (payload, true),
            Err(_) => (value, false),
        };
        let mut page = Self { holes: !is_whole, ..Self::default() };
        let tag = page_key.first().copied().unwrap_or_default();
        let Some((holes, mut rest)) = payload.split_first() else { return Self { holes: true, ..page } };
        page.holes |= *holes != 0;
        while let Some((key, value, behind)) = record(rest) {
            let key = [&[tag], key].concat();
            if key.as_slice() > page_key {
                break;
            }
            page.set(key, Some(value.to_vec()));
            rest = behind;
        }
        page.holes |= !rest.is_empty();
        page
    }

    pub(super) fn encode(&self, page_key: &[u8]) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.bytes + 5);
        payload.push(u8::from(self.holes));
        for (key, value) in &self.records {
            let key = key.get(1..).unwrap_or_default();
            // Keys are at most some hundreds of bytes, values some mebibytes.
            payload.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
            payload.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
            payload.extend_from_slice(key);
            payload.extend_from_slice(value);
        }
        seal(page_key, payload)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<&Vec<u8>>> {
        match self.records.get(key) {
            None if self.holes => Err(damaged(key, "its page is damaged, and it may have been in it")),
            found => Ok(found),
        }
    }

    pub(super) fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let size = |key: &[u8], value: &[u8]| FRAME + key.len() + value.len();
        let old = match value {
            Some(value) => {
                self.bytes += size(&key, &value);
                let len = key.len();
                self.records.insert(key, value).map(|old| FRAME + len + old.len())
            }
            None => self.records.remove(&key).map(|old| size(&key, &old)),
        };
        self.bytes = self.bytes.saturating_sub(old.unwrap_or(0));
    }

    /// Its records from one key to before another one.
    pub(super) fn range(&self, from: &[u8], to: &[u8]) -> Result<impl Iterator<Item = (&Vec<u8>, &Vec<u8>)>> {
        if self.holes {
            return Err(damaged(from, "its page is damaged, and what follows may have been in it"));
        }
        Ok(self.records.range::<[u8], _>((Bound::Included(from), Bound::Unbounded)).take_while(move |(key, _)| key.as_slice() < to))
    }

    /// Whether nothing is lost with it.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && !self.holes
    }

    /// About how much memory it takes.
    pub(super) fn cost(&self) -> usize {
        self.bytes + 64 * self.records.len()
    }

    /// Cut in pieces that are not too large, with their keys: the last one has that of the page.
    pub(super) fn split(mut self, page_key: Vec<u8>) -> Vec<(Vec<u8>, Self)> {
        let mut pieces = Vec::new();
        let most = most_bytes(&page_key);
        if self.bytes <= most {
            return vec![(page_key, self)];
        }
        // Where more follow, a page has room to grow.
        let most = most / 4 * 3;
        let new = || Self { holes: self.holes, ..Self::default() };
        let mut piece = new();
        for (key, value) in std::mem::take(&mut self.records) {
            if piece.bytes + FRAME + key.len() + value.len() > most
                && let Some((highest, _)) = piece.records.last_key_value()
            {
                let highest = highest.clone();
                pieces.push((highest, std::mem::replace(&mut piece, new())));
            }
            piece.set(key, Some(value));
        }
        pieces.push((page_key, piece));
        pieces
    }
}

/// The first record of some bytes, its key without the tag, and what is behind it; none if there is none that makes sense.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (key_len, rest) = bytes.split_first_chunk::<2>()?;
    let (value_len, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*key_len)))?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*value_len)).ok()?)?;
    Some((key, value, rest))
}

//! Where a value lies in the file, which redb does not tell.

use std::sync::Mutex;

use crate::guard::lock;
use crate::numbers::to_u64;

/// So many bytes of a page have the key of its only entry, and behind that the first ones of its value.
const HEAD: usize = 64;

/// Of the entry of a leaf, what comes before it: the kind of the page, a byte that is free, how many entries there are, and where its key and its
/// value end (redb, docs/design.md).
const BEFORE: usize = 12;

/// Shorter pages are not looked at, in bytes: of what they have nobody wants a part.
const SHORTEST: usize = 8 << 10;

/// The begin of the page that was read last.
#[derive(Debug)]
pub(crate) struct Seen(Mutex<(u64, [u8; HEAD])>);

impl Seen {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new((0, [0; HEAD])))
    }

    /// A page was read.
    pub(crate) fn note(&self, offset: u64, page: &[u8]) {
        if page.len() >= SHORTEST
            && let Some(head) = page.first_chunk()
        {
            *lock(&self.0) = (offset, *head);
        }
    }

    /// Where the value begins, if it is that of the page, and has all of it.
    pub(crate) fn place_of(&self, key: &[u8], value: &[u8]) -> Option<u64> {
        let (offset, head) = &*lock(&self.0);
        let begins = head.get(BEFORE..)?.strip_prefix(key)?;
        let is_it = !begins.is_empty() && value.starts_with(begins);
        is_it.then(|| offset + to_u64(BEFORE + key.len()))
    }
}

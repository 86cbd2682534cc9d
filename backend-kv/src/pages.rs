//! Going through a range of stored records.

use anystorage_api::Result;

use crate::format::Range;
use crate::store::{KvEntry, KvStore};

/// The records of a range in the order of their keys, some at a time.
pub(crate) struct Pages {
    from: Vec<u8>,
    to: Vec<u8>,
    limit: usize,
    ended: bool,
}

impl Pages {
    /// `limit` of them at a time.
    pub(crate) fn of((from, to): Range, limit: usize) -> Self {
        Self { from, to, limit, ended: false }
    }

    /// The next ones; none at the end.
    pub(crate) async fn next<S: KvStore>(&mut self, store: &S) -> Result<Vec<KvEntry>> {
        if self.ended {
            return Ok(Vec::new());
        }
        let page = store.scan(&self.from, &self.to, self.limit).await?;
        match page.last() {
            Some((last, _)) if page.len() == self.limit => self.from = [last.as_slice(), &[0]].concat(),
            _ => self.ended = true,
        }
        Ok(page)
    }
}

//! What has to be known of the commits so far.

use anystorage_api::Error;

use crate::log::Log;
use crate::session::Change;

#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// Of the commits since the last one that redb made durable, those that last.
    pub(crate) log: Log,
    /// Whether some of these commits are not in the log: they come with the next one that redb makes durable.
    pub(crate) has_unlogged: bool,
    /// What stopped all changes until the location is opened again.
    pub(crate) latched: Option<Error>,
    /// The bytes in use compared with those at the opening, as of the last durable commit, and at most since then.
    live: i64,
    most: i64,
    /// If the file was compacted: what it occupied then, and `live` then.
    compacted: Option<(u64, i64)>,
}

impl Writer {
    /// Of a database with a log.
    pub(crate) fn new(log: Log) -> Self {
        Self { log, ..Self::default() }
    }

    /// redb has made a durable commit, which changed the bytes in use by `change` with the relaxed ones before it.
    pub(crate) fn settle(&mut self, change: Change) {
        let signed = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.live = self.live.saturating_add(signed(change.added)).saturating_sub(signed(change.removed));
        self.most = self.most.max(self.live);
        self.has_unlogged = false;
        self.log.begin();
    }

    /// Of the `occupied` bytes of the file, those that are free for the next commits: about as many, as far as it is known.
    pub(crate) fn reusable(&self, occupied: u64) -> u64 {
        let positive = |number: i64| u64::try_from(number).unwrap_or(0);
        match self.compacted {
            Some((tight, then)) => {
                let grown = positive(self.live.saturating_sub(then));
                let shrunk = positive(then.saturating_sub(self.live));
                // Pages are never quite full.
                occupied.saturating_sub(tight.saturating_add(grown).saturating_add(grown / 8).saturating_sub(shrunk))
            }
            None => positive(self.most.saturating_sub(self.live)),
        }
    }

    /// Whether giving the disk back what is free in a file of `occupied` bytes is worth reading all of it.
    pub(crate) fn is_worth_compacting(&self, occupied: u64) -> bool {
        self.compacted.is_none() || self.reusable(occupied) > occupied / 8
    }

    /// The file was compacted, and occupies so many bytes now.
    pub(crate) const fn compacted(&mut self, occupied: u64) {
        self.compacted = Some((occupied, self.live));
    }
}

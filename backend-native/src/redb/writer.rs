//! What has to be known of the commits so far.

use anystorage_api::Error;

use super::relaxed::Relaxed;
use super::session::Change;

#[derive(Debug, Default)]
pub(super) struct Writer {
    /// What the relaxed commits since the last durable one changed.
    pub(super) relaxed: Relaxed,
    /// What stopped all changes until the location is opened again.
    pub(super) latched: Option<Error>,
    /// The bytes in use compared with those at the opening, as of the last durable commit, and at most since then.
    live: i64,
    most: i64,
    /// Whether the file was compacted since the opening.
    compacted: bool,
}

impl Writer {
    /// A durable commit was made, which changed the bytes in use by `change` with the relaxed ones before it.
    pub(super) fn settle(&mut self, change: Change) {
        let signed = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.live = self.live.saturating_add(signed(change.added)).saturating_sub(signed(change.removed));
        self.most = self.most.max(self.live);
        self.relaxed = Relaxed::default();
    }

    /// The bytes in the file that are known to be free for the next commits, at least.
    pub(super) fn reusable(&self) -> u64 {
        u64::try_from(self.most.saturating_sub(self.live)).unwrap_or(0)
    }

    /// Whether giving the disk back what is free in a file of `occupied` bytes is worth reading all of it.
    pub(super) fn is_worth_compacting(&self, occupied: u64) -> bool {
        !self.compacted || self.reusable() > occupied / 8
    }

    /// The file was compacted: what was free in it is the disk's.
    pub(super) fn compacted(&mut self) {
        self.compacted = true;
        self.most = self.live;
    }
}

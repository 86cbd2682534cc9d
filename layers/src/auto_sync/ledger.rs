//! What no sync has covered, since when, and when the next one is due.

use std::time::Duration;

use super::options::AutoSyncOptions;

/// How long after a failure the next attempt is made at the earliest.
const LEAST_DELAY: Duration = Duration::from_secs(1);

/// Where the count of changes stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    changes: u64,
    bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    done: Mark,
    synced: Mark,
    /// When the first change was made that is not synced, or the last attempt to sync it failed; since some fixed moment.
    since: Duration,
    /// When the last one was made, or the last attempt failed.
    last: Duration,
    /// No attempt is made before, as one has failed.
    not_before: Duration,
}

impl Ledger {
    pub(super) const fn unsynced_bytes(&self) -> u64 {
        self.done.bytes.saturating_sub(self.synced.bytes)
    }

    pub(super) const fn is_synced(&self) -> bool {
        self.done.changes == self.synced.changes
    }

    /// A change of so many bytes.
    pub(super) const fn change(&mut self, bytes: u64, now: Duration) {
        if self.is_synced() {
            self.since = now;
        }
        self.last = now;
        self.done.changes += 1;
        self.done.bytes = self.done.bytes.saturating_add(bytes);
    }

    /// What a sync that begins now covers.
    pub(super) const fn mark(&self) -> Mark {
        self.done
    }

    /// A sync that began at `mark` has succeeded.
    pub(super) fn succeeded(&mut self, mark: Mark, began: Duration) {
        if mark.changes > self.synced.changes {
            self.synced = mark;
        }
        self.since = self.since.max(began);
        self.not_before = Duration::ZERO;
    }

    /// One has failed: the next attempt is not at once.
    pub(super) fn failed(&mut self, now: Duration) {
        self.since = now;
        self.last = now;
        self.not_before = now.saturating_add(LEAST_DELAY);
    }

    /// Whether a sync has covered what was marked.
    pub(super) const fn has_covered(&self, mark: Mark) -> bool {
        self.synced.changes >= mark.changes
    }

    /// How long until a sync is due; none if nothing waits for one.
    pub(super) fn due_in(&self, options: &AutoSyncOptions, now: Duration) -> Option<Duration> {
        if self.is_synced() {
            return None;
        }
        let interval = options.interval.map(|time| self.since.saturating_add(time));
        let quiet = options.quiet.map(|time| self.last.saturating_add(time));
        let due = match (interval, quiet) {
            (Some(interval), Some(quiet)) => interval.min(quiet),
            (one, other) => one.or(other)?,
        };
        Some(due.max(self.not_before).saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_sync_is_due_at_the_interval_or_when_it_is_quiet_whichever_is_first() {
        let options = AutoSyncOptions::new().interval(10 * S).quiet(3 * S);
        let mut ledger = Ledger::default();
        assert_eq!(ledger.due_in(&options, S), None);
        ledger.change(5, 2 * S);
        assert_eq!(ledger.due_in(&options, 2 * S), Some(3 * S));
        for second in 3..11 {
            ledger.change(1, second * S);
        }
        assert_eq!(ledger.due_in(&options, 10 * S), Some(2 * S));
        assert_eq!(ledger.due_in(&options, 20 * S), Some(Duration::ZERO));
        assert_eq!(ledger.unsynced_bytes(), 13);
        ledger.failed(20 * S);
        assert_eq!(ledger.due_in(&options, 20 * S), Some(3 * S));
        assert_eq!(ledger.due_in(&AutoSyncOptions::new().quiet(Duration::ZERO), 20 * S), Some(S), "not at once, again and again");
        let mark = ledger.mark();
        ledger.change(7, 21 * S);
        ledger.succeeded(mark, 21 * S);
        assert_eq!((ledger.unsynced_bytes(), ledger.is_synced()), (7, false));
        assert_eq!(ledger.due_in(&AutoSyncOptions::new(), 21 * S), None);
        let mark = ledger.mark();
        ledger.succeeded(mark, 22 * S);
        assert!(ledger.is_synced());
    }
}

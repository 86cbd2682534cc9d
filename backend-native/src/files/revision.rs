//! Revisions: numbers that differ after every change, also where the host's clock is too coarse to tell two changes apart.

use std::collections::HashMap;

use anystorage_api::Timestamp;

use super::disk::DiskMetadata;
use super::names::below;

/// How many directories are watched for changes within one tick of the host's clock.
const WATCHED: usize = 1024;

/// What the host's clock cannot say.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    /// Files that changed without a change of their times: how often this happened before the last such change.
    bumps: HashMap<(u64, u64), u64>,
    /// Directories that were looked at, by host path.
    directories: HashMap<String, Seen>,
    count: u64,
}

#[derive(Debug)]
struct Seen {
    times: Times,
    changed: bool,
    bump: u64,
}

/// The two times of a file that a change moves.
pub(super) type Times = (Timestamp, Timestamp);

/// The times that a change moves.
pub(super) const fn times(found: &DiskMetadata) -> Times {
    (found.modified, found.changed)
}

impl Revisions {
    /// The revision of a file.
    pub(super) fn of_file(&self, found: &DiskMetadata) -> u64 {
        mix(found, self.bumps.get(&found.id).copied().unwrap_or(0))
    }

    /// A file changed, and its times did not.
    pub(super) fn bump_file(&mut self, id: (u64, u64)) {
        self.count += 1;
        self.bumps.insert(id, self.count);
    }

    /// The revision of a directory, which is watched from now on.
    pub(super) fn of_directory(&mut self, path: &str, found: &DiskMetadata) -> u64 {
        if self.directories.len() >= WATCHED && !self.directories.contains_key(path) {
            self.directories.retain(|_, seen| seen.bump > 0);
        }
        let seen = self.directories.entry(path.to_owned()).or_insert(Seen { times: times(found), changed: false, bump: 0 });
        if seen.changed && seen.times == times(found) {
            self.count += 1;
            seen.bump = self.count;
        }
        seen.times = times(found);
        seen.changed = false;
        mix(found, seen.bump)
    }

    /// The entries of a directory changed.
    pub(super) fn directory_changed(&mut self, path: &str) {
        if let Some(seen) = self.directories.get_mut(path) {
            seen.changed = true;
        }
    }

    /// A directory is at this path no more.
    pub(super) fn forget_tree(&mut self, path: &str) {
        self.directories.retain(|seen, _| below(seen, path).is_none());
    }
}

/// One number for a state of a file: the same in every process.
fn mix(found: &DiskMetadata, bump: u64) -> u64 {
    let time = |time: Timestamp| time.seconds().cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(u64::from(time.nanoseconds()));
    [found.id.1, time(found.modified), time(found.changed), found.len, bump].into_iter().fold(0, |hash: u64, part| {
        // The finaliser of SplitMix64: every bit of the input moves half of the output.
        let mut next = hash.wrapping_add(part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        next = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        next = (next ^ (next >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        next ^ (next >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::disk::DiskKind;

    fn state(len: u64) -> DiskMetadata {
        let tick = Timestamp::new(7, 0);
        DiskMetadata { kind: DiskKind::File, len, id: (1, 2), links: 1, mode: 0o644, modified: tick, changed: tick }
    }

    #[test]
    fn two_changes_within_one_tick_of_the_clock_are_told_apart() {
        let mut revisions = Revisions::default();
        let first = revisions.of_file(&state(3));
        assert_eq!(first, revisions.of_file(&state(3)));
        revisions.bump_file((1, 2));
        assert_ne!(first, revisions.of_file(&state(3)));
        assert_ne!(first, revisions.of_file(&state(4)));
    }

    #[test]
    fn a_directory_that_changes_within_one_tick_is_another_one() {
        let mut revisions = Revisions::default();
        let first = revisions.of_directory("d", &state(0));
        assert_eq!(first, revisions.of_directory("d", &state(0)));
        revisions.directory_changed("d");
        let second = revisions.of_directory("d", &state(0));
        assert_ne!(first, second);
        assert_eq!(second, revisions.of_directory("d", &state(0)));
    }
}

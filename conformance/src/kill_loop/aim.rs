//! Which operation is killed, and when: picked from the load ahead, with what was learned of how long operations take.

use std::time::Duration;

use super::killer::Target;
use super::load::{Load, Op};
use super::random::Random;
use super::report::{KillReport, Phase};

/// How far ahead an operation to kill is looked for.
const HORIZON: usize = 64;

/// While fewer kills than this share, in percent, have hit a sync, a sync is aimed at.
const SYNC_SHARE: f64 = 42.0;

/// How many [kinds](kind) of operations there are.
const KINDS: usize = 7;

/// Picks targets, and learns how long operations take.
#[derive(Debug)]
pub(super) struct Aim {
    random: Random,
    /// The usual duration of each [`kind`].
    usual: [Duration; KINDS],
}

impl Aim {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed, u64::MAX), usual: [Duration::ZERO; KINDS] }
    }

    pub(super) fn next(&mut self, load: &Load, report: &KillReport) -> Target {
        let short_of_syncs = report.percent(Phase::Sync) < SYNC_SHARE;
        let phase = match self.random.below(100) {
            _ if short_of_syncs => Phase::Sync,
            0..40 => Phase::Write,
            40..62 => Phase::Rename,
            62..84 => Phase::Remove,
            84..94 => Phase::Create,
            _ => Phase::Sync,
        };
        let mut ahead = load.clone();
        let operations: Vec<(u64, Op)> = std::iter::repeat_with(|| ahead.next()).take(HORIZON).collect();
        let fitting: Vec<&(u64, Op)> = operations.iter().filter(|(_, op)| op.phase() == phase && kind(op).is_some()).take(6).collect();
        let target = self.random.one_of(fitting.iter().copied()).or_else(|| operations.last());
        let usual = target.and_then(|(_, op)| self.usual.get(kind(op)?)).copied().unwrap_or_default();
        let nanoseconds = u64::try_from(usual.as_nanos()).unwrap_or(u64::MAX);
        Target::new(target.map_or(0, |(number, _)| *number), Duration::from_nanos(self.random.below(nanoseconds)))
    }

    /// A running mean, which forgets.
    pub(super) fn learn(&mut self, op: &Op, took: Duration) {
        if let Some(mean) = kind(op).and_then(|kind| self.usual.get_mut(kind)) {
            *mean = (*mean * 7 + took) / 8;
        }
    }
}

/// The kind of an operation, of which all take about as long; none for those of which some are over at once.
const fn kind(op: &Op) -> Option<usize> {
    match op {
        Op::SyncFile { .. } => Some(0),
        Op::Sync => Some(1),
        Op::Replace { .. } => Some(2),
        Op::WriteAt { len, .. } if *len >= 64 << 10 => Some(3),
        Op::WriteAt { .. } | Op::SetLen { .. } => None,
        Op::Rename { .. } => Some(4),
        Op::RemoveFile { .. } | Op::RemoveDir { .. } => Some(5),
        Op::Create { .. } | Op::CreateDir { .. } => Some(6),
    }
}

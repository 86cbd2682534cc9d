use std::fmt;

use anystorage_conformance::simdisk::Rng;

use super::state::Records;
use crate::store::{Batch, Commit};

/// Which of the states that a cut may leave. All but [`Random`](Self::Random) are extremes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// What is not known to be durable is lost.
    NothingUnsynced,
    /// Everything is there, what was under way too.
    Everything,
    /// Everything that had returned is there, what was under way is lost.
    Returned,
    /// Everything relaxed is there but one commit, counted from the last durable one.
    AllBut(usize),
    /// Of what is relaxed only one commit is there.
    Only(usize),
    /// Everything relaxed is there, made in the opposite order.
    Reversed,
    /// Some of what is relaxed, in half of the seeds in another order. Sometimes a durable commit that was under way, with everything.
    Random(u64),
}

impl Outcome {
    /// The extremes where `relaxed` commits may be lost: each single one lost, each single one kept, and what concerns all of them.
    #[must_use]
    pub fn extremes(relaxed: usize) -> Vec<Self> {
        let all = [Self::NothingUnsynced, Self::Everything, Self::Returned, Self::Reversed];
        let each = (0..relaxed).flat_map(|at| [Self::AllBut(at), Self::Only(at)]);
        all.into_iter().chain(each).collect()
    }

    /// Makes what survives of `relaxed` and of the commit `under_way` on top of `durable`.
    pub(super) fn apply(self, durable: &mut Records, relaxed: &[Batch], under_way: Option<&(Batch, Commit)>) {
        let mut list: Vec<&Batch> = relaxed.iter().collect();
        let mut whole = None;
        match under_way {
            Some((batch, Commit::Relaxed)) => list.push(batch),
            Some((batch, Commit::Durable)) => whole = Some(batch),
            None => {}
        }
        match self {
            Self::NothingUnsynced => list.clear(),
            Self::Everything => list.extend(whole),
            Self::Returned => list.truncate(relaxed.len()),
            Self::AllBut(lost) => {
                if lost < list.len() {
                    list.remove(lost);
                }
            }
            Self::Only(kept) => list = list.get(kept).copied().into_iter().collect(),
            Self::Reversed => list.reverse(),
            Self::Random(seed) => {
                let mut rng = Rng::new(seed);
                if whole.is_some() && rng.chance(1, 4) {
                    list.extend(whole);
                } else {
                    let kept = rng.pick(&[1, 8, 12, 15]).copied().unwrap_or(8);
                    list.retain(|_| rng.chance(kept, 16));
                    if rng.chance(1, 2) {
                        shuffle(&mut rng, &mut list);
                    }
                }
            }
        }
        for batch in list {
            durable.apply(batch);
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingUnsynced => f.write_str("nothing unsynced is there"),
            Self::Everything => f.write_str("everything is there"),
            Self::Returned => f.write_str("everything that had returned is there"),
            Self::AllBut(lost) => write!(f, "all relaxed commits are there but number {lost}"),
            Self::Only(kept) => write!(f, "of the relaxed commits number {kept} is there alone"),
            Self::Reversed => f.write_str("all relaxed commits are there, made in the opposite order"),
            Self::Random(seed) => write!(f, "random, seed {seed:#018x}"),
        }
    }
}

fn shuffle<T>(rng: &mut Rng, list: &mut [T]) {
    for at in (1..list.len()).rev() {
        list.swap(at, rng.below(at as u64 + 1) as usize);
    }
}

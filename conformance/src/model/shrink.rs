//! Makes a failing sequence small: fewer calls first, then plainer ones, then plainer names in all of them at once.

use proptest::strategy::ValueTree;

use super::Counts;
use super::call::{Call, SLOTS};
use super::player::Pace;
use super::player::{Parting, play};
use super::strategy::{CallTree, PLAIN};
use crate::subject::Subject;

/// What is left of a failing sequence.
pub(crate) struct Shrunk {
    pub(crate) calls: Vec<Call>,
    pub(crate) parting: Parting,
    pub(crate) attempts: u64,
}

/// Tries at most `most` smaller sequences, each at a fresh place. The result still fails, though not always with the same words.
pub(crate) async fn shrink(subject: &dyn Subject, label: &str, trees: Vec<CallTree>, parting: Parting, pace: Pace, most: u64) -> Shrunk {
    let mut shrinker = Shrinker { subject, label, best: trees, parting, pace, most, attempts: 0 };
    shrinker.cut().await;
    // Compared more often, it shows earlier, unless a look heals it.
    shrinker.pace.check_every = 1;
    let calls = shrinker.calls();
    if shrinker.still_fails(&calls).await {
        shrinker.cut().await;
    } else {
        shrinker.pace = pace;
    }
    loop {
        let before = shrinker.calls();
        shrinker.fewer().await;
        shrinker.plainer().await;
        if shrinker.calls() == before || shrinker.attempts >= shrinker.most {
            break;
        }
    }
    let calls = shrinker.plainer_names().await;
    Shrunk { calls, parting: shrinker.parting, attempts: shrinker.attempts }
}

struct Shrinker<'a> {
    subject: &'a dyn Subject,
    label: &'a str,
    best: Vec<CallTree>,
    parting: Parting,
    pace: Pace,
    most: u64,
    attempts: u64,
}

impl Shrinker<'_> {
    fn calls(&self) -> Vec<Call> {
        self.best.iter().map(ValueTree::current).collect()
    }

    /// Removes what comes after the call that showed the fault: it is not needed, as everything is compared at the end.
    async fn cut(&mut self) {
        let end = (self.parting.at + 1).min(self.best.len());
        self.remove(end..self.best.len()).await;
    }

    /// Removes runs of calls, long ones first.
    async fn fewer(&mut self) {
        let mut run = self.best.len().div_ceil(2);
        while run > 0 {
            // From the end: later calls depend on earlier ones.
            let mut end = self.best.len();
            while end > 0 {
                let start = end.saturating_sub(run);
                self.remove(start..end).await;
                end = start;
            }
            run /= 2;
        }
    }

    /// Makes each call as plain as it can be with the failure still there.
    async fn plainer(&mut self) {
        for index in 0..self.best.len() {
            let Some(mut tree) = self.best.get(index).cloned() else { return };
            let mut tried = tree.current();
            let mut fails = true;
            while self.attempts < self.most && if fails { tree.simplify() } else { tree.complicate() } {
                let call = tree.current();
                // A number that this kind of call does not use became smaller: that needs no run.
                if call != tried {
                    tried = call.clone();
                    let calls = self
                        .best
                        .iter()
                        .enumerate()
                        .map(|(at, tree)| if at == index { call.clone() } else { tree.current() })
                        .collect::<Vec<_>>();
                    fails = self.still_fails(&calls).await;
                }
                if let (true, Some(best)) = (fails, self.best.get_mut(index)) {
                    *best = tree.clone();
                }
            }
        }
    }

    /// Gives paths and slots that several calls share plainer names, in all calls at once; one call alone cannot leave the others.
    async fn plainer_names(&mut self) -> Vec<Call> {
        let mut best = self.calls();
        let mut paths: Vec<&'static str> = best.iter_mut().flat_map(Call::paths_mut).map(|path| *path).collect();
        paths.sort_unstable();
        paths.dedup();
        for old in paths {
            for new in PLAIN.iter().take_while(|new| **new != old) {
                let mut calls = best.clone();
                calls.iter_mut().flat_map(Call::paths_mut).filter(|path| **path == old).for_each(|path| *path = new);
                if self.attempts < self.most && self.still_fails(&calls).await {
                    best = calls;
                    break;
                }
            }
        }
        for old in 1..SLOTS {
            for new in 0..old {
                let mut calls = best.clone();
                calls.iter_mut().filter_map(Call::slot_mut).filter(|slot| **slot == old).for_each(|slot| *slot = new);
                if calls != best && self.attempts < self.most && self.still_fails(&calls).await {
                    best = calls;
                    break;
                }
            }
        }
        // Some calls were there for the old names alone.
        for index in (0..best.len()).rev() {
            let mut calls = best.clone();
            calls.remove(index);
            if self.attempts < self.most && self.still_fails(&calls).await {
                best = calls;
            }
        }
        best
    }

    async fn remove(&mut self, range: std::ops::Range<usize>) {
        if range.is_empty() || self.attempts >= self.most {
            return;
        }
        let mut calls = self.calls();
        calls.drain(range.clone());
        if self.still_fails(&calls).await {
            self.best.drain(range);
        }
    }

    async fn still_fails(&mut self, calls: &[Call]) -> bool {
        self.attempts += 1;
        let label = format!("{}-{}", self.label, self.attempts);
        let Ok(place) = self.subject.place(&label).await else { return false };
        match play(&*place, calls, self.pace, &mut Counts::default()).await {
            Ok(()) => false,
            Err(parting) => {
                self.parting = parting;
                true
            }
        }
    }
}

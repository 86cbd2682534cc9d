//! What one node of a file's block map says: which of its positions are there, and under which version.

use serde::{Deserialize, Serialize};

/// How many positions a node has.
pub(crate) const FANOUT: u16 = 512;

/// Positions that follow one another, all with the same version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) start: u16,
    pub(crate) len: u16,
    pub(crate) version: u64,
}

impl Run {
    /// The first position behind it.
    pub(crate) const fn end(&self) -> u16 {
        self.start.saturating_add(self.len)
    }
}

/// The positions of a node that are there, as few runs as possible, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Run>")]
pub(crate) struct Runs(Vec<Run>);

impl Runs {
    /// One position.
    pub(crate) fn single(position: u16, version: u64) -> Self {
        Self(vec![Run { start: position, len: 1, version }])
    }

    /// About how many bytes it takes in memory.
    pub(crate) const fn cost(&self) -> usize {
        self.0.capacity() * size_of::<Run>()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Run> {
        self.0.iter().copied()
    }

    /// The last position that is there.
    pub(crate) fn last(&self) -> Option<u16> {
        self.0.last().map(|run| run.end().saturating_sub(1))
    }

    /// The version of a position; none if it is not there.
    pub(crate) fn get(&self, position: u16) -> Option<u64> {
        self.next_at_or_after(position).filter(|run| run.start == position).map(|run| run.version)
    }

    /// What is left of the first run that ends behind `position`, from there on.
    pub(crate) fn next_at_or_after(&self, position: u16) -> Option<Run> {
        let run = *self.0.get(self.0.partition_point(|run| run.end() <= position))?;
        let start = run.start.max(position);
        Some(Run { start, len: run.end().saturating_sub(start), version: run.version })
    }

    /// Gives a position below [`FANOUT`] this version, and returns the one it had.
    pub(crate) fn set(&mut self, position: u16, version: u64) -> Option<u64> {
        debug_assert!(position < FANOUT, "position {position}");
        if self.0.last().is_none_or(|last| last.end() <= position) {
            self.append(position, version);
            return None;
        }
        let old = self.get(position);
        if old == Some(version) {
            return old;
        }
        self.clear(position);
        let behind = self.0.partition_point(|run| run.start < position);
        let joins_right = self.0.get(behind).is_some_and(|run| run.start == position + 1 && run.version == version);
        let left = behind.checked_sub(1).and_then(|at| self.0.get_mut(at)).filter(|run| run.end() == position && run.version == version);
        match (left, joins_right) {
            (None, false) => self.0.insert(behind, Run { start: position, len: 1, version }),
            (None, true) => {
                if let Some(right) = self.0.get_mut(behind) {
                    right.start = position;
                    right.len += 1;
                }
            }
            (Some(left), false) => left.len += 1,
            (Some(left), true) => {
                left.len += 1;
                let right = self.0.remove(behind);
                if let Some(left) = self.0.get_mut(behind.saturating_sub(1)) {
                    left.len += right.len;
                }
            }
        }
        old
    }

    /// As `set` behind all runs: a file that is written from start to end costs no search.
    fn append(&mut self, position: u16, version: u64) {
        match self.0.last_mut() {
            Some(last) if last.end() == position && last.version == version => last.len += 1,
            _ => self.0.push(Run { start: position, len: 1, version }),
        }
    }

    /// Takes one position away, and returns its version.
    pub(crate) fn clear(&mut self, position: u16) -> Option<u64> {
        let at = self.0.partition_point(|run| run.end() <= position);
        let run = self.0.get_mut(at).filter(|run| run.start <= position)?;
        let (whole, left) = (*run, position - run.start);
        let right = whole.len - left - 1;
        let behind = Run { start: position + 1, len: right, version: whole.version };
        match (left, right) {
            (0, 0) => drop(self.0.remove(at)),
            (0, _) => *run = behind,
            (_, 0) => run.len = left,
            _ => {
                run.len = left;
                self.0.insert(at + 1, behind);
            }
        }
        Some(whole.version)
    }

    /// Takes `position` and all behind it away, and tells start, length and version of each run that this frees.
    pub(crate) fn clear_from(&mut self, position: u16, freed: &mut dyn FnMut(u16, u16, u64)) {
        let mut kept = self.0.len();
        while let Some(at) = kept.checked_sub(1)
            && self.0.get(at).is_some_and(|run| run.start >= position)
        {
            kept = at;
        }
        if let Some(last) = kept.checked_sub(1).and_then(|at| self.0.get_mut(at))
            && last.end() > position
        {
            freed(position, last.end() - position, last.version);
            last.len = position - last.start;
        }
        for run in self.0.drain(kept..) {
            freed(run.start, run.len, run.version);
        }
    }
}

impl TryFrom<Vec<Run>> for Runs {
    type Error = &'static str;

    fn try_from(runs: Vec<Run>) -> Result<Self, Self::Error> {
        let mut before: Option<Run> = None;
        for run in &runs {
            if run.len == 0 || run.start >= FANOUT || run.len > FANOUT - run.start {
                return Err("a run of blocks is empty or too long");
            }
            match before {
                Some(before) if run.start < before.end() => return Err("runs of blocks are not in order"),
                Some(before) if run.start == before.end() && run.version == before.version => {
                    return Err("a run of blocks is in two pieces");
                }
                _ => before = Some(*run),
            }
        }
        Ok(Self(runs))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use anystorage_conformance::simdisk::Rng;

    use super::*;
    use crate::map::tests::seed;

    fn run(start: u16, len: u16, version: u64) -> Run {
        Run { start, len, version }
    }

    fn decoded(runs: &[Run]) -> postcard::Result<Runs> {
        postcard::from_bytes(&postcard::to_allocvec(runs).unwrap())
    }

    /// Everything that `runs` shows is as in `model`, it is in the one form there is, and comes back from its encoding.
    fn assert_same(runs: &Runs, model: &BTreeMap<u16, u64>) {
        let shown = runs.iter().flat_map(|run| (run.start..run.end()).map(move |position| (position, run.version)));
        assert!(shown.eq(model.iter().map(|(position, version)| (*position, *version))), "{runs:?} is not {model:?}");
        assert_eq!(decoded(&runs.0).as_ref(), Ok(runs));
        assert_eq!(runs.is_empty(), model.is_empty());
        assert_eq!(runs.last(), model.last_key_value().map(|(position, _)| *position));
    }

    #[test]
    fn random_calls_do_what_a_map_does() {
        let seed = seed();
        let mut random = Rng::new(seed);
        for _ in 0..200 {
            let (mut runs, mut model) = (Runs::default(), BTreeMap::new());
            let (positions, versions) = (random.below(u64::from(FANOUT)) + 1, random.below(4) + 1);
            for _ in 0..300 {
                let (position, version) = (random.below(positions) as u16, random.below(versions));
                match random.below(20) {
                    0..12 => assert_eq!(runs.set(position, version), model.insert(position, version)),
                    12..15 => {
                        let next = model.keys().next_back().map_or(0, |last| (last + 1).min(FANOUT - 1));
                        assert_eq!(runs.set(next, version), model.insert(next, version));
                    }
                    15..19 => assert_eq!(runs.clear(position), model.remove(&position)),
                    _ => {
                        let mut freed = BTreeMap::new();
                        runs.clear_from(position, &mut |start, len, version| freed.extend((start..start + len).map(|at| (at, version))));
                        assert_eq!(freed, model.split_off(&position));
                    }
                }
                assert_same(&runs, &model);
                let asked = random.below(u64::from(FANOUT)) as u16;
                assert_eq!(runs.get(asked), model.get(&asked).copied());
                let next = runs.next_at_or_after(asked);
                assert_eq!(next.map(|run| (run.start, run.version)), model.range(asked..).next().map(|(at, version)| (*at, *version)));
                if let Some(next) = next {
                    assert!((next.start..next.end()).all(|at| model.get(&at) == Some(&next.version)) && next.len > 0);
                    assert_ne!(model.get(&next.end()), Some(&next.version), "it ends too early");
                }
            }
        }
    }

    #[test]
    fn a_file_written_in_order_is_one_run() {
        let mut runs = Runs::default();
        assert!((0..FANOUT).all(|position| runs.set(position, 7).is_none()));
        assert_eq!(runs.0, [run(0, FANOUT, 7)]);
    }

    #[test]
    fn what_is_not_in_the_one_form_is_not_decoded() {
        assert!(decoded(&[]).is_ok());
        assert!(decoded(&[run(0, 3, 1), run(3, 1, 2), run(10, 502, 1)]).is_ok());
        let bad: [&[Run]; 8] = [
            &[run(4, 0, 1)],
            &[run(512, 1, 1)],
            &[run(511, 2, 1)],
            &[run(9, u16::MAX, 1)],
            &[run(u16::MAX, u16::MAX, 1)],
            &[run(4, 2, 1), run(0, 1, 1)],
            &[run(4, 2, 1), run(5, 1, 2)],
            &[run(4, 2, 1), run(6, 1, 1)],
        ];
        for runs in bad {
            assert!(decoded(runs).is_err(), "{runs:?}");
        }
    }
}

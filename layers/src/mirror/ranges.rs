//! Sets of byte positions, as ranges.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of positions. Invariant: its ranges are not empty, do not overlap and do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many positions.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.0.iter().map(|(start, end)| *start..*end)
    }

    pub(super) fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let (mut start, mut end) = (range.start, range.end);
        // From the back, those that overlap or touch become one with it.
        while let Some((at, to)) = self.0.range(..=end).next_back().map(|(at, to)| (*at, *to)).filter(|(_, to)| *to >= start) {
            self.0.remove(&at);
            start = start.min(at);
            end = end.max(to);
        }
        self.0.insert(start, end);
    }

    pub(super) fn remove(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        while let Some((at, to)) = self.0.range(..range.end).next_back().map(|(at, to)| (*at, *to)).filter(|(_, to)| *to > range.start) {
            self.0.remove(&at);
            if to > range.end {
                self.0.insert(range.end, to);
            }
            if at < range.start {
                self.0.insert(at, range.start);
            }
        }
    }

    /// Leaves what is before `len`.
    pub(super) fn cut(&mut self, len: u64) {
        self.remove(len..u64::MAX);
    }

    /// What of it lies in `range`.
    pub(super) fn within(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut found = Vec::new();
        let first = self.0.range(..=range.start).next_back().map_or(range.start, |(at, _)| *at);
        for (at, to) in self.0.range(first..range.end.max(first)) {
            let part = (*at).max(range.start)..(*to).min(range.end);
            if !part.is_empty() {
                found.push(part);
            }
        }
        found
    }

    pub(super) fn extend(&mut self, other: &Self) {
        other.iter().for_each(|range| self.insert(range));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_set_as_one_of_single_positions() {
        let mut state = 0x5eed_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let (mut ranges, mut set) = (Ranges::new(), [false; 64]);
        for _ in 0..20_000 {
            let (start, len, adds) = (next(64), next(12), next(5) > 1);
            let end = (start + len).min(64);
            if adds {
                ranges.insert(start..end)
            } else {
                ranges.remove(start..end)
            }
            (start..end).for_each(|at| set[at as usize] = adds);
            assert_eq!(ranges.total(), set.iter().filter(|is_in| **is_in).count() as u64);
            let mut last = None;
            for range in ranges.iter() {
                assert!(!range.is_empty() && last.is_none_or(|last| range.start > last), "{ranges:?}");
                assert!(range.clone().all(|at| set[at as usize]), "{ranges:?}");
                last = Some(range.end);
            }
            let (from, to) = (next(64), next(64));
            let expected: Vec<u64> = (from..to).filter(|at| set[*at as usize]).collect();
            assert_eq!(ranges.within(from..to).into_iter().flatten().collect::<Vec<_>>(), expected);
            if next(40) == 0 {
                let len = next(64);
                ranges.cut(len);
                set[len as usize..].fill(false);
            }
        }
    }
}

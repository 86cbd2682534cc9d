//! What a power cut leaves of what was not durable.

use std::fmt;

/// Which of the states that a cut may leave. The first five are the extremes, [`Random`](Self::Random) is everything between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing that was not synced is there.
    NothingUnsynced,
    /// Everything is there, synced or not.
    Everything,
    /// Every name is as it was last, bytes and lengths are as synced: a file that was created, written and renamed is empty.
    NamesOnly,
    /// Names and lengths are as they were last, bytes are as synced: what grew holds zeros.
    NamesAndLengths,
    /// Bytes and lengths are as they were last, names are as synced.
    ContentOnly,
    /// Chosen by a seed: each directory cut at a point of its own, each sector in any of its versions, each length one of those on the way.
    Random(u64),
}

impl Outcome {
    /// All but [`Random`](Self::Random).
    pub const EXTREMES: [Self; 5] = [Self::NothingUnsynced, Self::Everything, Self::NamesOnly, Self::NamesAndLengths, Self::ContentOnly];
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingUnsynced => f.write_str("nothing unsynced is there"),
            Self::Everything => f.write_str("everything is there"),
            Self::NamesOnly => f.write_str("names are there, bytes and lengths as synced"),
            Self::NamesAndLengths => f.write_str("names and lengths are there, bytes as synced"),
            Self::ContentOnly => f.write_str("bytes and lengths are there, names as synced"),
            Self::Random(seed) => write!(f, "random, seed {seed:#018x}"),
        }
    }
}

/// SplitMix64, by Steele, Lea and Flood: small, and the same on every platform.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.bits() % bound }
    }

    /// True `part` times out of `whole`.
    pub fn chance(&mut self, part: u64, whole: u64) -> bool {
        self.below(whole) < part
    }

    /// One of `all`.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len() as u64) as usize)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pick {
    Oldest,
    Newest,
    Any,
}

impl Pick {
    const fn newest_if(newest: bool) -> Self {
        if newest { Self::Newest } else { Self::Oldest }
    }
}

/// What of a file a choice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Bytes,
    Length,
}

/// Makes the choices of one outcome.
#[derive(Debug)]
pub(super) struct Chooser {
    random: bool,
    names: Pick,
    lengths: Pick,
    bytes: Pick,
    rng: Rng,
    /// Of 16 operations on names that may survive, how many do.
    kept_names: u64,
}

impl Chooser {
    pub(super) fn new(outcome: Outcome) -> Self {
        let seed = if let Outcome::Random(seed) = outcome { seed } else { 0 };
        let random = matches!(outcome, Outcome::Random(_));
        let names = !matches!(outcome, Outcome::NothingUnsynced | Outcome::ContentOnly);
        let lengths = matches!(outcome, Outcome::Everything | Outcome::NamesAndLengths | Outcome::ContentOnly);
        let bytes = matches!(outcome, Outcome::Everything | Outcome::ContentOnly);
        let mut rng = Rng::new(seed);
        let names = if random { Pick::Any } else { Pick::newest_if(names) };
        let kept_names = rng.pick(&[4, 8, 12, 15, 15, 16]).copied().unwrap_or(8);
        Self { random, names, lengths: Pick::newest_if(lengths), bytes: Pick::newest_if(bytes), rng, kept_names }
    }

    /// Whether an operation on names survives, if it may.
    pub(super) fn keeps_name(&mut self) -> bool {
        match self.names {
            Pick::Oldest => false,
            Pick::Newest => true,
            Pick::Any => self.rng.chance(self.kept_names, 16),
        }
    }

    /// Random outcomes differ in kind from file to file: files that are all old, all new or mixed are found side by side.
    pub(super) fn next_file(&mut self) {
        if self.random {
            let kinds = [Pick::Oldest, Pick::Newest, Pick::Any, Pick::Any];
            self.lengths = self.rng.pick(&kinds).copied().unwrap_or(Pick::Any);
            self.bytes = self.rng.pick(&kinds).copied().unwrap_or(Pick::Any);
        }
    }

    pub(super) fn among<T: Clone>(&mut self, part: Part, versions: &[T]) -> Option<T> {
        let pick = if part == Part::Bytes { self.bytes } else { self.lengths };
        match pick {
            Pick::Oldest => versions.first().cloned(),
            Pick::Newest => versions.last().cloned(),
            Pick::Any => self.rng.pick(versions).cloned(),
        }
    }
}

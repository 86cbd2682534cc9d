//! The seeded model test: long random sequences of calls, played against an engine and against an independent model side by side.
//!
//! [`run`] plays sequences of a few hundred calls, each at a fresh place: opens with every mix of options, up to eight handles kept across
//! calls, positional reads and writes near the start, around block boundaries and beyond 4 GiB, lengths, listings in pages, creates,
//! removals, renames of files and directories, whole-file reads and writes, syncs, and on durable engines reopenings. Every answer is
//! compared: values, error kinds, kinds and lengths, and that revisions change when something changed and stay when nothing did. The
//! whole tree with all its bytes is compared at intervals and at the end.
//!
//! A difference is shrunk to a short sequence of plain calls, and told with the seed that repeats it.
//!
//! The model is a few maps that live here, not one of the engines: so the engine in memory is under test like any other, and a fault that
//! it shared with another engine could not hide.
//!
//! Nothing here takes time, threads or randomness from the host: the seed is the caller's, and with it every call is decided.
//!
//! ```no_run
//! # async fn example(subject: &dyn anystorage_conformance::subject::Subject) {
//! use anystorage_conformance::model::{self, ModelOptions};
//!
//! match model::run(subject, ModelOptions::new(42).operations(20_000)).await {
//!     Ok(report) => println!("{report}"),
//!     Err(failure) => panic!("{failure}"),
//! }
//! # }
//! ```

mod call;
mod oracle;
mod player;
mod revisions;
mod shrink;
mod sparse;
mod strategy;

use std::collections::BTreeMap;
use std::fmt;

use proptest::strategy::ValueTree;

pub use call::{Call, Data, Offset};
use player::{Done, Parting};

use crate::subject::Subject;

/// How a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelOptions {
    /// What decides every call.
    pub seed: u64,
    /// How many calls are made in all, to the end of the last sequence. Calls that make no sense where they come (on a handle that is not
    /// open) are skipped and do not count.
    pub operations: u64,
    /// How many calls one sequence has, at one place, the skipped ones included.
    pub sequence: usize,
    /// After how many calls the whole tree is compared.
    pub check_every: usize,
    /// How many smaller sequences are tried when one failed.
    pub attempts: u64,
    /// The first byte, of those within [`max_file_len`](anystorage_api::Capabilities::max_file_len), that nothing is written at and no file
    /// is lengthened to: hosts can hold less than an engine, and some count holes.
    pub farthest: u64,
}

impl ModelOptions {
    /// 20,000 calls in sequences of 400, everything compared after each 50, and 3,000 attempts to make a failure smaller.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, operations: 20_000, sequence: 400, check_every: 50, attempts: 3_000, farthest: 1 << 41 }
    }

    /// Sets [`Self::operations`].
    #[must_use]
    pub const fn operations(mut self, operations: u64) -> Self {
        self.operations = operations;
        self
    }

    /// Sets [`Self::sequence`]; at least one.
    #[must_use]
    pub const fn sequence(mut self, calls: usize) -> Self {
        self.sequence = if calls == 0 { 1 } else { calls };
        self
    }

    /// Sets [`Self::check_every`]; at least one.
    #[must_use]
    pub const fn check_every(mut self, calls: usize) -> Self {
        self.check_every = if calls == 0 { 1 } else { calls };
        self
    }

    /// Sets [`Self::attempts`].
    #[must_use]
    pub const fn attempts(mut self, attempts: u64) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets [`Self::farthest`].
    #[must_use]
    pub const fn farthest(mut self, byte: u64) -> Self {
        self.farthest = byte;
        self
    }

    const fn pace(&self) -> player::Pace {
        player::Pace { check_every: self.check_every, farthest: self.farthest }
    }
}

/// What was played without a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelReport {
    /// The seed that repeats the run.
    pub seed: u64,
    /// How many calls were made, each of them compared.
    pub operations: u64,
    /// In how many sequences.
    pub sequences: u64,
    /// How they ended, by the name of the call.
    pub counts: Counts,
}

impl fmt::Display for ModelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} calls in {} sequences agree with the model, seed {}", self.operations, self.sequences, self.seed)?;
        fmt::Display::fmt(&self.counts, f)
    }
}

/// How calls ended, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_name: BTreeMap<&'static str, Count>,
}

/// How the calls of one name ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// With a value, the right one.
    pub answered: u64,
    /// With an error, the right one.
    pub refused: u64,
    /// Not made: the handle was not open, or the engine does not offer it.
    pub skipped: u64,
}

impl Counts {
    /// Of one call, by [`Call::name`].
    #[must_use]
    pub fn of(&self, name: &str) -> Count {
        self.by_name.get(name).copied().unwrap_or_default()
    }

    /// Of all calls together.
    #[must_use]
    pub fn total(&self) -> Count {
        self.by_name.values().fold(Count::default(), |sum, count| Count {
            answered: sum.answered + count.answered,
            refused: sum.refused + count.refused,
            skipped: sum.skipped + count.skipped,
        })
    }

    fn add(&mut self, call: &Call, done: Done) {
        let count = self.by_name.entry(call.name()).or_default();
        match done {
            Done::Answered => count.answered += 1,
            Done::Refused => count.refused += 1,
            Done::Skipped => count.skipped += 1,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:12} {:>9} {:>9} {:>9}", "call", "answered", "refused", "skipped")?;
        for (name, count) in self.by_name.iter().map(|(name, count)| (*name, *count)).chain([("all", self.total())]) {
            writeln!(f, "{name:12} {:>9} {:>9} {:>9}", count.answered, count.refused, count.skipped)?;
        }
        Ok(())
    }
}

/// A difference between the engine and the model, made small.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelFailure {
    /// The engine's name.
    pub engine: String,
    /// The seed that repeats it.
    pub seed: u64,
    /// The number of the sequence that failed, from 0.
    pub sequence: u64,
    /// How many calls it had.
    pub original: usize,
    /// What is left of it.
    pub calls: Vec<Call>,
    /// How many of these calls went well; if all of them did, the comparison behind them failed.
    pub agreed: usize,
    /// What was expected and what came.
    pub difference: String,
    /// How many smaller sequences were tried.
    pub attempts: u64,
}

impl fmt::Display for ModelFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} differs from the model: seed {}, sequence {}", self.engine, self.seed, self.sequence)?;
        writeln!(f, "{} of its {} calls are enough ({} attempts), on a fresh location:", self.calls.len(), self.original, self.attempts)?;
        for (at, call) in self.calls.iter().enumerate() {
            writeln!(f, "  {:2}. {call}{}", at + 1, if at == self.agreed { "   <- here" } else { "" })?;
        }
        let after = if self.agreed == self.calls.len() { "and then everything is compared: " } else { "" };
        write!(f, "{after}{}", self.difference)
    }
}

impl std::error::Error for ModelFailure {}

/// Plays at least `options.operations` calls against the engine. `subject` should be a fresh one: its places are told apart by the seed and the
/// number of the sequence, and each must be empty.
///
/// # Errors
/// The first difference, made small.
pub async fn run(subject: &dyn Subject, options: ModelOptions) -> Result<ModelReport, Box<ModelFailure>> {
    let mut report = ModelReport { seed: options.seed, operations: 0, sequences: 0, counts: Counts::default() };
    while report.operations < options.operations {
        let number = report.sequences;
        let failure = |calls: Vec<Call>, parting: Parting, original: usize, attempts: u64| {
            Box::new(ModelFailure {
                engine: subject.name(),
                seed: options.seed,
                sequence: number,
                original,
                calls,
                agreed: parting.at,
                difference: parting.text,
                attempts,
            })
        };
        let trees = match strategy::sequence(options.seed, number, options.sequence.max(1)) {
            Ok(trees) => trees,
            Err(reason) => return Err(failure(Vec::new(), Parting { at: 0, text: format!("no sequence could be made: {reason}") }, 0, 0)),
        };
        let calls: Vec<Call> = trees.iter().map(ValueTree::current).collect();
        let label = format!("model-{:016x}-{number}", options.seed);
        let place = match subject.place(&label).await {
            Ok(place) => place,
            Err(error) => return Err(failure(Vec::new(), Parting { at: 0, text: format!("there is no place: {error}") }, calls.len(), 0)),
        };
        if let Err(parting) = player::play(&*place, &calls, options.pace(), &mut report.counts).await {
            let shrunk = shrink::shrink(subject, &label, trees, parting, options.pace(), options.attempts).await;
            return Err(failure(shrunk.calls, shrunk.parting, calls.len(), shrunk.attempts));
        }
        let total = report.counts.total();
        report.operations = total.answered + total.refused;
        report.sequences += 1;
    }
    Ok(report)
}

//! Replays a workload with a power cut before every operation.

use std::fmt;

use super::{Operation, Outcome, Rng, SimDisk};

/// Cuts a workload at every operation, and has every outcome checked.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    seed: u64,
    random_outcomes: u32,
    position: Option<usize>,
}

/// What a sweep went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survey {
    /// How many operations the whole workload has.
    pub operations: u64,
    /// How many cut positions there were: one before each operation, and one behind the last.
    pub positions: u64,
    /// How many states were checked.
    pub states: u64,
}

/// What the power can be cut of at every operation: a [`SimDisk`], or something else that is stored on.
pub trait Medium {
    /// Which of the states that a cut may leave.
    type Outcome: Copy + fmt::Debug + fmt::Display;
    /// An operation that can be cut.
    type Operation: fmt::Debug + fmt::Display;

    /// Every operation so far, oldest first.
    fn log(&self) -> Vec<Self::Operation>;

    /// How many there are.
    fn operations(&self) -> usize;

    /// Turns the power off before operation number `operation`, counted from 0 over the whole log.
    fn stop_before(&self, operation: usize);

    /// The outcomes to check of a cut now: the extremes, and a random one for each seed.
    fn outcomes(&self, seeds: &[u64]) -> Vec<Self::Outcome>;

    /// The medium as it may be found after a power cut now.
    #[must_use]
    fn cut(&self, outcome: Self::Outcome) -> Self;
}

impl Medium for SimDisk {
    type Outcome = Outcome;
    type Operation = Operation;

    fn log(&self) -> Vec<Operation> {
        self.log()
    }

    fn operations(&self) -> usize {
        self.operations()
    }

    fn stop_before(&self, operation: usize) {
        self.stop_before(operation);
    }

    fn outcomes(&self, seeds: &[u64]) -> Vec<Outcome> {
        Outcome::EXTREMES.into_iter().chain(seeds.iter().map(|seed| Outcome::Random(*seed))).collect()
    }

    fn cut(&self, outcome: Outcome) -> Self {
        self.cut(outcome)
    }
}

/// A state that the check refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure<O = Outcome, P = Operation> {
    /// The seed of the sweep, [`Sweep::new`].
    pub seed: u64,
    /// The operation before which the power went off, [`Sweep::at`].
    pub position: usize,
    /// What the cut left.
    pub outcome: O,
    /// What the check said.
    pub reason: String,
    /// The operations before the cut.
    pub log: Vec<P>,
}

impl Sweep {
    /// Over all extremes, and eight random outcomes for each position.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, random_outcomes: 8, position: None }
    }

    /// With as many random outcomes for each position.
    #[must_use]
    pub const fn random_outcomes(mut self, count: u32) -> Self {
        self.random_outcomes = count;
        self
    }

    /// At one position only: repeats a [`Failure`].
    #[must_use]
    pub const fn at(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }

    /// Plays `workload` on a fresh medium from `prepare`, as often as it has operations, and checks what each cut leaves.
    ///
    /// The workload goes on until it is done or the power is off, and returns what it knows of what has to be there. It must do the same on
    /// every replay. A fresh medium may hold something and may have settings; what was logged before the workload is not cut.
    ///
    /// # Errors
    /// The first state that `check` refuses.
    pub fn run<M: Medium, W, E: fmt::Display>(
        &self,
        prepare: impl Fn() -> M,
        mut workload: impl FnMut(&M) -> W,
        mut check: impl FnMut(&M, &W) -> Result<(), E>,
    ) -> Result<Survey, Failure<M::Outcome, M::Operation>> {
        let medium = prepare();
        let first = medium.operations();
        workload(&medium);
        let last = medium.operations();

        let mut survey = Survey { operations: (last - first) as u64, ..Survey::default() };
        for position in (first..=last).filter(|at| self.position.is_none_or(|only| only == *at)) {
            let medium = prepare();
            medium.stop_before(position);
            let known = workload(&medium);
            survey.positions += 1;
            let mut rng = Rng::new(self.seed ^ (position as u64).rotate_left(32));
            let seeds: Vec<u64> = (0..self.random_outcomes).map(|_| rng.bits()).collect();
            for outcome in medium.outcomes(&seeds) {
                survey.states += 1;
                check(&medium.cut(outcome), &known).map_err(|reason| Failure {
                    seed: self.seed,
                    position,
                    outcome,
                    reason: reason.to_string(),
                    log: medium.log(),
                })?;
            }
        }
        Ok(survey)
    }
}

impl std::ops::AddAssign for Survey {
    fn add_assign(&mut self, other: Self) {
        self.operations += other.operations;
        self.positions += other.positions;
        self.states += other.states;
    }
}

impl<O: fmt::Display, P: fmt::Display> fmt::Display for Failure<O, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 24;
        writeln!(f, "{}", self.reason)?;
        writeln!(f, "seed {:#x}, power off before operation {}, {}", self.seed, self.position, self.outcome)?;
        writeln!(f, "the last operations:")?;
        let skipped = self.log.len().saturating_sub(SHOWN);
        for (number, operation) in self.log.iter().enumerate().skip(skipped) {
            writeln!(f, "{number:5} {operation}")?;
        }
        Ok(())
    }
}

impl<O: fmt::Debug + fmt::Display, P: fmt::Debug + fmt::Display> std::error::Error for Failure<O, P> {}

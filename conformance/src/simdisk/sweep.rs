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

/// A state that the check refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The seed of the sweep, [`Sweep::new`].
    pub seed: u64,
    /// The operation before which the power went off, [`Sweep::at`].
    pub position: usize,
    /// What the cut left.
    pub outcome: Outcome,
    /// What the check said.
    pub reason: String,
    /// The operations before the cut.
    pub log: Vec<Operation>,
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

    /// Plays `workload` on a fresh disk from `prepare`, as often as it has operations, and checks what each cut leaves.
    ///
    /// The workload goes on until it is done or the power is off, and returns what it knows of what has to be there. It must do the same on
    /// every replay. A fresh disk may hold something and may have settings; what was logged before the workload is not cut.
    ///
    /// # Errors
    /// The first state that `check` refuses.
    pub fn run<W, E: fmt::Display>(
        &self,
        prepare: impl Fn() -> SimDisk,
        mut workload: impl FnMut(&SimDisk) -> W,
        mut check: impl FnMut(&SimDisk, &W) -> Result<(), E>,
    ) -> Result<Survey, Failure> {
        let disk = prepare();
        let first = disk.operations();
        workload(&disk);
        let last = disk.operations();

        let mut survey = Survey { operations: (last - first) as u64, ..Survey::default() };
        for position in (first..=last).filter(|at| self.position.is_none_or(|only| only == *at)) {
            let disk = prepare();
            disk.stop_before(position);
            let known = workload(&disk);
            survey.positions += 1;
            let mut rng = Rng::new(self.seed ^ (position as u64).rotate_left(32));
            let random = (0..self.random_outcomes).map(|_| Outcome::Random(rng.bits()));
            for outcome in Outcome::EXTREMES.into_iter().chain(random) {
                survey.states += 1;
                check(&disk.cut(outcome), &known).map_err(|reason| Failure {
                    seed: self.seed,
                    position,
                    outcome,
                    reason: reason.to_string(),
                    log: disk.log(),
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

impl fmt::Display for Failure {
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

impl std::error::Error for Failure {}

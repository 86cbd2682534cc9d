//! What a kill loop found.

use std::fmt;

use serde::Serialize;

/// What the child was doing when it died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// A sync of a file or of everything.
    Sync,
    /// `write_at`, `set_len` or a whole-file `write`.
    Write,
    /// A rename of a file or of a directory.
    Rename,
    /// A removal of a file or of a directory.
    Remove,
    /// The creation of a file or of a directory.
    Create,
    /// Nothing: one operation had ended, the next had not begun.
    Between,
}

impl Phase {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 6] = [Self::Sync, Self::Write, Self::Rename, Self::Remove, Self::Create, Self::Between];

    /// The phase in one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Write => "write",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Create => "create",
            Self::Between => "between",
        }
    }
}

/// How many kills hit which phase, as the child's announcements show it: an operation that had begun and not ended was hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PhaseCounts {
    /// Inside a sync.
    pub sync: u32,
    /// Inside a write.
    pub write: u32,
    /// Inside a rename.
    pub rename: u32,
    /// Inside a removal.
    pub remove: u32,
    /// Inside a creation.
    pub create: u32,
    /// Between two operations.
    pub between: u32,
}

impl PhaseCounts {
    /// The count of one phase.
    #[must_use]
    pub const fn of(&self, phase: Phase) -> u32 {
        match phase {
            Phase::Sync => self.sync,
            Phase::Write => self.write,
            Phase::Rename => self.rename,
            Phase::Remove => self.remove,
            Phase::Create => self.create,
            Phase::Between => self.between,
        }
    }

    pub(super) const fn add(&mut self, phase: Phase) {
        let count = match phase {
            Phase::Sync => &mut self.sync,
            Phase::Write => &mut self.write,
            Phase::Rename => &mut self.rename,
            Phase::Remove => &mut self.remove,
            Phase::Create => &mut self.create,
            Phase::Between => &mut self.between,
        };
        *count += 1;
    }
}

/// A promise that was broken.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KillViolation {
    /// After which kill it was seen; the first one is 1, and 0 is before any.
    pub kill: u32,
    /// What was under way.
    pub phase: Phase,
    /// The contract line; none if an operation failed that had to succeed, or the engine crashed. The loop ends then.
    pub line: Option<u8>,
    /// What was promised and what was found, with the last operations.
    pub text: String,
    /// The seed of the load.
    pub seed: u64,
}

impl fmt::Display for KillViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kill {} (seed {}, {}): ", self.kill, self.seed, self.phase.as_str())?;
        if let Some(line) = self.line {
            write!(f, "contract line {line}: ")?;
        }
        f.write_str(&self.text)
    }
}

/// A run of a kill loop.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct KillReport {
    /// The seed that repeats its load. When exactly a kill hits is for the machine to say.
    pub seed: u64,
    /// How many children were killed.
    pub kills: u32,
    /// What the kills hit.
    pub by_phase: PhaseCounts,
    /// How many locations, each fresh at first, were used one after the other.
    pub locations: u32,
    /// Operations that returned before their child was killed, or in one that lives on without what was killed.
    pub acknowledged: u64,
    /// Syncs among them.
    pub syncs: u64,
    /// Bytes of files read back after the kills and compared.
    pub bytes_compared: u64,
    /// How long it took.
    pub seconds: f64,
    /// Promises that were broken; at most one for each kill.
    pub violations: Vec<KillViolation>,
}

impl KillReport {
    /// How many of 100 kills hit the inside of this phase.
    #[must_use]
    pub fn percent(&self, phase: Phase) -> f64 {
        f64::from(self.by_phase.of(phase)) * 100.0 / f64::from(self.kills.max(1))
    }
}

impl fmt::Display for KillReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} kills in {:.1} s over {} locations, seed {}", self.kills, self.seconds, self.locations, self.seed)?;
        for phase in Phase::ALL {
            writeln!(f, "  {:<8} {:>5}  {:>5.1} %", phase.as_str(), self.by_phase.of(phase), self.percent(phase))?;
        }
        writeln!(
            f,
            "  {} operations acknowledged, {} of them syncs; {} bytes compared",
            self.acknowledged, self.syncs, self.bytes_compared
        )?;
        write!(f, "  {} violations", self.violations.len())?;
        for violation in &self.violations {
            write!(f, "\n  {violation}")?;
        }
        Ok(())
    }
}

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_conformance::simdisk::Medium;

use super::outcome::Outcome;
use super::state::{Power, Records, State};
use super::store::SimStore;
use crate::store::{Batch, Commit, KvEntry};

/// What a simulated store is stored on. Clones are the same medium.
#[derive(Clone, Debug)]
pub struct SimMedium {
    state: Arc<Mutex<State>>,
}

/// A commit that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimCommit {
    /// How many were made before it.
    pub number: usize,
    /// As it was asked for.
    pub durability: Commit,
    /// How many puts and deletions it has.
    pub changes: usize,
    /// The bytes of its keys and values.
    pub bytes: usize,
}

/// How a commit fails on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// [`ErrorKind::NoSpace`]: nothing of it is made.
    NoSpace,
    /// [`ErrorKind::Io`]: readers do not see it, and a power cut may find it.
    Lost,
    /// [`ErrorKind::Io`]: readers see it, and a power cut may lose it.
    Made,
}

impl Default for SimMedium {
    fn default() -> Self {
        Self::new()
    }
}

impl SimMedium {
    /// Empty, without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::holding([])
    }

    /// With these records, all durable.
    #[must_use]
    pub fn holding(records: impl IntoIterator<Item = KvEntry>) -> Self {
        let mut durable = Records::default();
        for (key, value) in records {
            durable.set(&key, Some(&value));
        }
        Self::with_state(State::new(durable, u64::MAX))
    }

    fn with_state(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Opens the store on it.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) until the store opened before is closed or dropped.
    pub fn open(&self) -> Result<SimStore> {
        if std::mem::replace(&mut self.state().held, true) {
            return Err(Error::new(ErrorKind::Locked, Operation::OpenLocation));
        }
        Ok(SimStore::new(self.clone()))
    }

    /// The medium as it may be found after a power cut now: everything on it is durable, nobody holds it, its log is empty, and of the
    /// settings below it has the limit alone. This one stays as it is.
    #[must_use]
    pub fn cut(&self, outcome: Outcome) -> Self {
        let state = self.state();
        let mut durable = state.durable.clone();
        outcome.apply(&mut durable, &state.relaxed, state.under_way.as_ref());
        Self::with_state(State::new(durable, state.limit))
    }

    /// How many commits a cut may lose: those since the last durable one, and a relaxed one that was under way.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        let state = self.state();
        state.relaxed.len() + usize::from(matches!(state.under_way, Some((_, Commit::Relaxed))))
    }

    /// Turns the power off before commit number `commit`, counted from 0 over the whole log: it and every later call, reads too, fail
    /// and do nothing.
    pub fn stop_before(&self, commit: usize) {
        self.state().power = Power::OffBefore(commit);
    }

    /// Whether a commit was refused because the power is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.state().power == Power::Off
    }

    /// From now on every commit of which `rule` is true is relaxed, whatever was asked for: a protocol without that durable commit.
    pub fn relax(&self, rule: impl Fn(&SimCommit, &Batch) -> bool + Send + Sync + 'static) {
        self.state().relax = Some(Box::new(rule));
    }

    /// From now on commits fail as `rule` says.
    pub fn fail(&self, rule: impl Fn(&SimCommit, &Batch) -> Option<Fault> + Send + Sync + 'static) {
        self.state().fail = Some(Box::new(rule));
    }

    /// How many bytes of keys and values it can hold. A commit that would take it beyond is refused, unless it makes less of them.
    pub fn set_limit(&self, bytes: u64) {
        self.state().limit = bytes;
    }

    /// Whether every call has to wait: none is then ready when first polled.
    pub fn set_waiting(&self, yes: bool) {
        self.state().waiting = yes;
    }

    /// Every commit that was made, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<SimCommit> {
        self.state().log.clone()
    }

    /// How many commits were made.
    #[must_use]
    pub fn commits(&self) -> usize {
        self.state().log.len()
    }

    /// Whether a commit was asked for that has not ended.
    #[must_use]
    pub fn is_committing(&self) -> bool {
        self.state().committing
    }

    /// How many values were asked for by `get`.
    #[must_use]
    pub fn gets(&self) -> u64 {
        self.state().gets
    }

    /// How many scans there were.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.state().scans
    }

    /// How many entries scans have brought.
    #[must_use]
    pub fn scanned(&self) -> u64 {
        self.state().scanned
    }

    /// Every record as readers see it.
    #[must_use]
    pub fn records(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.state().current.map.clone()
    }

    /// Gives a key this value, or removes it, durably and beside all commits: damage.
    pub fn set(&self, key: &[u8], value: Option<&[u8]>) {
        let mut state = self.state();
        state.durable.set(key, value);
        state.current.set(key, value);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Medium for SimMedium {
    type Outcome = Outcome;
    type Operation = SimCommit;

    fn log(&self) -> Vec<SimCommit> {
        self.log()
    }

    fn operations(&self) -> usize {
        self.commits()
    }

    fn stop_before(&self, commit: usize) {
        self.stop_before(commit);
    }

    fn outcomes(&self, seeds: &[u64]) -> Vec<Outcome> {
        let random = seeds.iter().map(|seed| Outcome::Random(*seed));
        Outcome::extremes(self.unsettled()).into_iter().chain(random).collect()
    }

    fn cut(&self, outcome: Outcome) -> Self {
        self.cut(outcome)
    }
}

impl fmt::Display for SimCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {} changes, {} bytes", self.number, self.durability, self.changes, self.bytes)
    }
}

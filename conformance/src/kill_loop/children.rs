//! The kill loop over child processes of this one.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use anystorage_api::{Result, StorageBackend, StoragePath};
use futures_lite::future::block_on;

use super::killer::{Ended, Found, Killer, Lost, Play, Target, look};
use super::line::Line;
use super::report::KillReport;
use super::run::KillPlan;
use super::victim::{Victim, Waiting};
use crate::case::Broken;
use crate::process::wire::Request;
use crate::process::{Opener, Processes};

/// A kill loop over child processes, to be [run](Self::run).
#[derive(Clone)]
pub struct KillLoop {
    children: Children,
    plan: KillPlan,
}

#[derive(Clone)]
struct Children {
    processes: Processes,
    open: Opener,
}

impl KillLoop {
    /// 200 kills, seed 0, a fresh location after every 20. `processes` starts the children; `open` opens an address in this process, as the
    /// children do it in theirs.
    #[must_use]
    pub fn new<O, F>(processes: Processes, open: O) -> Self
    where
        O: Fn(String) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Box<dyn StorageBackend>>> + Send + 'static,
    {
        let open: Opener = Arc::new(move |address| Box::pin(open(address)));
        Self { children: Children { processes, open }, plan: KillPlan::new() }
    }

    /// The seed of the load.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.plan = self.plan.seed(seed);
        self
    }

    /// How many children are killed.
    #[must_use]
    pub const fn kills(mut self, kills: u32) -> Self {
        self.plan = self.plan.kills(kills);
        self
    }

    /// See [`KillPlan::kills_per_location`].
    #[must_use]
    pub const fn kills_per_location(mut self, kills: u32) -> Self {
        self.plan = self.plan.kills_per_location(kills);
        self
    }

    /// See [`KillPlan::until_violation`].
    #[must_use]
    pub const fn until_violation(mut self) -> Self {
        self.plan = self.plan.until_violation();
        self
    }

    /// See [`KillPlan::run`].
    ///
    /// # Errors
    /// As there.
    pub fn run(&self, location: impl FnMut(u32) -> String) -> Result<KillReport, Broken> {
        self.plan.run(&mut self.children.clone(), location)
    }
}

impl Killer for Children {
    fn look(&mut self, address: &str, leftover: Option<&StoragePath>) -> Result<Found, Lost> {
        block_on(look((self.open)(address.to_owned()), leftover))
    }

    fn kill(&mut self, play: &Play, target: Target, hear: &mut dyn FnMut(Line) -> Result<(), Broken>) -> Result<Ended, Broken> {
        let mut victim = Victim::start(&self.processes, &Request::Load(play.clone()))?;
        let mut next = play.first;
        let killed = loop {
            // Asleep until the operation before the target has begun.
            let waiting = if next >= target.number { Waiting::Awake } else { Waiting::Asleep };
            let Some(line) = victim.line(waiting)? else {
                break Err(victim.gone());
            };
            if target.is_hit_by(&line) {
                // Before anything else: most operations are over in microseconds.
                let now = Instant::now();
                while now.elapsed() < target.delay {
                    std::hint::spin_loop();
                }
                let killed = victim.kill();
                hear(line)?;
                break killed;
            }
            if let Line::Begin { number, .. } = &line {
                next = number + 1;
            }
            hear(line)?;
        };
        while let Some(line) = victim.line(Waiting::Asleep)? {
            hear(line)?;
        }
        Ok(killed.map_or_else(|broken| Ended::ByItself(broken.to_string()), |()| Ended::Killed))
    }
}

impl fmt::Debug for KillLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KillLoop").field("processes", &self.children.processes).field("plan", &self.plan).finish_non_exhaustive()
    }
}

//! The parent's side: starts a child, kills it, and compares, again and again.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use anystorage_api::{Error, ErrorKind, Result, StorageBackend, StoragePath};
use futures_lite::future::block_on;

use super::aim::Aim;
use super::episode::{End, Ground};
use super::load::{Load, Shape};
use super::report::{KillReport, KillViolation, Phase};
use super::victim::{Line, Victim, Waiting};
use crate::case::Broken;
use crate::durability_model::{Node, Promise, Tree};
use crate::process::wire::Request;
use crate::process::{Opener, Processes};

/// A kill loop, to be [run](Self::run).
#[derive(Clone)]
pub struct KillLoop {
    processes: Processes,
    open: Opener,
    seed: u64,
    kills: u32,
    kills_per_location: u32,
    until_violation: bool,
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
        Self { processes, open, seed: 0, kills: 200, kills_per_location: 20, until_violation: false }
    }

    /// The seed of the load.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many children are killed.
    #[must_use]
    pub const fn kills(mut self, kills: u32) -> Self {
        self.kills = kills;
        self
    }

    /// After how many kills the load moves on to a fresh location; it also does after a broken promise.
    #[must_use]
    pub const fn kills_per_location(mut self, kills: u32) -> Self {
        self.kills_per_location = kills;
        self
    }

    /// Stops at the first broken promise: enough to see that an engine is broken.
    #[must_use]
    pub const fn until_violation(mut self) -> Self {
        self.until_violation = true;
        self
    }

    /// Runs it, on this thread. `location` gives the addresses of empty locations, one for each number from 0 on.
    ///
    /// # Errors
    /// [`Broken`] if the loop itself cannot go on: no child can be started, one hangs, a location is not empty, or the engine declares no
    /// durability. What an engine breaks is in the report, a crash too.
    pub fn run(&self, mut location: impl FnMut(u32) -> String) -> Result<KillReport, Broken> {
        let start = Instant::now();
        let mut report = KillReport { seed: self.seed, ..KillReport::default() };
        let mut aim = Aim::new(self.seed);
        'run: while report.kills < self.kills && (report.violations.is_empty() || !self.until_violation) {
            let mut ground = Ground::fresh(location(report.locations), u64::from(report.locations) << 32);
            report.locations += 1;
            ground.promise = block_on(self.promise(&ground.address))?;
            for _ in 0..self.kills_per_location.max(1) {
                let end = self.kill_once(&ground, &mut aim, &report)?;
                report.acknowledged += end.acknowledged();
                report.syncs += end.acknowledged_syncs();
                let violation = |kill, line, text: String| {
                    let text = format!("{text}\nlast operations:{}", end.story());
                    KillViolation { kill, phase: end.hit, line, text, seed: self.seed }
                };
                if let Some(text) = &end.failure {
                    // Nothing was killed, and a load that fails would go on failing.
                    let text = format!("an operation that must succeed failed: {text}");
                    report.violations.push(violation(report.kills, None, text));
                    break 'run;
                }
                report.kills += 1;
                report.by_phase.add(end.hit);
                match self.find(&ground, &end) {
                    Ok(found) => {
                        report.bytes_compared += bytes_in(&found);
                        ground.first = end.next_number(ground.first);
                        ground.tree = found;
                    }
                    Err((line, text)) => {
                        report.violations.push(violation(report.kills, line, text));
                        break;
                    }
                }
                if report.kills >= self.kills {
                    break;
                }
            }
        }
        report.seconds = start.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Which lines the engine is held to.
    async fn promise(&self, address: &str) -> Result<Promise, Broken> {
        let backend = (self.open)(address.to_owned()).await?;
        let capabilities = backend.capabilities();
        if !capabilities.is_durable() {
            return Err(Broken::NotOffered("durability: there is nothing that a kill could leave".to_owned()));
        }
        if !backend.list(&StoragePath::root(), None, 1).await?.is_empty() {
            return Err(Broken::promise(format!("the location {address} is not empty")));
        }
        backend.close().await?;
        Ok(if capabilities.atomic_sync { Promise::AtomicSync } else { Promise::InPlace })
    }

    /// One child from its start to its death.
    fn kill_once(&self, ground: &Ground, aim: &mut Aim, report: &KillReport) -> Result<End, Broken> {
        let mut load = Load::new(self.seed, ground.first, Shape::of(&ground.tree));
        let target = aim.next(&load, report);
        let request = Request::Load { seed: self.seed, first: ground.first, address: ground.address.clone() };
        let mut victim = Victim::start(&self.processes, &request)?;
        let mut end = End { played: Vec::new(), hit: Phase::Between, failure: None };
        let mut began = Instant::now();
        let killed = loop {
            // Asleep until the operation before the target has begun.
            let close = end.next_number(ground.first) >= target.number;
            let Some(line) = victim.line(if close { Waiting::Awake } else { Waiting::Asleep })? else {
                break Err(victim.gone());
            };
            if matches!(line, Line::Begin { number, .. } if number >= target.number) {
                // Before anything else: most operations are over in microseconds.
                let now = Instant::now();
                while now.elapsed() < target.delay {
                    std::hint::spin_loop();
                }
                let killed = victim.kill();
                end.hear(line, &mut load)?;
                break killed;
            }
            end.hear(line, &mut load)?;
            match end.played.last() {
                Some(last) if last.ended => aim.learn(&last.op, began.elapsed()),
                _ => began = Instant::now(),
            }
        };
        while let Some(line) = victim.line(Waiting::Asleep)? {
            end.hear(line, &mut load)?;
        }
        // A child that ended by itself has told why, or has crashed.
        if let Err(broken) = killed {
            end.failure.get_or_insert(broken.to_string());
        }
        if let Some(last) = end.played.last().filter(|last| !last.ended) {
            end.hit = last.op.phase();
        }
        Ok(end)
    }

    /// What is there after the kill, held against the model; then synced, for the next child to start from.
    fn find(&self, ground: &Ground, end: &End) -> Result<Tree, (Option<u8>, String)> {
        let model = ground.model(self.seed, end).map_err(|text| (None, text))?;
        let failed = |doing: &str, error: &Error| (None, format!("after the kill, {doing} failed: {error}"));
        block_on(async {
            let backend = (self.open)(ground.address.clone()).await.map_err(|error| {
                let line = (error.kind() == ErrorKind::Locked).then_some(7);
                (line, format!("the location cannot be opened after the kill: {error}"))
            })?;
            if let Some(sibling) = end.sibling() {
                match backend.remove_file(&sibling).await {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("removing what a write had left", &error)),
                    _ => {}
                }
            }
            let found = Tree::observe(&*backend).await.map_err(|error| failed("reading everything", &error))?;
            model.check(&found).map_err(|violation| (Some(violation.line), violation.text))?;
            backend.sync().await.map_err(|error| failed("a sync", &error))?;
            backend.close().await.map_err(|error| failed("the close", &error))?;
            Ok(found)
        })
    }
}

impl fmt::Debug for KillLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KillLoop")
            .field("processes", &self.processes)
            .field("seed", &self.seed)
            .field("kills", &self.kills)
            .field("kills_per_location", &self.kills_per_location)
            .field("until_violation", &self.until_violation)
            .finish_non_exhaustive()
    }
}

fn bytes_in(tree: &Tree) -> u64 {
    tree.iter()
        .map(|(_, node)| match node {
            Node::File(bytes) => bytes.len() as u64,
            Node::Directory => 0,
        })
        .sum()
}

//! The kill loop: a child plays a mixed load and is killed by SIGKILL in the middle of it, again and again, and after each kill everything
//! that the contract promises is compared with what is there.
//!
//! The load comes from a seed, so that parent and child know it without a word: files written in place, cut and lengthened, replaced
//! whole, created, renamed, also over others, and removed, directories too, with syncs of a file and of everything between. The child
//! announces the beginning and the end of each operation. The parent picks an operation ahead, kills as soon as that one has begun, and
//! then hears out what was announced until the end: what had begun and not ended is what the kill hit, whatever was aimed at. Then it
//! reaps the child, opens the location at once (contract line 7), reads everything, and holds it against the
//! [durability model](crate::durability_model) (lines 1, 2 and 4, and 3 where `atomic_sync` is declared). The next child goes on from
//! there.
//!
//! A kill does not lose the operating system's page cache. So this proves recovery, and finds what an engine keeps in its own memory or
//! does in the wrong order; that a sync reaches the disk is for a simulated disk to show.
//!
//! ```no_run
//! use anystorage_conformance::kill_loop::{KillLoop, Phase};
//! use anystorage_conformance::process::{Processes, run_child_if_asked};
//! # async fn open_my_engine(_: &str) -> anystorage_api::Result<Box<dyn anystorage_api::StorageBackend>> { unimplemented!() }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     run_child_if_asked(|address| async move { open_my_engine(&address).await });
//!
//!     let kills = KillLoop::new(Processes::this_program()?, |address| async move { open_my_engine(&address).await });
//!     let report = kills.seed(7).kills(200).run(|number| format!("/var/tmp/kill-loop-{number}"))?;
//!     println!("{report}");
//!     assert!(report.violations.is_empty() && report.percent(Phase::Sync) >= 30.0);
//!     Ok(())
//! }
//! ```

mod load;
mod player;
mod random;
mod report;
mod victim;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anystorage_api::{Error, ErrorKind, Result, StorageBackend, StoragePath};
use futures_lite::future::block_on;

use crate::case::Broken;
use crate::durability_model::{Action, DurabilityModel, Node, Promise, Tree};
use crate::process::wire::Request;
use crate::process::{Opener, Processes};
use load::{Load, Op, Shape};
pub(crate) use player::play;
use random::Random;
pub use report::{KillReport, KillViolation, Phase, PhaseCounts};
use victim::{Line, Victim, Waiting};

/// How far ahead an operation to kill is looked for.
const HORIZON: usize = 64;

/// While fewer kills than this share, in percent, have hit a sync, a sync is aimed at.
const SYNC_SHARE: f64 = 42.0;

/// How many [kinds](kind) of operations there are.
const KINDS: usize = 7;

/// How many operations before its death a report tells.
const TOLD: usize = 12;

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
        while report.kills < self.kills && (report.violations.is_empty() || !self.until_violation) {
            let mut ground = Ground::fresh(location(report.locations), u64::from(report.locations) << 32);
            report.locations += 1;
            ground.promise = block_on(self.promise(&ground.address))?;
            for _ in 0..self.kills_per_location.max(1) {
                let end = self.kill_once(&ground, &mut aim, &report)?;
                report.kills += 1;
                report.by_phase.add(end.hit);
                report.acknowledged += end.acknowledged();
                report.syncs += end.played.iter().filter(|played| played.ended && played.op.phase() == Phase::Sync).count() as u64;
                match self.find(&ground, &end) {
                    Ok(found) => {
                        report.bytes_compared += bytes_in(&found);
                        ground.first = end.next_number(ground.first);
                        ground.tree = found;
                    }
                    Err((line, text)) => {
                        let kill = report.kills;
                        let text = format!("{text}\nlast operations:{}", end.story());
                        report.violations.push(KillViolation { kill, phase: end.hit, line, text, seed: self.seed });
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
        loop {
            // Asleep until the operation before the target has begun.
            let close = end.next_number(ground.first) >= target.number;
            let Some(line) = victim.line(if close { Waiting::Awake } else { Waiting::Asleep })? else {
                end.failure = Some(victim.gone().to_string());
                break;
            };
            let is_target = matches!(line, Line::Begin { number, .. } if number >= target.number);
            if is_target {
                // Before anything else: most operations are over in microseconds.
                let now = Instant::now();
                while now.elapsed() < target.delay {
                    std::hint::spin_loop();
                }
                victim.kill()?;
            }
            end.hear(line, &mut load)?;
            match end.played.last() {
                _ if is_target => break,
                _ if end.failure.is_some() => {
                    // It may have ended by itself by now.
                    let _ = victim.kill();
                    break;
                }
                Some(last) if last.ended => aim.learn(&last.op, began.elapsed()),
                _ => began = Instant::now(),
            }
        }
        while let Some(line) = victim.line(Waiting::Asleep)? {
            end.hear(line, &mut load)?;
        }
        if let Some(last) = end.played.last().filter(|last| !last.ended) {
            end.hit = last.op.phase();
        }
        Ok(end)
    }

    /// What is there after the kill, held against the model; then synced, for the next child to start from.
    fn find(&self, ground: &Ground, end: &End) -> Result<Tree, (Option<u8>, String)> {
        if let Some(text) = &end.failure {
            return Err((None, format!("an operation that must succeed failed: {text}")));
        }
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

/// A location, and what is known to be durable there.
struct Ground {
    address: String,
    tree: Tree,
    first: u64,
    promise: Promise,
}

impl Ground {
    const fn fresh(address: String, first: u64) -> Self {
        Self { address, tree: Tree::new(), first, promise: Promise::InPlace }
    }

    /// What may be there after this end.
    fn model(&self, seed: u64, end: &End) -> Result<DurabilityModel, String> {
        let mut model = DurabilityModel::holding(self.promise, &self.tree);
        for played in &end.played {
            let data = played.op.data(seed, played.number);
            let lost = || format!("the model has no file for operation {}, {:?}", played.number, played.op);
            let file = |path: &StoragePath| model.file_at(path).ok_or_else(lost);
            let action = match &played.op {
                Op::Create { path } => Action::Create { path },
                Op::WriteAt { path, offset, .. } => Action::WriteAt { file: file(path)?, offset: *offset, data: &data },
                Op::SetLen { path, len } => Action::SetLen { file: file(path)?, len: *len },
                Op::SyncFile { path } => Action::SyncFile { file: file(path)? },
                Op::Replace { path, .. } => Action::Replace { path, data: &data },
                Op::CreateDir { path } => Action::CreateDir { path },
                Op::RemoveFile { path } => Action::RemoveFile { path },
                Op::RemoveDir { path } => Action::RemoveDir { path },
                Op::Rename { from, to } => Action::Rename { from, to },
                Op::Sync => Action::Sync,
            };
            let ticket = model.begin(&action).map_err(|refused| format!("operation {}, {:?}: {refused}", played.number, played.op))?;
            if played.ended {
                model.returned(ticket);
            }
        }
        Ok(model)
    }
}

/// An operation that the child has begun.
#[derive(Debug)]
struct Played {
    number: u64,
    op: Op,
    ended: bool,
}

/// How a child ended.
#[derive(Debug)]
struct End {
    played: Vec<Played>,
    hit: Phase,
    failure: Option<String>,
}

impl End {
    /// Takes an announcement in, which must be the one that the load expects.
    fn hear(&mut self, line: Line, load: &mut Load) -> Result<(), Broken> {
        match line {
            Line::Begin { number, digest } => {
                let (expected, op) = load.next();
                if (number, digest) != (expected, op.digest()) {
                    return Err(Broken::promise(format!(
                        "the child began another operation than number {expected}, {op:?}: number {number}"
                    )));
                }
                self.played.push(Played { number, op, ended: false });
            }
            Line::End { number } => match self.played.last_mut().filter(|last| last.number == number && !last.ended) {
                Some(last) => last.ended = true,
                None => return Err(Broken::promise(format!("the child ended operation {number}, which was not under way"))),
            },
            Line::Failed { text } => self.failure = Some(text),
        }
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.played.iter().filter(|played| played.ended).count() as u64
    }

    fn next_number(&self, first: u64) -> u64 {
        self.played.last().map_or(first, |last| last.number + 1)
    }

    /// What an engine without a write of its own may leave beside a file that was being replaced.
    fn sibling(&self) -> Option<StoragePath> {
        let Played { op: Op::Replace { path, .. }, ended: false, .. } = self.played.last()? else { return None };
        path.parent()?.join(&format!(".{}.anystorage-write", path.file_name()?)).ok()
    }

    fn story(&self) -> String {
        let told = self.played.len().saturating_sub(TOLD);
        let lines = self.played.iter().skip(told).map(|played| {
            let end = if played.ended { "" } else { " (killed)" };
            format!("\n    {} {:?}{end}", played.number, played.op)
        });
        lines.collect()
    }
}

/// Which operation of a child the kill is meant for, and how long after its beginning.
#[derive(Clone, Copy, Debug)]
struct Target {
    number: u64,
    delay: Duration,
}

/// Picks targets, and learns how long operations take.
#[derive(Debug)]
struct Aim {
    random: Random,
    /// The usual duration of each [`kind`].
    usual: [Duration; KINDS],
}

impl Aim {
    fn new(seed: u64) -> Self {
        Self { random: Random::new(seed, u64::MAX), usual: [Duration::ZERO; KINDS] }
    }

    fn next(&mut self, load: &Load, report: &KillReport) -> Target {
        let short_of_syncs = report.percent(Phase::Sync) < SYNC_SHARE;
        let phase = match self.random.below(100) {
            _ if short_of_syncs => Phase::Sync,
            0..40 => Phase::Write,
            40..62 => Phase::Rename,
            62..84 => Phase::Remove,
            84..94 => Phase::Create,
            _ => Phase::Sync,
        };
        let mut ahead = load.clone();
        let operations: Vec<(u64, Op)> = std::iter::repeat_with(|| ahead.next()).take(HORIZON).collect();
        let fitting: Vec<&(u64, Op)> = operations.iter().filter(|(_, op)| op.phase() == phase && kind(op).is_some()).take(6).collect();
        let target = self.random.one_of(fitting.iter().copied()).or_else(|| operations.last());
        let usual = target.and_then(|(_, op)| self.usual.get(kind(op)?)).copied().unwrap_or_default();
        let nanoseconds = u64::try_from(usual.as_nanos()).unwrap_or(u64::MAX);
        Target { number: target.map_or(0, |(number, _)| *number), delay: Duration::from_nanos(self.random.below(nanoseconds)) }
    }

    /// A running mean, which forgets.
    fn learn(&mut self, op: &Op, took: Duration) {
        if let Some(mean) = kind(op).and_then(|kind| self.usual.get_mut(kind)) {
            *mean = (*mean * 7 + took) / 8;
        }
    }
}

/// The kind of an operation, of which all take about as long; none for those of which some are over at once.
const fn kind(op: &Op) -> Option<usize> {
    match op {
        Op::SyncFile { .. } => Some(0),
        Op::Sync => Some(1),
        Op::Replace { .. } => Some(2),
        Op::WriteAt { len, .. } if *len >= 64 << 10 => Some(3),
        Op::WriteAt { .. } | Op::SetLen { .. } => None,
        Op::Rename { .. } => Some(4),
        Op::RemoveFile { .. } | Op::RemoveDir { .. } => Some(5),
        Op::Create { .. } | Op::CreateDir { .. } => Some(6),
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

//! The loop: has the load played, its player killed, and compares, again and again.

use std::time::Instant;

use super::aim::Aim;
use super::episode::{End, Ground};
use super::killer::{Ended, Killer, Lost, Play};
use super::line::Line;
use super::load::{Load, Shape};
use super::report::{KillReport, KillViolation, Phase};
use crate::case::Broken;
use crate::durability_model::{Node, Promise, Tree};

/// How often is killed, and where.
#[derive(Clone, Copy, Debug)]
pub struct KillPlan {
    seed: u64,
    kills: u32,
    kills_per_location: u32,
    until_violation: bool,
}

impl Default for KillPlan {
    fn default() -> Self {
        Self { seed: 0, kills: 200, kills_per_location: 20, until_violation: false }
    }
}

impl KillPlan {
    /// 200 kills, seed 0, a fresh location after every 20.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The seed of the load.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many players are killed.
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
    /// [`Broken`] if the loop itself cannot go on: no player can be started, one hangs, a location is not empty, or the engine declares no
    /// durability. What an engine breaks is in the report, a crash too.
    pub fn run(&self, killer: &mut dyn Killer, mut location: impl FnMut(u32) -> String) -> Result<KillReport, Broken> {
        let start = Instant::now();
        let mut report = KillReport { seed: self.seed, ..KillReport::default() };
        let mut aim = Aim::new(self.seed);
        'run: while report.kills < self.kills && (report.violations.is_empty() || !self.until_violation) {
            let mut ground = Ground::fresh(location(report.locations), u64::from(report.locations) << 32);
            report.locations += 1;
            (ground.promise, ground.moves_directories) = promise(killer, &ground.address)?;
            for _ in 0..self.kills_per_location.max(1) {
                let end = self.kill_once(killer, &ground, &mut aim, &report)?;
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
                match self.find(killer, &ground, &end) {
                    Ok(found) => {
                        report.bytes_compared += bytes_in(&found);
                        ground.first = end.next_number(ground.first);
                        ground.tree = found;
                    }
                    Err(Lost { line, text }) => {
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

    /// One player from its start to its death.
    fn kill_once(&self, killer: &mut dyn Killer, ground: &Ground, aim: &mut Aim, report: &KillReport) -> Result<End, Broken> {
        let mut load = Load::new(self.seed, ground.first, Shape::of(&ground.tree)).moving_directories(ground.moves_directories);
        let target = aim.next(&load, report);
        let play =
            Play { seed: self.seed, first: ground.first, address: ground.address.clone(), moves_directories: ground.moves_directories };
        let mut end = End { played: Vec::new(), hit: Phase::Between, failure: None };
        let mut began = Instant::now();
        let mut is_hit = false;
        let killed = killer.kill(&play, target, &mut |line: Line| {
            is_hit |= target.is_hit_by(&line);
            end.hear(line, &mut load)?;
            match end.played.last() {
                // What ends after the kill had more to wait for than usual.
                Some(last) if last.ended && !is_hit => aim.learn(&last.op, began.elapsed()),
                _ => began = Instant::now(),
            }
            Ok(())
        })?;
        let hit = match killed {
            Ended::Killed => end.played.last().filter(|last| !last.ended),
            Ended::KilledDuring(number) => number.and_then(|number| end.played.iter().find(|played| played.number == number)),
            Ended::ByItself(text) => {
                // It has told why, or has crashed.
                end.failure.get_or_insert(text);
                None
            }
        };
        if let Some(hit) = hit {
            end.hit = hit.op.phase();
        }
        Ok(end)
    }

    /// What is there after the kill, held against the model; synced, for the next player to start from.
    fn find(&self, killer: &mut dyn Killer, ground: &Ground, end: &End) -> Result<Tree, Lost> {
        let model = ground.model(self.seed, end).map_err(|text| Lost { line: None, text })?;
        let found = killer
            .look(&ground.address, end.sibling().as_ref())
            .map_err(|lost| Lost { text: format!("after the kill, {}", lost.text), ..lost })?;
        model.check(&found.tree).map_err(|violation| Lost { line: Some(violation.line), text: violation.text })?;
        Ok(found.tree)
    }
}

/// Which lines the engine is held to, at a location that must be empty, and whether it renames directories in one step.
fn promise(killer: &mut dyn Killer, address: &str) -> Result<(Promise, bool), Broken> {
    let found = killer.look(address, None).map_err(|lost| Broken::promise(lost.text))?;
    if !found.capabilities.is_durable() {
        return Err(Broken::NotOffered("durability: there is nothing that a kill could leave".to_owned()));
    }
    if !found.tree.is_empty() {
        return Err(Broken::promise(format!("the location {address} is not empty")));
    }
    let promise = if found.capabilities.atomic_sync { Promise::AtomicSync } else { Promise::InPlace };
    Ok((promise, found.capabilities.atomic_rename_dir))
}

fn bytes_in(tree: &Tree) -> u64 {
    tree.iter()
        .map(|(_, node)| match node {
            Node::File(bytes) => bytes.len() as u64,
            Node::Directory => 0,
        })
        .sum()
}

//! Workers that are ended in the middle of transactions: every acknowledged commit is there, and none is half there.
//!
//! The failure that is feared: the next worker finds a database that does not open or is damaged, or in which an acknowledged commit is
//! missing. `ANYSTORAGE_DATABASE_KILLS` says how often the browser is killed, the page reloaded and the workers terminated; 2 if it is not set.
//! `ANYSTORAGE_SEED` repeats when.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::simdisk::Rng;
use serde_json::{Value, json};

use super::desk::{Desk, Said, Worker};
use super::{LAYOUTS, has_opfs, number, url};
use crate::world::{World, browser};

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Killed,
    Reloaded,
    Terminated,
}

/// A database in which commits go on until it is ended.
#[derive(Debug)]
pub(super) struct Load {
    title: String,
    url: String,
    options: Value,
    /// Those that it had, the present one last.
    workers: Vec<Worker>,
    /// The last commit that was known to be there when this load was looked at.
    acknowledged: u64,
    begun: u64,
    within: u32,
}

impl Load {
    pub(super) const fn new(title: String, url: String, options: Value) -> Self {
        Self { title, url, options, workers: Vec::new(), acknowledged: 0, begun: 0, within: 0 }
    }

    fn all(end: End) -> Vec<Self> {
        let mut loads = Vec::new();
        for layout in LAYOUTS {
            for (database, options) in
                [("sqlite, wal", json!({ "journal": "wal" })), ("sqlite, delete", json!({ "journal": "delete" })), ("redb", json!({}))]
            {
                let title = format!("{layout}, {database}");
                let name = title.replace([',', ' '], "-");
                loads.push(Self::new(title, url(layout, &format!("{name}-{end:?}")), options));
            }
        }
        // Over an engine that has to be waited for, behind a mirror.
        for (database, options) in [
            ("wal", json!({ "journal": "wal", "mirrored": true })),
            ("delete", json!({ "journal": "delete", "mirrored": true })),
            ("delete, ahead", json!({ "journal": "delete", "mirrored": true, "ahead": true })),
        ] {
            let url = format!("idb://mirrored-{}-{end:?}", database.replace([',', ' '], "-"));
            loads.push(Self::new(format!("idb behind a mirror, sqlite, {database}"), url, options));
        }
        loads
    }

    /// What was found has to be what was acknowledged, or one more that was begun.
    fn found(&mut self, found: u64) {
        let promised = self.acknowledged..=self.begun.max(self.acknowledged);
        assert!(promised.contains(&found), "{}: {found} commits are there, and {promised:?} were promised", self.title);
        (self.acknowledged, self.begun) = (found, found);
    }

    fn hear(&mut self, said: &Said) {
        let number = said.what.as_u64().unwrap();
        match said.word.as_str() {
            "found" => self.found(number),
            "begins" => self.begun = number,
            "committed" => self.acknowledged = number,
            word => panic!("{}: {word}", self.title),
        }
    }
}

#[test]
fn a_killed_browser_loses_no_commit() {
    over_opfs(End::Killed);
}

#[test]
fn a_reloaded_page_loses_no_commit() {
    over_opfs(End::Reloaded);
}

#[test]
fn a_terminated_worker_loses_no_commit() {
    over_opfs(End::Terminated);
}

fn over_opfs(end: End) {
    if has_opfs() {
        let within = ended(end, &Desk::new(), Load::all(end));
        assert!(within > 0, "no end came at the right time");
    }
}

/// Ends them as often as is asked for: how many transactions were under way then.
pub(super) fn ended(end: End, desk: &Desk, mut loads: Vec<Load>) -> u32 {
    let seed = std::env::var("ANYSTORAGE_SEED").map_or_else(|_| u64::from(std::process::id()), |text| text.parse().unwrap());
    println!("ANYSTORAGE_SEED={seed} repeats when");
    let mut rng = Rng::new(seed);
    let times = number("ANYSTORAGE_DATABASE_KILLS", 2);
    let mut world = World::new(Storage::Usual);
    for time in 0..times {
        desk.enter(&world);
        play(desk, &world, &mut loads, &mut rng);
        world = match end {
            End::Killed => world.killed_and_started(),
            End::Reloaded => {
                world.session.reload().unwrap();
                world
            }
            End::Terminated => {
                Desk::terminate(&world);
                world
            }
        };
        // What they said until then.
        while let Some(said) = desk.hear_within(Duration::from_millis(200)) {
            hear_late(&mut loads, &said);
        }
        for load in &mut loads {
            load.within += u32::from(load.begun > load.acknowledged);
        }
        // Half of the time what is left is left to the next load, which may be ended as it recovers.
        if time % 2 == 1 || time + 1 == times {
            desk.enter(&world);
            let checks = loads.iter().map(|load| desk.start(&world, "check", &load.url, &load.options));
            let mut looking: BTreeMap<Worker, usize> = checks.zip(0..).collect();
            while !looking.is_empty() {
                let said = desk.hear();
                let Some(at) = looking.remove(&said.worker) else {
                    hear_late(&mut loads, &said);
                    continue;
                };
                assert_eq!(said.word, "done", "{}", loads[at].title);
                loads[at].found(said.what.as_u64().unwrap());
            }
        }
    }
    for load in &loads {
        let Load { title, acknowledged, within, .. } = load;
        println!("{}, {title}: {times} times {end:?}, {within} of them within a transaction; {acknowledged} commits", browser().as_str());
        assert!(*acknowledged > 0, "{title}");
    }
    loads.iter().map(|load| load.within).sum()
}

/// What a worker says that is about to end: one that is blocked may go on for a while, and is heard before the next one can open its location.
fn hear_late(loads: &mut [Load], said: &Said) {
    if let Some(load) = loads.iter_mut().find(|load| load.workers.contains(&said.worker)) {
        load.hear(said);
    }
}

/// Has all of them commit at the same time, until each has, and one of them is in the middle of it.
fn play(desk: &Desk, world: &World, loads: &mut [Load], rng: &mut Rng) {
    let mut playing: BTreeMap<Worker, usize> = BTreeMap::new();
    for (at, load) in loads.iter_mut().enumerate() {
        let worker = desk.start(world, "commit", &load.url, &load.options);
        load.workers.push(worker);
        playing.insert(worker, at);
    }
    let mut waiting: BTreeMap<usize, u64> = (0..loads.len()).map(|at| (at, 1 + rng.below(20))).collect();
    let chosen = usize::try_from(rng.below(loads.len() as u64)).unwrap();
    loop {
        let said = desk.hear();
        let Some(at) = playing.get(&said.worker).copied() else {
            hear_late(loads, &said);
            continue;
        };
        loads[at].hear(&said);
        if said.word == "committed" {
            match waiting.get_mut(&at) {
                Some(0) => drop(waiting.remove(&at)),
                Some(left) => *left -= 1,
                None => {}
            }
        }
        if waiting.is_empty() && at == chosen && said.word == "begins" {
            break;
        }
    }
    sleep(Duration::from_micros(rng.below(4_000)));
}

//! Each protocol by itself: every cut is survived, and every durable commit is needed, because a cut shows it when it is only relaxed.

use anystorage_api::{Error, OpenOptions, StorageBackend, StoragePath};
use anystorage_conformance::durability_model::{Action, DurabilityModel, FileId, Node, Promise, Tree};
use anystorage_conformance::script::{Step, play};
use anystorage_conformance::simdisk::{Failure, Survey, Sweep};
use anystorage_kv::testing::{Outcome, SimCommit, SimMedium};
use anystorage_kv::{Commit, KvBackend, KvOptions};
use futures_lite::future::block_on;

use crate::{check, observe, open, tiny};

/// Whether a fault is caught must not depend on luck.
const RANDOM_OUTCOMES: u32 = 8;
const SEED: u64 = 1;

/// A script after a preparation that is durable.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    before: &'static [Step],
    steps: &'static [Step],
    spills: bool,
    memory: usize,
    /// Files of so many bytes are kept apart.
    small: usize,
}

use Step::{Create, CreateDir, RemoveDir, RemoveFile, Rename, Replace, SetLen, Sync, SyncFile, WriteAt};

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "sync of a new file",
        before: &[],
        steps: &[Create("a"), WriteAt("a", 0, &[1; 300]), SyncFile("a")],
        spills: false,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "sync of a new file in directories that are new",
        before: &[],
        steps: &[CreateDir("d"), CreateDir("d/e"), Create("d/e/a"), WriteAt("d/e/a", 0, &[1; 300]), SyncFile("d/e/a")],
        spills: false,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "sync of a file written over",
        before: &[Replace("a", &[1; 600]), Sync],
        steps: &[WriteAt("a", 100, &[2; 300]), SyncFile("a")],
        spills: false,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "sync of a large file, spilled",
        before: &[Replace("a", &[1; 600]), Sync],
        steps: &[WriteAt("a", 100, &[2; 3000]), WriteAt("a", 2000, &[3; 3000]), SyncFile("a")],
        spills: true,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "write of a large file over another one, spilled, then a sync of the backend",
        before: &[Replace("a", &[1; 6000]), Sync],
        steps: &[Replace("a", &[2; 5000]), Sync],
        spills: true,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "sync of the backend with many files, spilled",
        before: &[CreateDir("d"), Sync],
        steps: &[
            Replace("d/a", &[1; 900]),
            Replace("d/b", &[2; 900]),
            Replace("d/c", &[3; 900]),
            Replace("d/e", &[4; 900]),
            Replace("d/f", &[5; 900]),
            Rename("d", "x"),
            Sync,
        ],
        spills: true,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "sync of the backend with more names than fit",
        before: &[],
        steps: &[
            CreateDir("a directory with a long name 1"),
            CreateDir("a directory with a long name 2"),
            CreateDir("a directory with a long name 3"),
            CreateDir("a directory with a long name 4"),
            CreateDir("a directory with a long name 5"),
            CreateDir("a directory with a long name 6"),
            CreateDir("a directory with a long name 7"),
            CreateDir("a directory with a long name 8"),
            CreateDir("a directory with a long name 9"),
            CreateDir("a directory with a long name 10"),
            CreateDir("a directory with a long name 11"),
            CreateDir("a directory with a long name 12"),
            CreateDir("a directory with a long name 13"),
            CreateDir("a directory with a long name 14"),
            CreateDir("a directory with a long name 15"),
            CreateDir("a directory with a long name 16"),
            Create("a directory with a long name 7/file"),
            Rename("a directory with a long name 7", "a directory with a long name 4/moved"),
            RemoveDir("a directory with a long name 9"),
            Sync,
        ],
        spills: true,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "rename over a file, then a sync of the backend",
        before: &[Replace("a", &[1; 700]), Sync],
        steps: &[Create("t"), WriteAt("t", 0, &[2; 500]), Rename("t", "a"), Sync],
        spills: false,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "rename over a file, then a sync of the one that moved",
        before: &[Replace("a", &[1; 700]), Replace("b", &[2; 300]), Sync],
        steps: &[WriteAt("b", 0, &[3; 100]), Rename("b", "a"), SyncFile("a")],
        spills: false,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "removal of a large file",
        before: &[Replace("a", &[1; 9000]), Replace("b", &[2; 300]), Sync],
        steps: &[RemoveFile("a"), Sync, Replace("c", &[3; 300]), Sync],
        spills: false,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "cut of a large file",
        before: &[Replace("a", &[1; 9000]), Sync],
        steps: &[SetLen("a", 700), SyncFile("a"), WriteAt("a", 800, &[2; 300]), SyncFile("a")],
        spills: false,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "spilled and never synced, then another file's sync",
        before: &[Replace("a", &[1; 600]), Sync],
        steps: &[WriteAt("a", 0, &[2; 4000]), Create("b"), WriteAt("b", 0, &[3; 100]), SyncFile("b")],
        spills: true,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "spilled and removed, then a sync of the backend",
        before: &[],
        steps: &[Replace("a", &[1; 4000]), RemoveFile("a"), Replace("b", &[2; 100]), Sync],
        spills: true,
        memory: 1536,
        small: 0,
    },
    Scenario {
        name: "two syncs of the backend, each spilled",
        before: &[],
        steps: &[Replace("a", &[1; 5000]), Sync, Replace("a", &[2; 5000]), Replace("b", &[3; 5000]), Sync],
        spills: true,
        memory: 1536,
        small: 0,
    },
];

const TAIL: &[Step] = &[
    CreateDir("a directory behind the last sync 1"),
    CreateDir("a directory behind the last sync 2"),
    CreateDir("a directory behind the last sync 3"),
    CreateDir("a directory behind the last sync 4"),
    Create("a file behind the last sync"),
    WriteAt("a file behind the last sync", 0, &[0xcc; 2500]),
];

/// More names than one transaction moves to their places, twice: the second half is not synced.
fn many_names() -> Scenario {
    let name = |number: u32| -> &'static str {
        Box::leak(format!("{number:03} a name that is long enough to fill the memory that there is").into_boxed_str())
    };
    let mut steps: Vec<Step> = (0..150).map(|number| CreateDir(name(number))).collect();
    steps.push(Sync);
    steps.extend((150..250).map(|number| CreateDir(name(number))));
    let name = "more names than one commit moves, a sync, and more names";
    Scenario { name, before: &[], steps: Vec::leak(steps), spills: true, memory: 16 << 10, small: 0 }
}

/// Files that are small, and that become so or are so no longer.
const SMALL: &[Scenario] = &[
    Scenario {
        name: "syncs of a small file that is written over",
        before: &[Replace("a", &[1; 60]), Sync],
        steps: &[WriteAt("a", 10, &[2; 30]), SyncFile("a"), Replace("a", &[3; 100]), SyncFile("a")],
        spills: false,
        memory: 1536,
        small: 100,
    },
    Scenario {
        name: "syncs of a small file that grows and is cut again",
        before: &[Replace("a", &[1; 60]), Sync],
        steps: &[
            WriteAt("a", 50, &[2; 300]),
            SyncFile("a"),
            SetLen("a", 20),
            SyncFile("a"),
            SetLen("a", 0),
            WriteAt("a", 0, &[3; 90]),
            SyncFile("a"),
            WriteAt("a", 90, &[4; 20]),
            SyncFile("a"),
        ],
        spills: false,
        memory: 1536,
        small: 100,
    },
    Scenario {
        name: "small files, spilled, that grow before their sync",
        before: &[Replace("a", &[1; 60]), Replace("c", &[1; 300]), Sync],
        steps: &[
            WriteAt("a", 50, &[2; 10]),
            Create("d"),
            WriteAt("d", 0, &[2; 40]),
            SetLen("c", 0),
            WriteAt("c", 0, &[2; 40]),
            Replace("large", &[5; 3000]),
            WriteAt("d", 20, &[3; 90]),
            WriteAt("c", 20, &[3; 90]),
            Replace("large", &[6; 3000]),
            Sync,
        ],
        spills: true,
        memory: 1536,
        small: 100,
    },
    Scenario {
        name: "a small file that was large for a while, spilled",
        before: &[Replace("a", &[1; 60]), Sync],
        steps: &[
            WriteAt("a", 200, &[2; 300]),
            Replace("large", &[5; 3000]),
            SetLen("a", 60),
            WriteAt("a", 0, &[3; 30]),
            Replace("large", &[6; 3000]),
            SyncFile("a"),
        ],
        spills: true,
        memory: 1536,
        small: 100,
    },
    Scenario {
        name: "small files, spilled as large ones",
        before: &[Replace("a", &[1; 60]), Replace("b", &[1; 60]), Sync],
        steps: &[WriteAt("a", 50, &[4; 90]), WriteAt("b", 50, &[4; 90]), Replace("large", &[7; 3000]), SyncFile("a"), SyncFile("b")],
        spills: true,
        memory: 1536,
        small: 100,
    },
];

fn scenarios() -> Vec<Scenario> {
    SCENARIOS.iter().chain(SMALL).copied().chain([many_names()]).collect()
}

fn image(scenario: &Scenario) -> (SimMedium, DurabilityModel) {
    let options = || scenario.options();
    let medium = SimMedium::new();
    let mut model = DurabilityModel::new(Promise::AtomicSync);
    let backend = open(&medium, &options()).unwrap();
    block_on(play(&backend, &mut model, scenario.before)).unwrap();
    block_on(play(&backend, &mut model, &[Sync])).unwrap();
    drop(backend);
    let medium = medium.cut(Outcome::NothingUnsynced);
    let tree = observe(&medium, &options()).unwrap();
    assert_eq!(tree, model.current(), "{}: the preparation is durable", scenario.name);
    (medium.cut(Outcome::Everything), DurabilityModel::holding(Promise::AtomicSync, &tree))
}

impl Scenario {
    /// A load that spills goes on to spill after its last sync.
    fn all_steps(&self) -> Vec<Step> {
        let tail = if self.spills { TAIL } else { &[] };
        [self.steps, tail].concat()
    }

    fn options(&self) -> KvOptions {
        tiny(128, self.memory).small_contents(self.small)
    }
}

/// What was found goes on to be used: every file is written to, so much that it spills, and synced, and is then as it has to be.
fn go_on(medium: &SimMedium, options: &KvOptions, found: &Tree) -> Result<(), String> {
    let mut model = DurabilityModel::holding(Promise::AtomicSync, found);
    let files: Vec<(StoragePath, FileId)> = model.paths().into_iter().filter_map(|(path, file)| Some((path, file?))).collect();
    let outcome = block_on(async {
        let backend = KvBackend::open(medium.open()?, options.clone()).await?;
        for byte in [0xaa, 0xbb] {
            for (path, file) in &files {
                let data = [byte; 2000];
                model.done(&Action::WriteAt { file: *file, offset: 50, data: &data }).unwrap();
                backend.open(path, &OpenOptions::editing()).await?.write_at(50, &data).await?;
            }
            backend.sync().await?;
        }
        Ok::<(), Error>(())
    });
    outcome.map_err(|error| format!("going on: {error}"))?;
    let medium = medium.cut(Outcome::NothingUnsynced);
    let seen = observe(&medium, options).map_err(|error| format!("after going on: {error}"))?;
    if seen != model.current() {
        return Err("after going on, something else is found than was written".to_owned());
    }
    leaves_nothing(&medium, options, &seen)
}

/// With everything removed, nothing is stored any more.
fn leaves_nothing(medium: &SimMedium, options: &KvOptions, tree: &Tree) -> Result<(), String> {
    let outcome = block_on(async {
        let backend = KvBackend::open(medium.open()?, options.clone()).await?;
        let mut all: Vec<_> = tree.iter().collect();
        all.reverse();
        for (path, node) in all {
            match node {
                Node::Directory => backend.remove_dir(path).await?,
                Node::File(_) => backend.remove_file(path).await?,
            }
        }
        // A sync deletes what is no longer needed, and the next one that has something to publish what said so.
        let last = StoragePath::parse("last")?;
        backend.create_dir(&last).await?;
        backend.sync().await?;
        backend.remove_dir(&last).await?;
        backend.sync().await
    });
    outcome.map_err(|error: Error| format!("removing everything: {error}"))?;
    let left: Vec<Vec<u8>> = medium.records().into_keys().collect();
    // The superblock and the root.
    if left.len() == 2 { Ok(()) } else { Err(format!("with everything removed, {} records are left: {left:02x?}", left.len())) }
}

/// Plays the scenario on a medium; a power cut may end it.
fn run(scenario: &Scenario, medium: &SimMedium, mut model: DurabilityModel) -> DurabilityModel {
    match open(medium, &scenario.options()) {
        Ok(backend) => {
            let played = block_on(play(&backend, &mut model, &scenario.all_steps()));
            assert!(played.is_ok() || medium.is_off(), "{}: {played:?}", scenario.name);
        }
        Err(error) => assert!(medium.is_off(), "{}: {error}", scenario.name),
    }
    model
}

/// Sweeps over a scenario in which one commit is only relaxed.
fn sweep(scenario: &Scenario, relaxed: Option<usize>) -> Result<Survey, Failure<Outcome, SimCommit>> {
    let (image, model) = image(scenario);
    let prepare = || {
        let medium = image.cut(Outcome::Everything);
        medium.relax(move |commit, _| Some(commit.number) == relaxed);
        medium
    };
    let options = scenario.options();
    let check = |medium: &SimMedium, model: &DurabilityModel| {
        let found = check(medium, &options, model)?;
        go_on(medium, &options, &found)
    };
    Sweep::new(SEED).random_outcomes(RANDOM_OUTCOMES).run(prepare, |medium| run(scenario, medium, model.clone()), check)
}

/// A commit of nothing but the superblock.
fn is_reservation(commit: &SimCommit) -> bool {
    commit.changes == 1 && commit.bytes == 26
}

/// The commits of a scenario.
fn commits(scenario: &Scenario) -> Vec<SimCommit> {
    let (medium, model) = image(scenario);
    run(scenario, &medium, model);
    medium.log()
}

#[test]
fn every_protocol_passes_every_cut_and_needs_each_of_its_durable_commits() {
    let mut total = Survey::default();
    let (mut mutants, mut missed, mut reservations) = (0, Vec::new(), 0);
    for scenario in &scenarios() {
        let commits = commits(scenario);
        let relaxed = commits.iter().filter(|commit| commit.durability == Commit::Relaxed).count();
        let survey = sweep(scenario, None).unwrap_or_else(|failure| panic!("{}: {failure}", scenario.name));
        total += survey;
        println!("{}: {} commits, {relaxed} of them relaxed, {} states", scenario.name, survey.operations, survey.states);
        assert!(!scenario.spills || relaxed > 0, "{}: nothing is spilled", scenario.name);
        for commit in commits.iter().filter(|commit| commit.durability == Commit::Durable) {
            mutants += 1;
            match sweep(scenario, Some(commit.number)) {
                Err(failure) => {
                    println!("    {commit}, relaxed: {}", failure.reason.chars().take(160).collect::<String>());
                    reservations += usize::from(is_reservation(commit));
                }
                // It keeps numbers from coming again. If they do, a record of spilled blocks is written over, and they stay for good: that
                // shows only where the numbers meet.
                Ok(_) if is_reservation(commit) => mutants -= 1,
                Ok(survey) => missed.push(format!("{}: {commit}, relaxed, {} states", scenario.name, survey.states)),
            }
        }
    }
    println!("{} states, all kept; {mutants} durable commits made relaxed one by one, {} caught", total.states, mutants - missed.len());
    assert!(missed.is_empty(), "not caught: {missed:#?}");
    assert!(reservations > 1, "reservations of numbers made relaxed: {reservations} caught");
}

/// The block that a small file had as a large one waited to be deleted, and was written anew under the same version.
#[test]
fn a_file_that_grows_again_loses_nothing_to_what_waits_to_be_deleted() {
    let options = tiny(128, 1536).small_contents(100);
    let path = StoragePath::parse("a").unwrap();
    let planted = |stop: Option<usize>| {
        let medium = SimMedium::new();
        let backend = open(&medium, &options).unwrap();
        let mut model = DurabilityModel::new(Promise::AtomicSync);
        let before: &[Step] = &[Replace("a", &[1; 120]), Sync];
        block_on(play(&backend, &mut model, before)).unwrap();
        if let Some(stop) = stop {
            medium.stop_before(stop);
        }
        let steps: &[Step] = &[SetLen("a", 40), WriteAt("a", 0, &[2; 30]), Replace("large", &[5; 3000]), SyncFile("a")];
        let played = block_on(play(&backend, &mut model, steps));
        assert_eq!(played.is_err(), medium.is_off());
        medium
    };
    let commits = planted(None).log().len();
    let (mut small, mut large) = (0, 0);
    for stop in 0..=commits {
        let medium = planted(Some(stop)).cut(Outcome::Returned);
        let backend = open(&medium, &options).unwrap();
        let expected = block_on(async {
            let mut expected = backend.read(&path).await?;
            if expected.len() == 40 {
                small += 1
            } else {
                large += 1
            }
            expected.resize(expected.len().max(110), 7);
            let file = backend.open(&path, &OpenOptions::editing()).await?;
            file.write_at(0, &expected).await?;
            file.sync().await?;
            // What was waiting to be deleted is.
            backend.write(&StoragePath::parse("another")?, &[8; 10]).await?;
            backend.sync().await?;
            Ok::<_, Error>(expected)
        })
        .unwrap();
        drop(backend);
        let backend = open(&medium.cut(Outcome::NothingUnsynced), &options).unwrap();
        assert_eq!(block_on(backend.read(&path)).unwrap(), expected, "power off before commit {stop}");
    }
    assert!(small > 0 && large > 0, "{small} cuts behind the sync, {large} before it");
}

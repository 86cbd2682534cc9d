//! Each fsync of the engine's protocols is needed: every cut passes with all of them, and some cut fails as soon as one is left out.

use anystorage_conformance::durability_model::{DurabilityModel, Promise};
use anystorage_conformance::simdisk::{Call, Failure, Operation, Outcome, SimDisk, Survey, Sweep};
use futures_lite::future::block_on;

use crate::{check, observe, open};
use anystorage_conformance::script::{Step, play};

/// So many random outcomes at each cut, of a fixed seed: whether a left-out fsync is caught must not depend on luck.
const RANDOM_OUTCOMES: u32 = 24;
const SEED: u64 = 1;

/// A script after a preparation that is durable.
struct Scenario {
    name: &'static str,
    before: &'static [Step],
    steps: &'static [Step],
    /// What the engine fsyncs for it: the files and directories, by path, in the order of their names.
    fsyncs: &'static [&'static str],
}

use Step::{Create, CreateDir, RemoveDir, RemoveFile, Rename, Replace, SetLen, Sync, SyncFile, WriteAt};

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "write of a new file, then a sync of the backend",
        before: &[],
        steps: &[Replace("a", &[1; 1200]), Sync],
        fsyncs: &["directory /", "file /TEMPORARY"],
    },
    Scenario {
        name: "write over a file, then a sync of the backend",
        before: &[Replace("a", &[1; 700]), Sync],
        steps: &[Replace("a", &[2; 1200]), Sync],
        fsyncs: &["directory /", "file /TEMPORARY"],
    },
    Scenario {
        name: "write in directories that are new, then a sync of the backend",
        before: &[],
        steps: &[CreateDir("d"), CreateDir("d/e"), Replace("d/e/a", &[1; 700]), Sync],
        fsyncs: &["directory /", "directory /d", "directory /d/e", "file /d/e/TEMPORARY"],
    },
    Scenario {
        name: "sync of a new file in directories that are new",
        before: &[],
        steps: &[CreateDir("d"), CreateDir("d/e"), Create("d/e/a"), WriteAt("d/e/a", 0, &[1; 700]), SyncFile("d/e/a")],
        fsyncs: &["directory /", "directory /d", "directory /d/e", "file /d/e/a"],
    },
    Scenario {
        name: "sync of a file written in place",
        before: &[Replace("a", &[1; 2000]), Sync],
        steps: &[WriteAt("a", 500, &[2; 1000]), SyncFile("a")],
        fsyncs: &["file /a"],
    },
    Scenario {
        name: "sync of a file cut to a length",
        before: &[Replace("a", &[1; 2000]), Sync],
        steps: &[SetLen("a", 700), SyncFile("a")],
        fsyncs: &["file /a"],
    },
    Scenario {
        name: "rename over a file, then a sync of the backend",
        before: &[Replace("a", &[1; 700]), Sync],
        steps: &[Create("t"), WriteAt("t", 0, &[2; 700]), Rename("t", "a"), Sync],
        fsyncs: &["directory /", "file /t"],
    },
    Scenario {
        name: "move of a durable file into a new directory",
        before: &[CreateDir("d"), Replace("d/a", &[1; 700]), Sync],
        steps: &[CreateDir("e"), Rename("d/a", "e/a")],
        fsyncs: &["directory /"],
    },
    Scenario {
        name: "move of a durable directory into a new directory below another one",
        before: &[CreateDir("d"), CreateDir("e"), Replace("d/a", &[1; 700]), Sync],
        steps: &[CreateDir("e/n"), Rename("d", "e/n/d")],
        fsyncs: &["directory /e"],
    },
    Scenario {
        name: "sync of the backend after changes in several places",
        before: &[CreateDir("d"), CreateDir("e"), Replace("d/a", &[1; 700]), Replace("e/a", &[1; 700]), Replace("b", &[1; 9]), Sync],
        steps: &[WriteAt("d/a", 100, &[2; 700]), SetLen("e/a", 20), Create("d/new"), CreateDir("e/new"), Rename("b", "c"), Sync],
        fsyncs: &["directory /", "directory /d", "directory /e", "file /d/a", "file /e/a"],
    },
    Scenario {
        name: "sync of the backend after a removal",
        before: &[CreateDir("d"), Replace("d/a", &[1; 700]), Sync],
        steps: &[RemoveFile("d/a"), Sync],
        fsyncs: &["directory /d"],
    },
    Scenario {
        name: "sync of the backend after the removal of a directory",
        before: &[CreateDir("d"), CreateDir("d/e"), Sync],
        steps: &[RemoveDir("d/e"), Sync],
        fsyncs: &["directory /d"],
    },
    Scenario {
        name: "sync of the backend after the rename of a directory",
        before: &[CreateDir("d"), Replace("d/a", &[1; 700]), Sync],
        steps: &[Rename("d", "e"), Sync],
        fsyncs: &["directory /"],
    },
];

#[test]
fn every_protocol_passes_every_cut_and_needs_each_of_its_fsyncs() {
    let mut total = Survey::default();
    let mut mutants = 0;
    let mut missed = Vec::new();
    for scenario in SCENARIOS {
        let fsyncs = fsyncs(scenario);
        let mut called: Vec<String> = fsyncs.iter().map(described).collect();
        called.sort();
        assert_eq!(called, scenario.fsyncs, "{}", scenario.name);
        let survey = sweep(scenario, None).unwrap_or_else(|failure| panic!("{}: {failure}", scenario.name));
        total += survey;
        println!("{}: {} operations, {} states", scenario.name, survey.operations, survey.states);
        for fsync in called {
            mutants += 1;
            match sweep(scenario, Some(fsync.clone())) {
                Err(failure) => println!("    without fsync of {fsync}: {}", failure.reason),
                Ok(survey) => missed.push(format!("{}: without fsync of {fsync}, {} states", scenario.name, survey.states)),
            }
        }
    }
    println!(
        "{} states with every fsync, all kept; {mutants} fsyncs left out one by one, {} of them caught",
        total.states,
        mutants - missed.len()
    );
    assert!(missed.is_empty(), "not caught: {missed:#?}");
}

/// The order of one `write`: a file that replaces another one is durable before it gets the name, and the name after that.
#[test]
fn a_write_is_flushed_before_its_rename_and_the_directory_after_it() {
    let disk = SimDisk::new();
    let mut model = DurabilityModel::new(Promise::InPlace);
    block_on(play(&open(&disk), &mut model, &[CreateDir("d"), Replace("d/a", b"old"), Sync])).unwrap();
    let before = disk.operations();
    block_on(play(&open(&disk), &mut model, &[Replace("d/a", b"new")])).unwrap();
    let calls: Vec<(Call, String)> = disk.log()[before..].iter().map(|operation| (operation.call, shown(&operation.path))).collect();
    let temporary = "/d/TEMPORARY".to_owned();
    let expected = [Call::Create, Call::SetMode, Call::Write, Call::SyncFile, Call::Rename].map(|call| (call, temporary.clone()));
    assert_eq!(calls, [&expected[..], &[(Call::SyncDir, "/d".to_owned())]].concat());
    assert_eq!(disk.log().iter().rev().find(|operation| operation.call == Call::Rename).unwrap().to, "d/a");
}

fn image(scenario: &Scenario) -> (SimDisk, DurabilityModel) {
    let disk = SimDisk::new();
    let mut model = DurabilityModel::new(Promise::InPlace);
    block_on(play(&open(&disk), &mut model, scenario.before)).unwrap();
    let disk = disk.cut(Outcome::NothingUnsynced);
    let tree = observe(&disk).unwrap();
    assert_eq!(tree, model.current(), "{}: the preparation is durable", scenario.name);
    (disk, DurabilityModel::holding(Promise::InPlace, &tree))
}

/// Sweeps over a scenario in which an fsync does nothing.
fn sweep(scenario: &Scenario, left_out: Option<String>) -> Result<Survey, Failure> {
    let (image, model) = image(scenario);
    let prepare = || {
        let disk = image.cut(Outcome::Everything);
        let left_out = left_out.clone();
        disk.leave_out_syncs(move |call| Some(described(call.operation)) == left_out);
        disk
    };
    let workload = |disk: &SimDisk| {
        let mut model = model.clone();
        let played = block_on(play(&open(disk), &mut model, scenario.steps));
        assert!(played.is_ok() || disk.is_off(), "{}: {played:?}", scenario.name);
        model
    };
    Sweep::new(SEED).random_outcomes(RANDOM_OUTCOMES).run(prepare, workload, check)
}

/// The fsyncs of a scenario. None is called twice for the same thing: a second one would hide that the first is missing.
fn fsyncs(scenario: &Scenario) -> Vec<Operation> {
    let (disk, mut model) = image(scenario);
    block_on(play(&open(&disk), &mut model, scenario.steps)).unwrap();
    disk.log().into_iter().filter(|operation| operation.call.is_sync()).collect()
}

fn described(operation: &Operation) -> String {
    let what = if operation.call == Call::SyncDir { "directory" } else { "file" };
    format!("{what} {}", shown(&operation.path))
}

/// A path without the random part of temporary names.
fn shown(path: &str) -> String {
    let parts = path.split('/').map(|part| if crate::is_temporary(part) { "TEMPORARY" } else { part });
    format!("/{}", parts.collect::<Vec<_>>().join("/"))
}

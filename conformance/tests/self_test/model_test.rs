//! The model test against the engines, at the length of a CI run.

use std::hash::{BuildHasher, Hasher, RandomState};

use anystorage_conformance::model::{self, ModelOptions, ModelReport};
use anystorage_conformance::subject::Subject;
use futures_lite::future::block_on;

use std::sync::Arc;

use crate::broken::Broken;
use crate::broken_files::TemporaryFiles;
use crate::catalogue;
use crate::reference::Reference;
use crate::subjects::Volatile;
use crate::workers;

/// `ANYSTORAGE_SEED`, or another one each time.
pub(crate) fn seed() -> u64 {
    match std::env::var("ANYSTORAGE_SEED") {
        Ok(text) => text.parse().expect("ANYSTORAGE_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

fn operations() -> u64 {
    match std::env::var("ANYSTORAGE_MODEL_OPERATIONS") {
        Ok(text) => text.parse().expect("ANYSTORAGE_MODEL_OPERATIONS is a number"),
        Err(_) => 20_000,
    }
}

fn agrees(subject: &dyn Subject) -> ModelReport {
    let seed = seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let started = std::time::Instant::now();
    let report =
        block_on(model::run(subject, ModelOptions::new(seed).operations(operations()))).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{}: {:.1} s\n{report}", subject.name(), started.elapsed().as_secs_f64());
    assert!(report.operations >= operations());
    report
}

#[test]
fn memory_agrees_with_the_model() {
    let report = agrees(&Volatile::memory());
    for name in
        ["open", "read_at", "write_at", "set_len", "stat", "list", "create_dir", "remove_file", "remove_dir", "rename", "read", "write"]
    {
        let count = report.counts.of(name);
        assert!(count.answered > 0 && count.refused > 0, "{name}: {count:?}: a run that never sees one of both shows little");
    }
}

#[test]
fn the_reference_agrees_with_the_model() {
    let report = agrees(&Reference::correct());
    assert!(report.counts.of("reopen").answered > 0, "a run on a durable engine that never opened it again");
}

#[test]
fn files_agree_with_the_model() {
    let report = agrees(&TemporaryFiles::on_disk());
    assert!(report.counts.of("reopen").answered > 0, "a run on a durable engine that never opened it again");
}

/// Faults of all kinds.
const FOUND: &[&str] = &[
    "offsets lose their upper 32 bits",
    "what was cut off comes back",
    "an empty write lengthens the file",
    "rename copies and removes",
    "handles are paths",
    "names are folded to lower case",
    "list gives the entry at `after` again",
    "create_new opens what is there",
    "writes wait in the handle until its sync",
    "the revision is the length",
    "writes to a removed file panic",
];

/// No more calls than this are left of some hundred, whatever the seed.
const FEW: usize = 8;

#[test]
fn a_broken_engine_is_found_and_shrunk_and_the_seed_repeats_it() {
    let seed = seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    for name in FOUND {
        let (name, make) = catalogue::faults().find(|(other, _)| other == name).expect("the fault is in the catalogue");
        let run = || {
            let broken = Broken::new(name, Arc::new(Volatile::memory()), *make);
            *block_on(model::run(&broken, ModelOptions::new(seed))).expect_err(name)
        };
        let (failure, again) = std::thread::scope(|scope| {
            let (one, other) = (workers::spawn(scope, 0, run), workers::spawn(scope, 1, run));
            (one.join().expect(name), other.join().expect(name))
        });
        println!("{failure}\n");
        assert!(failure.calls.len() <= FEW, "{} calls are left: {failure}", failure.calls.len());
        assert_eq!(failure, again, "the same seed gave another failure");
    }
}

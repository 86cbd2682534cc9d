//! A mixed load, cut at every operation.

use anystorage_conformance::durability_model::{DurabilityModel, Promise};
use anystorage_conformance::simdisk::{Call, Failure, Outcome, Rng, SimDisk, Survey, Sweep, SyncCall};
use anystorage_conformance::workload::Workload;
use futures_lite::future::block_on;

use crate::{check, is_temporary, observe, open};

const ACTIONS: usize = 60;
const FEWEST_STATES: u64 = 10_000;
/// Every so many states the load goes on after the cut, to a second cut.
const SECOND_CUTS: u64 = 16;

/// `ANYSTORAGE_POWER_CUT_LOADS`, or as many as a CI run has time for.
fn loads() -> u64 {
    match std::env::var("ANYSTORAGE_POWER_CUT_LOADS") {
        Ok(text) => text.parse().expect("ANYSTORAGE_POWER_CUT_LOADS is a number"),
        Err(_) => 16,
    }
}

/// Loads go on where others ended: a disk that is not empty, all of it durable.
fn image(seed: u64) -> (SimDisk, DurabilityModel) {
    let disk = SimDisk::new();
    let mut model = DurabilityModel::new(Promise::InPlace);
    block_on(Workload::new(!seed, ACTIONS / 2).play(&open(&disk), &mut model)).unwrap();
    let disk = disk.cut(Outcome::Everything);
    let tree = observe(&disk).unwrap();
    (disk, DurabilityModel::holding(Promise::InPlace, &tree))
}

fn play(disk: &SimDisk, workload: Workload, mut model: DurabilityModel) -> DurabilityModel {
    let played = block_on(workload.play(&open(disk), &mut model));
    assert!(played.is_ok() || disk.is_off(), "{workload:?}: {played:?}");
    model
}

/// Goes on with what a cut has left, up to another cut.
fn second_cut(disk: &SimDisk, rng: &mut Rng) -> Result<(), String> {
    let tree = observe(disk).map_err(|error| error.to_string())?;
    let disk = disk.cut(Outcome::Everything);
    disk.stop_before(usize::try_from(rng.below(40)).unwrap_or(0));
    let model = play(&disk, Workload::new(rng.bits(), ACTIONS / 3), DurabilityModel::holding(Promise::InPlace, &tree));
    check(&disk.cut(Outcome::Random(rng.bits())), &model).map_err(|reason| format!("after a second cut: {reason}"))
}

/// What a load's cuts went through, and how many of them went on to a second one.
fn sweep(sweep: Sweep, seed: u64, configure: impl Fn(&SimDisk)) -> Result<(Survey, u64), Failure> {
    let (image, model) = image(seed);
    let prepare = || {
        let disk = image.cut(Outcome::Everything);
        configure(&disk);
        disk
    };
    let mut rng = Rng::new(seed);
    let mut states = 0;
    let survey = sweep.run(
        prepare,
        |disk| play(disk, Workload::new(seed, ACTIONS), model.clone()),
        |disk, model| {
            check(disk, model)?;
            states += 1;
            if states % SECOND_CUTS == 0 { second_cut(disk, &mut rng) } else { Ok(()) }
        },
    )?;
    Ok((survey, states / SECOND_CUTS))
}

#[test]
fn a_mixed_load_keeps_lines_1_2_and_4_at_every_cut() {
    let first = crate::seed();
    println!("ANYSTORAGE_SEED={first} repeats this run");
    let started = std::time::Instant::now();
    let mut seeds = Rng::new(first);
    let mut total = Survey::default();
    let mut again = 0;
    for load in 0..loads() {
        // Every other load over a host that takes large writes in pieces.
        let configure = |disk: &SimDisk| {
            if load % 2 == 1 {
                disk.limit_writes(700);
            }
        };
        let seed = seeds.bits();
        let (survey, second_cuts) = sweep(Sweep::new(seed), seed, configure).unwrap_or_else(|failure| panic!("load {load}: {failure}"));
        total += survey;
        again += second_cuts;
    }
    let (loads, seconds) = (loads(), started.elapsed().as_secs_f64());
    println!("{loads} loads, {} operations, {} cuts, {} states, {seconds:.1} s", total.operations, total.positions, total.states);
    println!("{again} of the states went on to a second cut");
    assert!(total.states >= FEWEST_STATES, "{total:?}");
}

fn of_file(call: &SyncCall<'_>) -> bool {
    call.operation.call == Call::SyncFile
}

fn of_temporary(call: &SyncCall<'_>) -> bool {
    of_file(call) && call.operation.path.rsplit('/').next().is_some_and(is_temporary)
}

fn of_directory(call: &SyncCall<'_>) -> bool {
    call.operation.call == Call::SyncDir
}

fn after_rename(call: &SyncCall<'_>) -> bool {
    call.before.last().is_some_and(|operation| operation.call == Call::Rename)
}

#[test]
fn a_mixed_load_shows_each_kind_of_fsync_that_is_left_out() {
    type Rule = fn(&SyncCall<'_>) -> bool;
    let rules: [(&str, Rule); 6] = [
        ("of files", of_file),
        ("of temporary files", of_temporary),
        ("of files that are not temporary", |call| of_file(call) && !of_temporary(call)),
        ("of directories", of_directory),
        ("of directories after a rename", |call| of_directory(call) && after_rename(call)),
        ("of the root", |call| of_directory(call) && call.operation.path.is_empty()),
    ];
    for (kind, rule) in rules {
        let caught = (0..24).find_map(|seed| sweep(Sweep::new(seed).random_outcomes(4), seed, |disk| disk.leave_out_syncs(rule)).err());
        let failure = caught.unwrap_or_else(|| panic!("without fsync {kind}: not caught"));
        println!("without fsync {kind}: load {}: {}", failure.seed, failure.reason);
    }
}

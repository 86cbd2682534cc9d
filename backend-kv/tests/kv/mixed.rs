//! A mixed load with changes that do not fit in memory, cut before every commit.

use anystorage_conformance::durability_model::{DurabilityModel, Promise};
use anystorage_conformance::simdisk::{Failure, Rng, Survey, Sweep};
use anystorage_conformance::workload::Workload;
use anystorage_kv::testing::{Outcome, SimCommit, SimMedium};
use anystorage_kv::{Batch, Commit, KvOptions};
use futures_lite::future::block_on;

use crate::{check, observe, open, tiny};

const ACTIONS: usize = 60;
const FEWEST_STATES: u64 = 10_000;
/// Every so many states the opening is cut too, at each of its commits, and the load goes on to a second cut.
const SECOND_CUTS: u64 = 16;

/// `ANYSTORAGE_POWER_CUT_LOADS`, or as many as a CI run has time for.
fn loads() -> u64 {
    match std::env::var("ANYSTORAGE_POWER_CUT_LOADS") {
        Ok(text) => text.parse().expect("ANYSTORAGE_POWER_CUT_LOADS is a number"),
        Err(_) => 4,
    }
}

/// Blocks and memory of several sizes, all of them too small for the load.
pub(crate) fn options(load: u64) -> KvOptions {
    let (block_size, dirty_bytes, small) =
        [(64, 1024, 0), (512, 2048, 400), (128, 1536, 0), (64, 8192, 64)][usize::try_from(load % 4).unwrap()];
    tiny(block_size, dirty_bytes).small_contents(small)
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    survey: Survey,
    /// Cuts of an opening.
    openings: u64,
    /// States after a second cut.
    second_cuts: u64,
}

/// Loads go on where others ended: a store that is not empty, all of it durable.
fn image(seed: u64, options: &KvOptions) -> (SimMedium, DurabilityModel) {
    let medium = SimMedium::new();
    let mut model = DurabilityModel::new(Promise::AtomicSync);
    block_on(Workload::new(!seed, ACTIONS / 2).play(&open(&medium, options).unwrap(), &mut model)).unwrap();
    let medium = medium.cut(Outcome::Everything);
    let tree = observe(&medium, options).unwrap();
    (medium, DurabilityModel::holding(Promise::AtomicSync, &tree))
}

/// Plays until the load is done or the power is off. Opening may be cut as well.
fn play(medium: &SimMedium, options: &KvOptions, workload: Workload, mut model: DurabilityModel) -> DurabilityModel {
    match open(medium, options) {
        Ok(backend) => {
            let played = block_on(workload.play(&backend, &mut model));
            assert!(played.is_ok() || medium.is_off(), "{workload:?}: {played:?}");
        }
        Err(error) => assert!(medium.is_off(), "{workload:?}: {error}"),
    }
    model
}

/// Opens what a cut has left, with the power cut again before each commit of that.
fn cut_opening(found: &SimMedium, options: &KvOptions, model: &DurabilityModel, rng: &mut Rng) -> Result<u64, String> {
    let mut states = 0;
    for position in 0.. {
        let medium = found.cut(Outcome::Everything);
        medium.stop_before(position);
        let opened = open(&medium, options).map(drop);
        for outcome in [Outcome::NothingUnsynced, Outcome::Everything, Outcome::Reversed, Outcome::Random(rng.bits())] {
            check(&medium.cut(outcome), options, model)
                .map_err(|reason| format!("opening cut before commit {position}, {outcome}: {reason}"))?;
            states += 1;
        }
        if !medium.is_off() {
            opened.map_err(|error| error.to_string())?;
            return Ok(states);
        }
    }
    Ok(states)
}

/// Goes on with what a cut has left, up to another cut.
fn second_cut(medium: &SimMedium, options: &KvOptions, rng: &mut Rng) -> Result<(), String> {
    let tree = observe(medium, options).map_err(|error| error.to_string())?;
    let medium = medium.cut(Outcome::Everything);
    medium.stop_before(usize::try_from(rng.below(40)).unwrap_or(0));
    let model = DurabilityModel::holding(Promise::AtomicSync, &tree);
    let model = play(&medium, options, Workload::new(rng.bits(), ACTIONS / 3), model);
    let outcome = Outcome::Random(rng.bits());
    check(&medium.cut(outcome), options, &model).map(drop).map_err(|reason| format!("after a second cut, {outcome}: {reason}"))
}

fn sweep(sweep: Sweep, seed: u64, options: &KvOptions, configure: impl Fn(&SimMedium)) -> Result<Counts, Failure<Outcome, SimCommit>> {
    let (image, model) = image(seed, options);
    let prepare = || {
        let medium = image.cut(Outcome::Everything);
        configure(&medium);
        medium
    };
    let mut rng = Rng::new(seed);
    let mut counts = Counts::default();
    let mut states = 0_u64;
    counts.survey = sweep.run(
        prepare,
        |medium| play(medium, options, Workload::new(seed, ACTIONS), model.clone()),
        |medium, model| {
            check(&medium.cut(Outcome::Everything), options, model)?;
            states += 1;
            if states.is_multiple_of(SECOND_CUTS) {
                counts.openings += cut_opening(medium, options, model, &mut rng)?;
                second_cut(medium, options, &mut rng)?;
                counts.second_cuts += 1;
            }
            Ok::<(), String>(())
        },
    )?;
    Ok(counts)
}

#[test]
fn a_mixed_load_keeps_lines_1_to_4_at_every_cut() {
    let first = crate::seed();
    println!("ANYSTORAGE_SEED={first} repeats this run");
    let started = std::time::Instant::now();
    let mut seeds = Rng::new(first);
    let (mut total, mut openings, mut second_cuts) = (Survey::default(), 0, 0);
    for load in 0..loads() {
        let seed = seeds.bits();
        let counts = sweep(Sweep::new(seed), seed, &options(load), |_| {}).unwrap_or_else(|failure| panic!("load {load}: {failure}"));
        total += counts.survey;
        openings += counts.openings;
        second_cuts += counts.second_cuts;
    }
    let (loads, seconds) = (loads(), started.elapsed().as_secs_f64());
    println!("{loads} loads, {} commits, {} cuts, {} states, {seconds:.1} s", total.operations, total.positions, total.states);
    println!("besides {openings} states of openings that were cut, and {second_cuts} after a second cut of what went on");
    assert!(total.states >= FEWEST_STATES, "{total:?}");
    assert!(openings > total.states / SECOND_CUTS && second_cuts > 100, "{openings} {second_cuts}");
}

#[test]
fn the_loads_spill() {
    let (mut relaxed, mut durable) = (0, 0);
    for load in 0..4 {
        let medium = SimMedium::new();
        play(&medium, &options(load), Workload::new(load, 200), DurabilityModel::new(Promise::AtomicSync));
        let log = medium.log();
        relaxed += log.iter().filter(|commit| commit.durability == Commit::Relaxed).count();
        durable += log.iter().filter(|commit| commit.durability == Commit::Durable).count();
    }
    println!("{relaxed} relaxed commits, {durable} durable ones");
    assert!(relaxed > 100 && durable > 50, "{relaxed} {durable}");
}

#[test]
fn a_mixed_load_shows_each_kind_of_durable_commit_made_relaxed() {
    type Rule = fn(&SimCommit, &Batch) -> bool;
    let rules: [(&str, Rule); 4] = [
        ("every one", |_, _| true),
        ("every other one", |commit, _| commit.number % 2 == 1),
        ("small ones", |commit, _| commit.changes <= 6),
        ("large ones", |commit, _| commit.changes > 6),
    ];
    for (kind, rule) in rules {
        let caught =
            (0..24).find_map(|seed| sweep(Sweep::new(seed).random_outcomes(4), seed, &options(seed), |medium| medium.relax(rule)).err());
        let failure = caught.unwrap_or_else(|| panic!("{kind} relaxed: not caught"));
        println!("{kind} relaxed: load {}: {}", failure.seed, failure.reason);
    }
}

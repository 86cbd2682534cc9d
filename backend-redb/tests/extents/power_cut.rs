//! A mixed load, cut at every operation.

use anystorage_conformance::durability_model::{DurabilityModel, Promise, Tree};
use anystorage_conformance::simdisk::{Call, Failure, Operation, Outcome, Rng, SimDisk, Survey, Sweep, SyncCall};
use anystorage_conformance::workload::Workload;
use anystorage_redb::RedbOptions;
use futures_lite::future::block_on;

use crate::disk::Disk;

const ACTIONS: usize = 40;
const FEWEST_STATES: u64 = 10_000;
/// Every so many states the load goes on after the cut, to a second cut.
const SECOND_CUTS: u64 = 16;

#[derive(Clone, Copy, Debug)]
struct Setup {
    options: RedbOptions,
    waiting: usize,
}

impl Setup {
    fn on(self, disk: SimDisk) -> Disk {
        Disk::of(disk, self.options).waiting(self.waiting)
    }
}

/// Blocks and memory too small for the load, so that much of it is spilled, and syncs are redb's own. Every other load has memory for all of
/// it, and its syncs go to the log, some of them all, some until it has a few.
fn options(load: u64) -> Setup {
    let (block, cache) =
        [(512, 64 << 10), (4096, 128 << 10), (16_128, 256 << 10), (1024, 32 << 10)][usize::try_from(load / 2 % 4).unwrap()];
    let options = RedbOptions::new().block_size(Some(block));
    let options = match load % 4 {
        1 => options,
        3 => options.relaxed_bytes(40 << 10),
        _ => options.cache_bytes(cache),
    };
    // In some nothing waits for a flush below redb, or little: then pages of commits that are under way are in the file.
    Setup { options, waiting: [4 << 20, 0, 20_000][usize::try_from(load % 3).unwrap()] }
}

fn observe(disk: &SimDisk, setup: Setup) -> anystorage_api::Result<Tree> {
    block_on(Tree::observe(&setup.on(disk.clone()).open()?))
}

fn check(disk: &SimDisk, setup: Setup, model: &DurabilityModel) -> Result<(), String> {
    let found = observe(disk, setup).map_err(|error| format!("what the cut left cannot be read: {error}"))?;
    model.check(&found).map_err(|violation| violation.to_string())
}

/// Plays until the load is done or the power is off. Opening may be cut as well.
fn play(disk: &SimDisk, setup: Setup, workload: Workload, mut model: DurabilityModel) -> DurabilityModel {
    match setup.on(disk.clone()).open() {
        Ok(backend) => {
            let played = block_on(workload.play(&backend, &mut model));
            assert!(played.is_ok() || disk.is_off(), "{workload:?}: {played:?}");
            // A tab that is gone closes nothing.
            std::mem::forget(backend);
        }
        Err(error) => assert!(disk.is_off(), "{workload:?}: {error}"),
    }
    model
}

/// Loads go on where others ended: a disk that is not empty, all of it durable.
fn image(seed: u64, setup: Setup) -> (SimDisk, DurabilityModel) {
    let disk = Disk::new(setup.options).disk;
    let model = DurabilityModel::new(Promise::AtomicSync);
    drop(play(&disk, setup, Workload::new(!seed, ACTIONS / 2), model));
    let disk = disk.cut(Outcome::Everything);
    let tree = observe(&disk.cut(Outcome::Everything), setup).unwrap();
    (disk, DurabilityModel::holding(Promise::AtomicSync, &tree))
}

/// Goes on with what a cut has left, up to another cut.
fn second_cut(disk: &SimDisk, setup: Setup, rng: &mut Rng) -> Result<(), String> {
    let tree = observe(&disk.cut(Outcome::Everything), setup).map_err(|error| error.to_string())?;
    let disk = disk.cut(Outcome::Everything);
    disk.stop_before(usize::try_from(rng.below(40)).unwrap_or(0));
    let model = DurabilityModel::holding(Promise::AtomicSync, &tree);
    let model = play(&disk, setup, Workload::new(rng.bits(), ACTIONS / 3), model);
    check(&disk.cut(Outcome::Random(rng.bits())), setup, &model).map_err(|reason| format!("after a second cut: {reason}"))
}

fn sweep(sweep: Sweep, seed: u64, setup: Setup, configure: impl Fn(&SimDisk)) -> Result<Survey, Failure> {
    let (image, model) = image(seed, setup);
    let prepare = || {
        let disk = image.cut(Outcome::Everything);
        configure(&disk);
        disk
    };
    let mut rng = Rng::new(seed);
    let mut states = 0_u64;
    sweep.run(
        prepare,
        |disk| play(disk, setup, Workload::new(seed, ACTIONS), model.clone()),
        |disk, model| {
            check(&disk.cut(Outcome::Everything), setup, model)?;
            states += 1;
            if states.is_multiple_of(SECOND_CUTS) { second_cut(disk, setup, &mut rng) } else { Ok(()) }
        },
    )
}

#[test]
fn a_mixed_load_keeps_lines_1_to_4_at_every_cut() {
    let first = crate::seed();
    println!("ANYSTORAGE_SEED={first} repeats this run");
    let started = std::time::Instant::now();
    let mut seeds = Rng::new(first);
    let mut total = Survey::default();
    let mut loads = 0;
    while total.states < FEWEST_STATES {
        let seed = seeds.bits();
        total += sweep(Sweep::new(seed), seed, options(loads), |_| {}).unwrap_or_else(|failure| panic!("load {loads}: {failure}"));
        loads += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{loads} loads, {} operations, {} cuts, {} states, {seconds:.1} s", total.operations, total.positions, total.states);
}

#[test]
fn flushes_that_are_left_out_show() {
    type Rule = fn(&SyncCall<'_>) -> bool;
    let rules: [(&str, Rule); 2] =
        [("no flush", |_| true), ("every other flush is missing", |call| flushes(call.before).is_multiple_of(2))];
    for (kind, rule) in rules {
        let leave_out = move |disk: &SimDisk| disk.leave_out_syncs(move |call| call.operation.call == Call::SyncFile && rule(call));
        let caught = (0..24).find_map(|seed| sweep(Sweep::new(seed).random_outcomes(4), seed, options(seed), leave_out).err());
        let failure = caught.unwrap_or_else(|| panic!("{kind}: not caught"));
        println!("{kind}: load {}: {}", failure.seed, failure.reason);
    }
}

fn flushes(before: &[Operation]) -> usize {
    before.iter().filter(|operation| operation.call == Call::SyncFile).count()
}

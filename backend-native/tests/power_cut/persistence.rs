//! The persistence cases of the suite, with a power cut between their halves.

use anystorage_api::StorageBackend;
use anystorage_conformance::case::Need;
use anystorage_conformance::case::Run;
use anystorage_conformance::simdisk::{Outcome, Rng, SimDisk};
use anystorage_conformance::{list, suite};
use futures_lite::future::block_on;

use crate::open;

const SEEDS: usize = 40;

#[test]
fn the_persistence_cases_pass_across_a_power_cut() {
    let first = crate::seed();
    println!("ANYSTORAGE_SEED={first} repeats this run");
    let mut seeds = Rng::new(first);
    let offered = |needs: &[Need]| {
        let capabilities = open(&SimDisk::new()).capabilities();
        needs.iter().all(|need| need.met_by(&capabilities) == Some(true))
    };
    let mut cases = 0;
    let mut states = 0;
    for case in list::cases().iter().filter(|case| matches!(case.run, Run::Persistence { .. }) && offered(case.needs)) {
        cases += 1;
        let disk = SimDisk::new();
        let (instance, carry) = block_on(suite::before(case, Box::new(open(&disk)))).unwrap_or_else(|broken| {
            panic!("{}: before the cut: {broken}", case.name);
        });
        let random = (0..SEEDS).map(|_| Outcome::Random(seeds.bits()));
        for outcome in Outcome::EXTREMES.into_iter().chain(random) {
            states += 1;
            block_on(suite::after(case, Box::new(open(&disk.cut(outcome))), &carry))
                .unwrap_or_else(|broken| panic!("{}, {outcome}: {broken}", case.name));
        }
        drop(instance);
    }
    println!("{cases} persistence cases, {states} power cuts");
    assert!(cases >= 4, "the suite has persistence cases for this engine: {cases}");
}

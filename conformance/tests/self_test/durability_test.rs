//! The durability model and the reference agree on what may be found: mixed loads on it, ended at once at any action.

use anystorage_conformance::durability_model::{DurabilityModel, Promise, Tree};
use anystorage_conformance::subject::Subject;
use anystorage_conformance::workload::Workload;
use futures_lite::future::block_on;

use crate::catalogue;
use crate::model_test::seed;
use crate::reference::Reference;

/// Plays one load after the other over one location, each on what the last one left, and says what the model does not allow.
fn play(subject: &Reference, seed: u64, loads: u64) -> Result<usize, String> {
    block_on(async {
        let place = subject.place(&format!("load {seed}")).await.map_err(|error| error.to_string())?;
        let mut tree = Tree::new();
        let mut largest = 0;
        for load in 0..loads {
            let actions = 5 + (seed.wrapping_add(load * 7) % 97) as usize;
            let mut model = DurabilityModel::holding(Promise::AtomicSync, &tree);
            let backend = place.open().await.map_err(|error| error.to_string())?;
            let workload = Workload::new(seed.wrapping_mul(31).wrapping_add(load), actions);
            workload.play(&*backend, &mut model).await.map_err(|stopped| stopped.to_string())?;
            drop(backend);
            let backend = place.open().await.map_err(|error| error.to_string())?;
            tree = Tree::observe(&*backend).await.map_err(|error| error.to_string())?;
            model.check(&tree).map_err(|violation| format!("load {load} of {actions} actions: {violation}"))?;
            largest = largest.max(tree.len());
        }
        Ok(largest)
    })
}

const LOADS: u64 = 10;

#[test]
fn the_reference_leaves_what_the_model_allows() {
    let seed = seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let mut largest = 0;
    for run in 0..60 {
        let seed = seed.wrapping_add(run);
        largest = largest.max(play(&Reference::correct(), seed, LOADS).unwrap_or_else(|text| panic!("seed {seed}: {text}")));
    }
    assert!(largest >= 8, "the trees get large enough to mean something: {largest}");
}

/// What only the rules of line 3 see, and what needs one file in the place of another.
const FOUND: &[&str] = &[
    "displaced_files_bring_unsynced_bytes",
    "displaced_files_are_lost",
    "file_sync_publishes_new_files",
    "file_sync_publishes_others",
    "file_sync_publishes_half_of_others",
    "sync_publishes_half",
    "rename_keeps_both_names",
];

#[test]
fn wrong_references_leave_what_the_model_does_not_allow() {
    let seed = seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    for name in FOUND {
        let (_, twist) = catalogue::twists().into_iter().find(|(other, _)| other == name).expect("the twist is in the catalogue");
        let wrong = (0..200).find_map(|run| {
            let seed = seed.wrapping_add(run);
            play(&Reference::twisted(name, twist), seed, LOADS).err().map(|text| (run, text))
        });
        let (run, text) = wrong.unwrap_or_else(|| panic!("{name}: not found"));
        println!("{name}: found in run {run}: {text}");
        assert!(text.contains("contract line"), "{name}: {text}");
    }
}

//! The mixed load and the durability model agree with the reference engine on every action, on what has to be refused and why, and on what
//! is there in the end.

#![allow(clippy::unwrap_used, clippy::panic)]

use anystorage_conformance::durability_model::{DurabilityModel, Promise, Tree};
use anystorage_conformance::workload::Workload;
use anystorage_memory::MemoryBackend;
use futures_lite::future::block_on;

#[test]
fn the_model_and_the_reference_engine_agree() {
    let mut largest = 0;
    for seed in 0..40 {
        let backend = MemoryBackend::new();
        let mut model = DurabilityModel::new(Promise::InPlace);
        block_on(Workload::new(seed, 250).play(&backend, &mut model)).unwrap_or_else(|stopped| panic!("seed {seed}: {stopped}"));
        let found = block_on(Tree::observe(&backend)).unwrap();
        assert_eq!(found, model.current(), "seed {seed}");
        model.check(&found).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        largest = largest.max(found.len());
    }
    assert!(largest >= 10, "the trees get large enough to mean something: {largest}");
}

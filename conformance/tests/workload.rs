//! The mixed load and the durability model agree with the reference engine on every action, on what has to be refused and why, and on what
//! is there in the end.

#![allow(clippy::unwrap_used, clippy::panic)]

use anystorage_api::StoragePath;
use anystorage_conformance::durability_model::{Action, DurabilityModel, Node, Promise, Tree};
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

/// A model that allowed too much would let every engine pass.
#[test]
fn after_a_sync_nothing_but_the_synced_tree_is_allowed() {
    let mut refused = 0;
    for seed in 0..20 {
        let backend = MemoryBackend::new();
        let mut model = DurabilityModel::new(Promise::InPlace);
        block_on(Workload::new(seed, 120).play(&backend, &mut model)).unwrap_or_else(|stopped| panic!("seed {seed}: {stopped}"));
        model.done(&Action::Sync).unwrap();
        let synced = model.current();
        assert_eq!(model.check(&synced), Ok(()));
        let mut wrong = vec![with(&synced, "new", Some(Node::Directory)), with(&synced, "new", Some(Node::File(vec![1])))];
        for (path, node) in &synced {
            if !synced.iter().any(|(other, _)| other != path && other.starts_with(path)) {
                wrong.push(with(&synced, path.as_str(), None));
            }
            if let Node::File(bytes) = node {
                let mut longer = bytes.clone();
                longer.push(0);
                wrong.push(with(&synced, path.as_str(), Some(Node::File(longer))));
                wrong.push(with(&synced, &format!("{path}2"), Some(node.clone())));
                if let Some((last, rest)) = bytes.split_last() {
                    wrong.push(with(&synced, path.as_str(), Some(Node::File(rest.to_vec()))));
                    wrong.push(with(&synced, path.as_str(), Some(Node::File([rest, &[last ^ 1]].concat()))));
                }
            }
        }
        for tree in wrong {
            assert!(model.check(&tree).is_err(), "seed {seed}: {tree:?} was allowed instead of {synced:?}");
            refused += 1;
        }
    }
    assert!(refused > 300, "{refused}");
}

/// The same tree with something else at one path, or nothing.
fn with(tree: &Tree, path: &str, node: Option<Node>) -> Tree {
    let path = StoragePath::parse(path).unwrap();
    let mut changed = Tree::new();
    for (other, kept) in tree.iter().filter(|(other, _)| **other != path) {
        changed.insert(other.clone(), kept.clone());
    }
    if let Some(node) = node {
        changed.insert(path, node);
    }
    changed
}

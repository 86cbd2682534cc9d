//! Commits that fail: refused for want of space, or with nobody knowing what was made.

use anystorage_api::{Error, ErrorKind, StorageBackend, StoragePath};
use anystorage_conformance::durability_model::{DurabilityModel, Promise, Tree};
use anystorage_conformance::simdisk::Rng;
use anystorage_conformance::workload::Workload;
use anystorage_kv::KvBackend;
use anystorage_kv::testing::{Fault, Outcome, SimMedium, SimStore};
use futures_lite::future::block_on;

use crate::{check, observe, open, tiny};

const LOADS: u64 = 6;
const ACTIONS: usize = 40;

/// Plays a load in which one commit fails; the medium, the engine that met it, and the model. None if the load has no such commit.
fn with_fault(load: u64, at: usize, fault: Fault) -> Option<(SimMedium, KvBackend<SimStore>, DurabilityModel)> {
    let options = tiny(128, 1536);
    let medium = SimMedium::new();
    let backend = open(&medium, &options).unwrap();
    let failing = medium.commits() + at;
    let failed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let once = std::sync::Arc::clone(&failed);
    medium.fail(move |commit, _| {
        let fails = commit.number == failing && !once.swap(true, std::sync::atomic::Ordering::Relaxed);
        fails.then_some(fault)
    });
    let mut model = DurabilityModel::new(Promise::AtomicSync);
    let _ = block_on(Workload::new(load, ACTIONS).play(&backend, &mut model));
    failed.load(std::sync::atomic::Ordering::Relaxed).then_some((medium, backend, model))
}

fn each(fault: Fault, mut test: impl FnMut(SimMedium, KvBackend<SimStore>, DurabilityModel, &str)) {
    let mut tried = 0;
    for load in 0..LOADS {
        for at in 0.. {
            let Some((medium, backend, model)) = with_fault(load, at, fault) else { break };
            test(medium, backend, model, &format!("load {load}, commit {at}"));
            tried += 1;
        }
    }
    println!("{tried} commits failed with {fault:?}, one by one");
    assert!(tried > 100, "{tried}");
}

/// Contract line 11: a commit that was refused whole leaves its changes pending, and may be tried again.
#[test]
fn after_a_refused_commit_everything_is_there_and_the_next_sync_covers_it() {
    let options = tiny(128, 1536);
    each(Fault::NoSpace, |medium, backend, model, which| {
        let seen = block_on(Tree::observe(&backend)).unwrap_or_else(|error| panic!("{which}: {error}"));
        check(&medium.cut(Outcome::NothingUnsynced), &options, &model).unwrap_or_else(|error| panic!("{which}: {error}"));
        block_on(backend.sync()).unwrap_or_else(|error| panic!("{which}: a sync after a refused commit: {error}"));
        let found = observe(&medium.cut(Outcome::NothingUnsynced), &options).unwrap_or_else(|error| panic!("{which}: {error}"));
        assert_eq!(found, seen, "{which}: what the sync made durable is what was seen before it");
    });
}

/// Contract line 11: after a commit of which nobody knows what was made, no more changes, and reading goes on.
#[test]
fn after_a_failed_commit_nothing_changes_until_the_location_is_opened_again() {
    let options = tiny(128, 1536);
    let mut rng = Rng::new(1);
    for fault in [Fault::Lost, Fault::Made] {
        each(fault, |medium, backend, model, which| {
            let commits = medium.commits();
            block_on(async {
                let name = StoragePath::parse("after").unwrap();
                let answers = [backend.sync().await, backend.write(&name, b"after").await, backend.create_dir(&name).await];
                for answer in answers {
                    assert_eq!(answer.map_err(|error| error.kind()), Err(ErrorKind::Io), "{which}");
                }
                let seen = Tree::observe(&backend).await.unwrap_or_else(|error| panic!("{which}: reading: {error}"));
                assert_eq!(Tree::observe(&backend).await.unwrap(), seen, "{which}");
            });
            assert_eq!(medium.commits(), commits, "{which}: it commits after a failure");
            drop(backend);
            for outcome in [Outcome::NothingUnsynced, Outcome::Everything, Outcome::Random(rng.bits()), Outcome::Random(rng.bits())] {
                check(&medium.cut(outcome), &options, &model).unwrap_or_else(|error| panic!("{which}, {outcome}: {error}"));
            }
            // The process goes on with another instance, or dies and another one comes.
            check(&medium, &options, &model).unwrap_or_else(|error| panic!("{which}: opened again: {error}"));
        });
    }
}

/// Removals that went to the store because they were many, and no space for what else is to be published with them: they come first.
#[test]
fn removals_that_were_spilled_make_room_for_the_sync_that_publishes_them() {
    const FILES: usize = 1500;
    let medium = SimMedium::new();
    let backend = open(&medium, &tiny(128, 1536)).unwrap();
    let name = |number: usize| StoragePath::parse(&format!("file {number}")).unwrap();
    block_on(async {
        for number in 0..FILES {
            backend.write(&name(number), &[1; 300]).await?;
        }
        backend.sync().await?;
        for number in 0..FILES {
            backend.remove_file(&name(number)).await?;
        }
        assert!(medium.records().keys().any(|key| key.starts_with(b"pwi")), "nothing is shadowed");
        backend.write(&name(FILES), &[2; 1000]).await?;
        medium.set_limit(medium.records().iter().map(|(key, value)| (key.len() + value.len()) as u64).sum());
        backend.sync().await?;
        backend.write(&name(FILES + 1), &[3; 100_000]).await?;
        backend.sync().await?;
        assert_eq!(backend.list(&StoragePath::root(), None, 10).await?.len(), 2);
        assert_eq!(backend.read(&name(FILES)).await?, [2; 1000]);
        assert_eq!(backend.read(&name(FILES + 1)).await?, [3; 100_000]);
        Ok::<(), Error>(())
    })
    .unwrap();
}

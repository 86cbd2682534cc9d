//! `check_store` passes a store that keeps its promises, and catches one for each that is broken.

use std::sync::atomic::{AtomicUsize, Ordering};

use anystorage_api::{Error, ErrorKind, Operation, Result, Usage, engine};
use anystorage_kv::testing::{Outcome, SimMedium, SimStore, StoreFailure, check_store};
use anystorage_kv::{Batch, Commit, KvEntry, KvStore};
use futures_lite::future::block_on;

#[test]
fn a_store_that_keeps_its_promises_passes() {
    let seed = crate::seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    for waiting in [false, true] {
        let medium = SimMedium::new();
        medium.set_waiting(waiting);
        block_on(check_store(|| async { medium.open() }, seed, 40)).unwrap();
        assert!(medium.commits() > 400, "{}", medium.commits());
    }
}

/// A crash between openings loses what is relaxed, which is allowed.
#[test]
fn losing_relaxed_commits_is_no_failure() {
    let seed = crate::seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let medium = std::cell::RefCell::new(SimMedium::new());
    let open = || async {
        let found = medium.borrow().cut(Outcome::NothingUnsynced);
        medium.replace(found);
        medium.borrow().open()
    };
    block_on(check_store(open, seed, 40)).unwrap();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    LocatedIsAnotherOne,
    ScanTakesTheEnd,
    ScanLeavesOutTheStart,
    ScanIgnoresTheLimit,
    ScanIsBackwards,
    DeletionsAreForgotten,
    TheFirstChangeCounts,
    BatchesAreCut,
    LongValuesAreCut,
    LongKeysAreCut,
    CloseIsForgotten,
    ReopeningLosesADurableCommit,
}

#[derive(Debug)]
struct Broken(SimStore, Fault);

#[engine]
impl KvStore for Broken {
    const LOCATES: bool = true;

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let key = if self.1 == Fault::LongKeysAreCut { &key[..key.len().min(200)] } else { key };
        answer_closed(self.1, self.0.get(key).await)
    }

    async fn get_located(&self, key: &[u8]) -> Result<Option<(Vec<u8>, Option<u64>)>> {
        let value = self.get(key).await?;
        Ok(match self.1 {
            Fault::LocatedIsAnotherOne => value.map(|mut value| {
                value.push(0);
                (value, None)
            }),
            _ => value.map(|value| (value, Some(0))),
        })
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        let mut end = to.to_vec();
        if self.1 == Fault::ScanTakesTheEnd && from < to {
            end.push(0);
        }
        let limit = if self.1 == Fault::ScanIgnoresTheLimit { usize::MAX } else { limit };
        let mut found = answer_closed(self.1, self.0.scan(from, &end, limit).await)?;
        if self.1 == Fault::ScanLeavesOutTheStart {
            found.retain(|(key, _)| key != from);
        }
        if self.1 == Fault::ScanIsBackwards {
            found.reverse();
        }
        Ok(found)
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        let mut changes: Vec<_> = batch.into_iter().collect();
        match self.1 {
            Fault::DeletionsAreForgotten => changes.retain(|(_, value)| value.is_some()),
            Fault::TheFirstChangeCounts => changes.reverse(),
            Fault::BatchesAreCut => changes.truncate(6),
            Fault::LongValuesAreCut => changes.iter_mut().filter_map(|(_, value)| value.as_mut()).for_each(|value| value.truncate(1 << 20)),
            Fault::LongKeysAreCut => changes.iter_mut().for_each(|(key, _)| key.truncate(200)),
            _ => {}
        }
        let mut batch = Batch::new();
        changes.into_iter().for_each(|(key, value)| batch.push(key, value));
        answer_closed(self.1, self.0.commit(batch, durability).await)
    }

    async fn size(&self) -> Result<Usage> {
        self.0.size().await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}

fn answer_closed<T>(fault: Fault, answer: Result<T>) -> Result<T> {
    match answer {
        Err(error) if error.kind() == ErrorKind::Closed && fault == Fault::CloseIsForgotten => {
            Err(Error::new(ErrorKind::Io, Operation::Read))
        }
        answer => answer,
    }
}

fn check(fault: Fault, seed: u64) -> Option<StoreFailure> {
    let openings = AtomicUsize::new(0);
    let medium = std::cell::RefCell::new(SimMedium::new());
    if fault == Fault::ReopeningLosesADurableCommit {
        medium.borrow().relax(|_, _| true);
    }
    let open = || async {
        if fault == Fault::ReopeningLosesADurableCommit && openings.fetch_add(1, Ordering::Relaxed) == 5 {
            let found = medium.borrow().cut(Outcome::NothingUnsynced);
            medium.replace(found);
        }
        Ok(Broken(medium.borrow().open()?, fault))
    };
    block_on(check_store(open, seed, 20)).err()
}

#[test]
fn each_broken_promise_is_caught() {
    for fault in [
        Fault::LocatedIsAnotherOne,
        Fault::ScanTakesTheEnd,
        Fault::ScanLeavesOutTheStart,
        Fault::ScanIgnoresTheLimit,
        Fault::ScanIsBackwards,
        Fault::DeletionsAreForgotten,
        Fault::TheFirstChangeCounts,
        Fault::BatchesAreCut,
        Fault::LongValuesAreCut,
        Fault::LongKeysAreCut,
        Fault::CloseIsForgotten,
        Fault::ReopeningLosesADurableCommit,
    ] {
        // Whether a fault shows is not left to luck.
        let failure = (1..20).find_map(|seed| check(fault, seed)).unwrap_or_else(|| panic!("{fault:?} is not caught"));
        println!("{fault:?}: {failure}");
    }
}

//! The simulated disk is a host like another one: the whole suite passes over it, and so does the model test. Otherwise what is shown over it
//! would say little of the engine on a real one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anystorage_api::{Result, StorageBackend, engine};
use anystorage_conformance::model::{self, ModelOptions};
use anystorage_conformance::report::Status;
use anystorage_conformance::simdisk::SimDisk;
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::suite::{self, Options};
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;
use tempfile::TempDir;

use crate::host::SimHost;

#[derive(Debug, Default)]
struct Simulated {
    disks: Mutex<HashMap<String, OneDisk>>,
}

/// A disk, and a directory of the real host that holds the lock.
#[derive(Clone, Debug)]
struct OneDisk(SimDisk, Arc<TempDir>);

impl OneDisk {
    fn new() -> Self {
        Self(SimDisk::new(), Arc::new(tempfile::tempdir().unwrap()))
    }
}

#[engine]
impl Subject for Simulated {
    fn name(&self) -> String {
        "files over a simulated disk".to_owned()
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        let mut disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(disks.entry(label.to_owned()).or_insert_with(OneDisk::new).clone()))
    }
}

#[engine]
impl Place for OneDisk {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(FilesBackend::over_locked(SimHost(self.0.clone()), self.1.path())?))
    }

    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        let small = Self::new();
        small.0.set_capacity(bytes);
        Ok(Some(Box::new(small)))
    }
}

#[test]
fn the_suite_passes_over_the_simulated_disk() {
    let report = block_on(suite::run(&Simulated::default(), &Options::new(), None, &mut |_| {}));
    let of = |status: Status| report.cases.iter().filter(move |case| case.status == status);
    let failed: Vec<String> = of(Status::Failed).map(|case| format!("{}: {}", case.name, case.detail)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for skipped in of(Status::Skipped) {
        // What only engines with other capabilities offer, and what this subject has no switch for.
        let expected = ["atomic_sync::", "attributes::", "synced_attributes::", "damage::", "flush::"]
            .iter()
            .any(|module| skipped.name.starts_with(module));
        assert!(expected, "{} is skipped: {}", skipped.name, skipped.detail);
    }
    println!("{} passed, {} skipped", of(Status::Passed).count(), of(Status::Skipped).count());
    assert!(of(Status::Passed).count() >= 60);
}

#[test]
fn the_model_test_agrees_over_the_simulated_disk() {
    let seed = crate::seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let report = block_on(model::run(&Simulated::default(), ModelOptions::new(seed).operations(3_000)));
    assert!(report.unwrap_or_else(|failure| panic!("{failure}")).operations >= 3_000);
}

//! What the tests share.

use std::path::Path;

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::process::{Processes, run_child_if_asked};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_native::sled::subject::SledSubject;
use anystorage_native::sled::{self, SledOptions};
use tempfile::TempDir;

/// The engine in a temporary directory that goes with the subject.
#[derive(Debug)]
pub(crate) struct Scratch {
    sled: SledSubject,
    _directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { sled: SledSubject::new(directory.path()), _directory: directory }
    }
}

#[engine]
impl Subject for Scratch {
    fn name(&self) -> String {
        self.sled.name()
    }
    fn expected(&self) -> Option<Capabilities> {
        self.sled.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        self.sled.place(label).await
    }
}

/// Where children begin.
#[test]
fn child_entry() {
    run_child_if_asked(|address| async move { Ok(Box::new(sled::open(address, &SledOptions::new())?) as Box<dyn StorageBackend>) });
}

/// This test binary as children that have a location open.
pub(crate) fn processes() -> Processes {
    let small = |directory: &Path| directory.to_str().unwrap().to_owned();
    // Sled's log needs room for another one beside it.
    Processes::this_test_program("support::child_entry").unwrap().with_small_places(small).with_small_places_times(4)
}

//! What the tests share.

use std::sync::atomic::{AtomicBool, Ordering};

use anystorage_api::{Capabilities, ErrorKind, Result, StoragePath, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_native::files::subject::FilesSubject;
use tempfile::TempDir;

/// A path that the test knows to be one.
pub(crate) fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// The engine in a temporary directory that goes with the subject.
#[derive(Debug)]
pub(crate) struct Scratch {
    files: FilesSubject,
    _directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { files: FilesSubject::new(directory.path()), _directory: directory }
    }
}

#[engine]
impl Subject for Scratch {
    fn name(&self) -> String {
        self.files.name()
    }
    fn expected(&self) -> Option<Capabilities> {
        self.files.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        self.files.place(label).await
    }
}

/// The kind of the error that must be there.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

/// Set when this goes, also because a check failed: threads that wait for it end.
pub(crate) struct Over<'f>(pub(crate) &'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

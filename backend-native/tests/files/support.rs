//! What the tests share.

use anystorage_api::{Capabilities, Result, StoragePath, engine};
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

//! What the tests share.

use std::path::{Path, PathBuf};

use anystorage_api::{Capabilities, ErrorKind, Result, StoragePath, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_native::redb::subject::RedbSubject;
use anystorage_native::redb::{RedbOptions, RedbStore, open_store};
use futures_lite::future::block_on;
use tempfile::TempDir;

/// A path that the test knows to be one.
pub(crate) fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// The engine in a temporary directory that goes with the subject.
#[derive(Debug)]
pub(crate) struct Scratch {
    redb: RedbSubject,
    _directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { redb: RedbSubject::new(directory.path()), _directory: directory }
    }
}

#[engine]
impl Subject for Scratch {
    fn name(&self) -> String {
        self.redb.name()
    }
    fn expected(&self) -> Option<Capabilities> {
        self.redb.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        self.redb.place(label).await
    }
}

/// A file in a temporary directory, not there yet.
pub(crate) fn fresh() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("location.redb");
    (directory, file)
}

pub(crate) fn store(file: impl AsRef<Path>) -> RedbStore {
    open_store(file, &RedbOptions::new()).unwrap()
}

/// Puts one value.
pub(crate) fn put(store: &RedbStore, key: &[u8], value: &[u8], how: Commit) -> Result<()> {
    let mut batch = Batch::new();
    batch.put(key, value);
    block_on(store.commit(batch, how))
}

pub(crate) fn get(store: &RedbStore, key: &[u8]) -> Result<Option<Vec<u8>>> {
    block_on(store.get(key))
}

/// The kind of the error that must be there.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

/// A number from the environment; another one each time where there is none, printed, so that it can be repeated.
pub(crate) fn seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = std::env::var("ANYSTORAGE_SEED").map_or(u64::from(since.subsec_nanos()), |text| text.parse().unwrap());
    println!("seed {seed}");
    seed
}

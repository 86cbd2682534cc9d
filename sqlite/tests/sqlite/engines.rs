//! The engines under test, and what the tests share.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anystorage_api::{Blocking, StorageBackend};
use anystorage_memory::MemoryBackend;
use anystorage_native::files::FilesBackend;
use anystorage_native::redb::RedbOptions;
use anystorage_native::sled::SledOptions;
use anystorage_sqlite::{Journal, Settings, Vfs};
use tempfile::TempDir;

pub(crate) use crate::checks::{assert_sound, refused};

/// Engines that keep files below a directory.
pub(crate) const DURABLE: [&str; 3] = ["files", "sled", "redb"];

pub(crate) const JOURNALS: [Journal; 6] =
    [Journal::Delete, Journal::Truncate, Journal::Persist, Journal::Memory, Journal::Wal, Journal::Off];

/// Opens the engine of that name below `directory`.
pub(crate) fn open_engine(name: &str, directory: &Path) -> Box<dyn StorageBackend> {
    match name {
        "memory" => Box::new(MemoryBackend::new()),
        "files" => Box::new(FilesBackend::open(directory).unwrap()),
        "sled" => Box::new(anystorage_native::sled::open(directory, &SledOptions::new()).unwrap()),
        "redb" => Box::new(anystorage_native::redb::open(directory.join("store.redb"), &RedbOptions::new()).unwrap()),
        _ => panic!("no engine is called {name}"),
    }
}

/// Registers a VFS under a name that no other test has.
pub(crate) fn vfs<B: StorageBackend>(backend: B) -> Vfs {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = format!("test {}", NUMBER.fetch_add(1, Ordering::Relaxed));
    anystorage_sqlite::register(&name, Blocking::new(backend).unwrap()).unwrap()
}

/// Where the build is, and so on a disk.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A number from the environment.
pub(crate) fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// With a rollback journal locks that last for a transaction: a connection that keeps them overwrites the header of the journal to commit, in whatever
/// mode.
pub(crate) fn settings(journal: Journal) -> Settings {
    match journal {
        Journal::Wal => Settings::recommended(),
        _ => Settings::shared().journal(journal),
    }
}

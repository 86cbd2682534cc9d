//! The engines under test.

use std::path::Path;

use anystorage_api::{Blocking, StorageBackend};
use anystorage_memory::MemoryBackend;
use anystorage_native::files::FilesBackend;
use anystorage_native::redb::RedbOptions;
use anystorage_native::sled::SledOptions;
use anystorage_vfs::{MountOptions, Vfs};
use tempfile::TempDir;

use crate::plain::Plain;

pub(crate) const NATIVE: [&str; 5] = ["memory", "files", "sled", "redb", "plain-files"];

/// Those that keep what they are given.
pub(crate) const DURABLE: [&str; 4] = ["files", "sled", "redb", "plain-files"];

/// Opens the engine of that name below `directory`.
pub(crate) fn open(name: &str, directory: &Path) -> Box<dyn StorageBackend> {
    match name {
        "memory" => Box::new(MemoryBackend::new()),
        "files" => Box::new(FilesBackend::open(directory).unwrap()),
        "plain-files" => Box::new(Plain(FilesBackend::open(directory).unwrap())),
        "sled" => Box::new(anystorage_native::sled::open(directory, &SledOptions::new()).unwrap()),
        "redb" => Box::new(anystorage_native::redb::open(directory.join("store.redb"), &RedbOptions::new()).unwrap()),
        _ => panic!("no engine is called {name}"),
    }
}

/// Mounts it.
pub(crate) fn mount(vfs: &Vfs, path: &str, name: &str, directory: &Path) {
    vfs.mount(path, Blocking::new(open(name, directory)).unwrap(), MountOptions::new().source(name)).unwrap();
}

/// A face with that engine as its root.
pub(crate) fn face(name: &str, directory: &Path) -> Vfs {
    let vfs = Vfs::new();
    mount(&vfs, "/", name, directory);
    vfs
}

/// Where the build is, and so on a disk.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A number from the environment.
pub(crate) fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

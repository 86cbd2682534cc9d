//! Revisions on a host whose clock stands still: no two changes differ in their times there, and each is told apart all the same.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use anystorage_api::{OpenOptions, StorageBackend, Timestamp};
use anystorage_native::files::disk::{Disk, DiskEntry, DiskFile, DiskMetadata, DiskOpen, DiskOpened, DiskSpace, SyncDirError};
use anystorage_native::files::{FilesBackend, HostDisk, HostFile};
use futures_lite::future::block_on;

use crate::support::path;

/// The real disk, at one moment for ever.
#[derive(Debug)]
struct Timeless(HostDisk);

#[derive(Debug)]
struct TimelessFile(HostFile);

fn timeless(found: DiskMetadata) -> DiskMetadata {
    let moment = Timestamp::new(1_000_000, 0);
    DiskMetadata { modified: moment, changed: moment, ..found }
}

impl Disk for Timeless {
    type File = TimelessFile;

    fn open(&self, path: &str, how: DiskOpen) -> io::Result<DiskOpened<TimelessFile>> {
        let DiskOpened { file, metadata, through_link } = self.0.open(path, how)?;
        Ok(DiskOpened { file: TimelessFile(file), metadata: timeless(metadata), through_link })
    }
    fn metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        self.0.metadata(path).map(timeless)
    }
    fn symlink_metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        self.0.symlink_metadata(path).map(timeless)
    }
    fn entries(&self, directory: &str) -> io::Result<Vec<DiskEntry>> {
        self.0.entries(directory)
    }
    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.0.create_dir(path)
    }
    fn remove_file(&self, path: &str) -> io::Result<()> {
        self.0.remove_file(path)
    }
    fn remove_dir(&self, path: &str) -> io::Result<()> {
        self.0.remove_dir(path)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn sync_dir(&self, path: &str) -> Result<(), SyncDirError> {
        self.0.sync_dir(path)
    }
    fn space(&self) -> io::Result<DiskSpace> {
        self.0.space()
    }
}

impl DiskFile for TimelessFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        self.0.write_at(offset, data)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn metadata(&self) -> io::Result<DiskMetadata> {
        self.0.metadata().map(timeless)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.0.set_mode(mode)
    }
    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }
}

fn open(root: &Path) -> FilesBackend<Timeless> {
    FilesBackend::over(Timeless(HostDisk::open(root).unwrap()))
}

#[test]
fn every_change_of_a_file_has_its_own_revision() {
    let root = tempfile::tempdir().unwrap();
    let backend = open(root.path());
    let options = OpenOptions::editing();
    let at = path("f");
    let revision = || block_on(backend.stat(&at)).unwrap().revision;
    block_on(async {
        let file = backend.open(&at, &options).await.unwrap();
        let mut seen = BTreeSet::new();
        let mut changed = |what: &str| {
            let now = revision();
            assert!(seen.insert(now), "{what} left the revision that was there before");
            assert_eq!(now, revision(), "the revision changed with nothing done after {what}");
        };
        changed("creation");
        file.write_at(0, b"one").await.unwrap();
        changed("a write");
        file.write_at(0, b"two").await.unwrap();
        changed("a write of the same length");
        file.write_at(0, b"333").await.unwrap();
        file.write_at(0, b"444").await.unwrap();
        changed("two writes");
        file.set_len(9).await.unwrap();
        changed("growth");
        file.set_len(3).await.unwrap();
        changed("a cut back to an earlier length");
        assert_eq!(file.stat().await.unwrap().revision, revision());
        file.close().await.unwrap();
        assert!(seen.contains(&revision()), "closing a file changed its revision");
        let mut changed = |what: &str| assert!(seen.insert(revision()), "{what} left the revision that was there before");
        for round in 0..3_u8 {
            // Open, change, close: no handle remembers.
            let again = backend.open(&at, &options).await.unwrap();
            again.write_at(0, &[round; 3]).await.unwrap();
            drop(again);
            changed("a write through a handle that is closed");
        }
        drop(backend.open(&at, &options.truncate(true)).await.unwrap());
        changed("a cut at opening");
    });
}

#[test]
fn every_change_of_a_directory_has_its_own_revision() {
    let root = tempfile::tempdir().unwrap();
    let backend = open(root.path());
    let directory = path("d");
    block_on(async {
        backend.create_dir(&directory).await.unwrap();
        let mut seen = BTreeSet::new();
        let mut changed = |what: &str| {
            let now = block_on(backend.stat(&directory)).unwrap().revision;
            assert!(seen.insert(now), "{what} left the revision that was there before");
            assert_eq!(now, block_on(backend.stat(&directory)).unwrap().revision);
        };
        changed("creation");
        drop(backend.open(&path("d/f"), &OpenOptions::editing()).await.unwrap());
        changed("a new file");
        backend.rename(&path("d/f"), &path("d/g")).await.unwrap();
        changed("a rename within");
        backend.create_dir(&path("d/sub")).await.unwrap();
        changed("a new directory");
        backend.rename(&path("d/g"), &path("g")).await.unwrap();
        changed("a rename out of it");
        backend.remove_dir(&path("d/sub")).await.unwrap();
        changed("a removal");
        backend.write(&path("d/f"), b"x").await.unwrap();
        changed("a write of a new file");
        backend.remove_file(&path("d/f")).await.unwrap();
        changed("the removal of a file");
    });
}

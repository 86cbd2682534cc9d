//! The simulated disk as the engine's host.

use std::io;

use anystorage_api::Timestamp;
use anystorage_conformance::simdisk::{SimDisk, SimFile, SimMetadata, SimOpen};
use anystorage_native::files::disk::{Disk, DiskEntry, DiskFile, DiskKind, DiskMetadata, DiskOpen, DiskOpened, DiskSpace, SyncDirError};

#[derive(Clone, Debug)]
pub(crate) struct SimHost(pub(crate) SimDisk);

#[derive(Debug)]
pub(crate) struct SimHostFile(SimFile);

impl Disk for SimHost {
    type File = SimHostFile;

    fn open(&self, path: &str, how: DiskOpen) -> io::Result<DiskOpened<SimHostFile>> {
        let how = match how {
            DiskOpen::Read => SimOpen::Read,
            DiskOpen::Write => SimOpen::Write,
            DiskOpen::ReadWrite => SimOpen::ReadWrite,
            DiskOpen::CreateNew => SimOpen::CreateNew,
        };
        let file = self.0.open(path, how)?;
        let metadata = translate(file.metadata()?);
        Ok(DiskOpened { file: SimHostFile(file), metadata, through_link: false })
    }

    fn metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        self.0.metadata(path).map(translate)
    }

    fn symlink_metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        self.0.metadata(path).map(translate)
    }

    fn entries(&self, directory: &str) -> io::Result<Vec<DiskEntry>> {
        let entries = self.0.entries(directory)?.into_iter();
        Ok(entries.map(|(name, is_directory)| DiskEntry { name: name.into_bytes(), kind: kind(is_directory) }).collect())
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
        self.0.sync_dir(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => SyncDirError::Open(error),
            _ => SyncDirError::Flush(error),
        })
    }

    fn space(&self) -> io::Result<DiskSpace> {
        let (total, free) = self.0.space();
        Ok(DiskSpace { total, free })
    }
}

impl DiskFile for SimHostFile {
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
        self.0.metadata().map(translate)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.0.set_mode(mode)
    }

    /// Nobody else is at work on a simulated disk.
    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }
}

fn kind(is_directory: bool) -> DiskKind {
    if is_directory { DiskKind::Directory } else { DiskKind::File }
}

fn translate(metadata: SimMetadata) -> DiskMetadata {
    let time = |operations: u64| Timestamp::new(i64::try_from(operations).unwrap(), 0);
    DiskMetadata {
        kind: kind(metadata.is_directory),
        len: metadata.len,
        id: (1, metadata.inode),
        links: metadata.links,
        mode: metadata.mode,
        modified: time(metadata.modified),
        changed: time(metadata.changed),
    }
}

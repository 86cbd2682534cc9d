//! The files engine over a host that does not do what it says, and the places it needs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anystorage_api::{Capabilities, Error, Operation, Result, StorageBackend, engine};
use anystorage_conformance::subject::{self, Place, Subject};
use anystorage_native::files::disk::{Disk, DiskEntry, DiskFile, DiskMetadata, DiskOpen, DiskOpened, DiskSpace, SyncDirError};
use anystorage_native::files::fault::FlushFaults;
use anystorage_native::files::subject::FilesSubject;
use anystorage_native::files::{FilesBackend, HostDisk};
use tempfile::TempDir;

/// The files engine in a temporary directory that goes with the subject: in memory where the host has such a file system, as nothing here
/// asks what a flush is worth.
#[derive(Debug)]
pub(crate) struct TemporaryFiles {
    files: FilesSubject,
    directory: TempDir,
}

impl TemporaryFiles {
    pub(crate) fn in_memory() -> Self {
        Self::below(if Path::new("/dev/shm").is_dir() { PathBuf::from("/dev/shm") } else { std::env::temp_dir() })
    }

    pub(crate) fn on_disk() -> Self {
        Self::below(std::env::temp_dir())
    }

    fn below(parent: PathBuf) -> Self {
        let directory = tempfile::Builder::new().prefix("anystorage-self-test-").tempdir_in(parent).unwrap();
        Self { files: FilesSubject::new(directory.path()), directory }
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }
}

#[engine]
impl Subject for TemporaryFiles {
    fn name(&self) -> String {
        "files".to_owned()
    }
    fn expected(&self) -> Option<Capabilities> {
        self.files.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        self.files.place(label).await
    }
}

/// What the host does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostFault {
    LockIgnored,
    WritesLoseTheirTail,
    OffsetsLoseTheirUpperHalf,
    CutsDoNothing,
    GrowthDoesNothing,
    FlushErrorsAreSwallowed,
    RenameCopies,
    RenameDoesNotReplace,
    EntriesAreLost,
    TemporaryNamesStay,
    RemovalsDoNothing,
    NamesAreFolded,
    ReadsEndAtBlocks,
    LengthsAreOne,
    FailedFlushesPanic,
}

impl HostFault {
    pub(crate) const ALL: [Self; 15] = [
        Self::LockIgnored,
        Self::WritesLoseTheirTail,
        Self::OffsetsLoseTheirUpperHalf,
        Self::CutsDoNothing,
        Self::GrowthDoesNothing,
        Self::FlushErrorsAreSwallowed,
        Self::RenameCopies,
        Self::RenameDoesNotReplace,
        Self::EntriesAreLost,
        Self::TemporaryNamesStay,
        Self::RemovalsDoNothing,
        Self::NamesAreFolded,
        Self::ReadsEndAtBlocks,
        Self::LengthsAreOne,
        Self::FailedFlushesPanic,
    ];
}

/// The files engine over a host with a fault.
#[derive(Debug)]
pub(crate) struct FaultyFiles {
    directory: Arc<TemporaryFiles>,
    fault: HostFault,
}

impl FaultyFiles {
    pub(crate) fn new(fault: HostFault) -> Self {
        Self { directory: Arc::new(TemporaryFiles::in_memory()), fault }
    }
}

#[engine]
impl Subject for FaultyFiles {
    fn name(&self) -> String {
        format!("files: over a host with {:?}", self.fault)
    }
    fn expected(&self) -> Option<Capabilities> {
        self.directory.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        let plain = self.directory.place(label).await?;
        Ok(Box::new(FaultyPlace { plain, path: self.directory.root().join(label), fault: self.fault }))
    }
}

#[derive(Debug)]
struct FaultyPlace {
    /// The same place over a host that works.
    plain: Box<dyn Place>,
    path: PathBuf,
    fault: HostFault,
}

impl FaultyPlace {
    fn host(&self) -> Result<HostDisk> {
        let open = || {
            fs::create_dir_all(&self.path)?;
            HostDisk::open(&self.path)
        };
        open().map_err(|error| Error::from_io(error, Operation::OpenLocation))
    }

    fn open_over<D: Disk>(&self, disk: D) -> Result<Box<dyn StorageBackend>> {
        let disk = FaultyDisk { disk, fault: self.fault };
        if self.fault == HostFault::LockIgnored {
            return Ok(Box::new(FilesBackend::over(disk)));
        }
        Ok(Box::new(FilesBackend::over_locked(disk, &self.path)?))
    }
}

#[engine]
impl Place for FaultyPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        self.open_over(self.host()?)
    }
    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn subject::FlushFaults>)>> {
        let (disk, switch) = FlushFaults::new(self.host()?);
        Ok(Some((self.open_over(disk)?, Box::new(switch))))
    }
    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        self.plain.damage(seed).await
    }
}

#[derive(Debug)]
struct FaultyDisk<D> {
    disk: D,
    fault: HostFault,
}

impl<D: Disk> FaultyDisk<D> {
    fn name(&self, path: &str) -> String {
        if self.fault == HostFault::NamesAreFolded { path.to_lowercase() } else { path.to_owned() }
    }

    fn copy(&self, from: &str, to: &str) -> io::Result<()> {
        let source = self.disk.open(from, DiskOpen::Read)?.file;
        let _ = self.disk.remove_file(to);
        let target = self.disk.open(to, DiskOpen::CreateNew)?.file;
        let mut buf = vec![0; source.metadata()?.len.min(1 << 24) as usize];
        let mut done = 0;
        while done < buf.len() {
            done += source.read_at(done as u64, &mut buf[done..])?;
        }
        let mut done = 0;
        while done < buf.len() {
            done += target.write_at(done as u64, &buf[done..])?;
        }
        Ok(())
    }
}

fn flushed(fault: HostFault, outcome: io::Result<()>) -> io::Result<()> {
    match fault {
        HostFault::FlushErrorsAreSwallowed => Ok(()),
        HostFault::FailedFlushesPanic => {
            outcome.expect("a flush works");
            Ok(())
        }
        _ => outcome,
    }
}

fn seen(fault: HostFault, mut metadata: DiskMetadata) -> DiskMetadata {
    if fault == HostFault::LengthsAreOne {
        metadata.len = metadata.len.min(1);
    }
    metadata
}

impl<D: Disk> Disk for FaultyDisk<D> {
    type File = FaultyFile<D::File>;

    fn open(&self, path: &str, how: DiskOpen) -> io::Result<DiskOpened<Self::File>> {
        let DiskOpened { file, metadata, through_link } = self.disk.open(&self.name(path), how)?;
        Ok(DiskOpened { file: FaultyFile { file, fault: self.fault }, metadata: seen(self.fault, metadata), through_link })
    }
    fn metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        Ok(seen(self.fault, self.disk.metadata(&self.name(path))?))
    }
    fn symlink_metadata(&self, path: &str) -> io::Result<DiskMetadata> {
        Ok(seen(self.fault, self.disk.symlink_metadata(&self.name(path))?))
    }
    fn entries(&self, directory: &str) -> io::Result<Vec<DiskEntry>> {
        let mut entries = self.disk.entries(&self.name(directory))?;
        if self.fault == HostFault::EntriesAreLost && entries.len() > 3 {
            entries.pop();
        }
        Ok(entries)
    }
    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.disk.create_dir(&self.name(path))
    }
    fn remove_file(&self, path: &str) -> io::Result<()> {
        if self.fault == HostFault::RemovalsDoNothing {
            return self.disk.symlink_metadata(path).map(drop);
        }
        self.disk.remove_file(&self.name(path))
    }
    fn remove_dir(&self, path: &str) -> io::Result<()> {
        self.disk.remove_dir(&self.name(path))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.name(from), self.name(to));
        match self.fault {
            HostFault::RenameDoesNotReplace if self.disk.metadata(&to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
            HostFault::TemporaryNamesStay if self.copy(&from, &to).is_ok() => Ok(()),
            HostFault::RenameCopies if self.copy(&from, &to).is_ok() => self.disk.remove_file(&from),
            _ => self.disk.rename(&from, &to),
        }
    }
    fn sync_dir(&self, path: &str) -> Result<(), SyncDirError> {
        match self.disk.sync_dir(&self.name(path)) {
            Ok(()) => Ok(()),
            Err(SyncDirError::Flush(error)) => flushed(self.fault, Err(error)).map_err(SyncDirError::Flush),
            Err(SyncDirError::Open(error)) => flushed(self.fault, Err(error)).map_err(SyncDirError::Open),
        }
    }
    fn space(&self) -> io::Result<DiskSpace> {
        self.disk.space()
    }
}

#[derive(Debug)]
struct FaultyFile<F> {
    file: F,
    fault: HostFault,
}

impl<F: DiskFile> DiskFile for FaultyFile<F> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self.fault {
            HostFault::OffsetsLoseTheirUpperHalf => self.file.read_at(u64::from(offset as u32), buf),
            // The end of the file, as far as anybody can tell.
            HostFault::ReadsEndAtBlocks if offset > 0 && offset.is_multiple_of(4096) => Ok(0),
            _ => self.file.read_at(offset, buf),
        }
    }
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        match self.fault {
            HostFault::OffsetsLoseTheirUpperHalf => self.file.write_at(u64::from(offset as u32), data),
            HostFault::WritesLoseTheirTail if data.len() > 4096 => self.file.write_at(offset, &data[..4096]).map(|_| data.len()),
            _ => self.file.write_at(offset, data),
        }
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let now = self.file.metadata()?.len;
        match self.fault {
            HostFault::CutsDoNothing if len < now => Ok(()),
            HostFault::GrowthDoesNothing if len > now => Ok(()),
            _ => self.file.set_len(len),
        }
    }
    fn metadata(&self) -> io::Result<DiskMetadata> {
        Ok(seen(self.fault, self.file.metadata()?))
    }
    fn sync(&self) -> io::Result<()> {
        flushed(self.fault, self.file.sync())
    }
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_mode(mode)
    }
    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}

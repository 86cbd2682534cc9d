//! The engine as a subject of the conformance suite.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anystorage_api::{Capabilities, Error, Operation, Result, StorageBackend, engine};
use anystorage_conformance::subject::{self, Place, Subject};
use anystorage_conformance::table;

use super::fault::{FlushFaults, FlushSwitch};
use super::{FilesBackend, HostDisk};

/// The `files` engine below a directory, with one sub-directory for each place.
#[derive(Clone, Debug)]
pub struct FilesSubject {
    root: PathBuf,
}

impl FilesSubject {
    /// Places below `root`, which should be empty; nothing in it is removed.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

#[engine]
impl Subject for FilesSubject {
    fn name(&self) -> String {
        "file".to_owned()
    }

    fn url(&self) -> String {
        format!("file://{}", self.root.display())
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::FILES)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(FilesPlace { path: self.root.join(label) }))
    }
}

#[derive(Clone, Debug)]
struct FilesPlace {
    path: PathBuf,
}

#[engine]
impl Place for FilesPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(FilesBackend::open(&self.path)?))
    }

    fn address(&self) -> Option<String> {
        self.path.to_str().map(str::to_owned)
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn subject::FlushFaults>)>> {
        fs::create_dir_all(&self.path).map_err(fail)?;
        let (disk, switch) = FlushFaults::new(HostDisk::open(&self.path).map_err(fail)?);
        Ok(Some((Box::new(FilesBackend::over_locked(disk, &self.path)?), Box::new(switch))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        damage(&self.path, seed).map_err(fail)
    }
}

impl subject::FlushFaults for FlushSwitch {
    fn set_failing(&self, failing: bool) {
        Self::set_failing(self, failing);
    }

    fn failed(&self) -> u64 {
        Self::failed(self)
    }
}

fn fail(error: io::Error) -> Error {
    Error::from_io(error, Operation::OpenLocation)
}

/// Flips a bit of some stored file, or cuts one: each seed another file and another place in it.
fn damage(root: &Path, seed: u64) -> io::Result<Option<String>> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let Some(count) = u64::try_from(files.len()).ok().filter(|count| *count > 0) else { return Ok(None) };
    // Any odd number far from a power of two spreads small seeds over the files.
    let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let chosen = usize::try_from((spread >> 32) % count).ok().and_then(|index| files.get(index));
    let Some((path, len)) = chosen else { return Ok(None) };
    let at = spread % len;
    if seed % 3 == 2 {
        fs::OpenOptions::new().write(true).open(path)?.set_len(at)?;
        return Ok(Some(format!("{} was cut from {len} to {at} bytes", path.display())));
    }
    let mut bytes = fs::read(path)?;
    let bit = 1 << (seed % 8);
    if let Some(byte) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at)) {
        *byte ^= bit;
    }
    fs::write(path, bytes)?;
    Ok(Some(format!("byte {at} of {} was changed by {bit:#04x}", path.display())))
}

/// The files below a directory that have bytes, with their lengths.
fn collect(directory: &Path, files: &mut Vec<(PathBuf, u64)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            let len = entry.metadata()?.len();
            if len > 0 {
                files.push((entry.path(), len));
            }
        }
    }
    Ok(())
}

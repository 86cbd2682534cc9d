//! The directory of a location: what may be in it, and who holds it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::geometry::Geometry;
use super::options::{Mode, SledOptions};
use crate::holder::held_by;
use crate::root::create_root;

/// The file that says whose directory it is. It is made first, durably, and locked: so no other sled database is ever touched.
const MARKER: &str = "anystorage";
/// Its first line.
const TITLE: &[u8] = b"anystorage sled 1\n";
/// Its second one, from when everything else is there, durably.
const COMPLETE: &[u8] = b"complete\n";

/// A directory that is ours while this lives.
#[derive(Debug)]
pub(super) struct Place {
    root: PathBuf,
    marker: File,
    complete: bool,
}

impl Place {
    /// Takes the directory, or says why not. What is in it stays as it is.
    pub(super) fn take(root: &Path, options: &SledOptions) -> Result<Self> {
        let create = options.mode == Mode::ReadWriteCreate;
        let fail = |error: io::Error| host_error(error, root);
        if create {
            create_root(root).map_err(fail)?;
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(root).map_err(fail)? {
            entries.push(entry.map_err(fail)?.file_name());
        }
        if !entries.iter().any(|name| name == MARKER) {
            if let Some(other) = entries.first() {
                let what = if entries.iter().any(|name| name == "conf") && entries.iter().any(|name| name == "db") {
                    "it holds a sled database that another program made".to_owned()
                } else {
                    format!("it holds {} files, {} among them, and no location", entries.len(), other.to_string_lossy())
                };
                return Err(refusal(ErrorKind::InvalidInput, root, &format!("{what}. Nothing was changed; choose an empty directory")));
            }
            if !create {
                return Err(refusal(ErrorKind::NotFound, root, "it is empty, and there is no location in it"));
            }
        }
        let mut marker = File::options().read(true).write(true).create(create).truncate(false).open(root.join(MARKER)).map_err(fail)?;
        if let Err(error) = flock(&marker, FlockOperation::NonBlockingLockExclusive) {
            return Err(match error {
                Errno::WOULDBLOCK => refusal(ErrorKind::Locked, root, &format!("{} has it open", held_by(&marker))),
                error => fail(error.into()),
            });
        }
        let mut text = Vec::new();
        Read::take(&mut marker, 1000).read_to_end(&mut text).map_err(fail)?;
        let complete = match text.strip_prefix(TITLE) {
            Some([]) => false,
            Some(rest) if rest == COMPLETE => true,
            // Cut off while it was being made: nothing else can be there.
            None if TITLE.starts_with(&text) && entries.iter().all(|name| name == MARKER) => {
                marker.rewind().and_then(|()| marker.write_all(TITLE)).and_then(|()| marker.sync_all()).map_err(fail)?;
                File::open(root).and_then(|directory| directory.sync_all()).map_err(fail)?;
                false
            }
            _ if text.starts_with(b"anystorage sled ") && !text.starts_with(TITLE) => {
                return Err(refusal(ErrorKind::Unsupported, root, "a newer version of anystorage wrote it: open it with that one"));
            }
            _ => {
                let text = format!("its file {MARKER} is damaged. Nothing was changed; restore a backup");
                return Err(refusal(ErrorKind::Corrupt, root, &text));
            }
        };
        Ok(Self { root: root.to_owned(), marker, complete })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the directory fit for sled to open, and says which sizes it has there.
    pub(super) fn prepare(&self) -> Result<Geometry> {
        let fail = |error: io::Error| host_error(error, &self.root);
        let written = fs::metadata(self.root.join("db")).map_or(0, |metadata| metadata.len()) > 0;
        if self.complete && !written {
            return Err(refusal(ErrorKind::Corrupt, &self.root, "its file db is missing or empty. Nothing was changed; restore a backup"));
        }
        if !written {
            // Nothing was ever committed: what a crash left of a creation may be torn.
            for name in self.snapshots("")?.into_iter().chain([self.root.join("conf")]) {
                match fs::remove_file(name) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
                    _ => {}
                }
            }
            return Ok(Geometry::fresh(&self.root));
        }
        let Some(geometry) = Geometry::stored(&self.root)? else {
            return Err(refusal(ErrorKind::Corrupt, &self.root, "its file conf is missing. Nothing was changed; restore a backup"));
        };
        Self::await_sled(&self.root, &self.root.join("db"))?;
        // A snapshot that a crash left unfinished would be taken for the newest one, and found damaged.
        for name in self.snapshots(".generating")? {
            log::warn!("{} is left from an opening that was interrupted, and is removed", name.display());
            fs::remove_file(name).map_err(fail)?;
        }
        Ok(geometry)
    }

    /// Waits for a moment while threads of sled finish their work on a database that was closed; whoever holds it longer is named.
    pub(super) fn await_sled(root: &Path, log: &Path) -> Result<()> {
        let fail = |error: io::Error| host_error(error, root);
        let file = File::open(log).map_err(fail)?;
        for _ in 0..500 {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return flock(&file, FlockOperation::Unlock).map_err(|error| fail(error.into())),
                Err(Errno::WOULDBLOCK) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(fail(error.into())),
            }
        }
        Err(refusal(ErrorKind::Locked, root, &format!("{} has its file db open through sled", held_by(&file))))
    }

    /// The snapshot files whose names end so.
    pub(super) fn snapshots(&self, end: &str) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(|error| host_error(error, &self.root))? {
            let entry = entry.map_err(|error| host_error(error, &self.root))?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with("snap.") && name.ends_with(end)) {
                found.push(entry.path());
            }
        }
        Ok(found)
    }

    /// Notes that all files are there, durably.
    pub(super) fn complete(&mut self) -> Result<()> {
        if self.complete {
            return Ok(());
        }
        let text = [TITLE, COMPLETE].concat();
        let written = self.marker.rewind().and_then(|()| self.marker.write_all(&text)).and_then(|()| self.marker.sync_all());
        written.map_err(|error| host_error(error, &self.root))?;
        self.complete = true;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Said aloud: a child between fork and exec may share the descriptor, and would hold the lock on.
        let _ = flock(&self.marker, FlockOperation::Unlock);
    }
}

/// The error for what the host said about a location.
pub(super) fn host_error(error: io::Error, root: &Path) -> Error {
    Error::from_io(error, Operation::OpenLocation).with_text(root.display().to_string())
}

fn refusal(kind: ErrorKind, root: &Path, text: &str) -> Error {
    Error::new(kind, Operation::OpenLocation).with_text(format!("{}: {text}", root.display()))
}

//! From a path to a file that nobody else has.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_redb::RedbOptions;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::host::HostFile;
use crate::faults::FlushSwitch;
use crate::holder::held_by;
use crate::root::{create_root, sync_above};

pub(super) fn open(path: &Path, options: &RedbOptions, switch: &FlushSwitch) -> Result<HostFile> {
    let file = open_file(path, options.creates()).map_err(|error| host_error(error, path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(HostFile::new(file, path, switch.clone())),
        Err(Errno::WOULDBLOCK) => {
            let text = format!("{} is in use: {} holds it", path.display(), held_by(&file));
            Err(Error::new(ErrorKind::Locked, Operation::OpenLocation).with_text(text))
        }
        Err(error) => Err(host_error(error.into(), path)),
    }
}

/// Opens the file, and creates it and what leads to it where that is asked for; durably, also if an earlier creation was cut short.
fn open_file(path: &Path, creates: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    if creates {
        options.create(true).truncate(false);
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            create_root(above)?;
        }
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if metadata.len() == 0 && creates {
        sync_above(path)?;
    }
    Ok(file)
}

fn host_error(error: io::Error, path: &Path) -> Error {
    let text = match error.kind() {
        io::ErrorKind::IsADirectory => "is a directory: name a file in it",
        io::ErrorKind::NotFound => "is not there",
        io::ErrorKind::PermissionDenied => "may not be read and written: check its permissions",
        io::ErrorKind::InvalidInput => "is a pipe, a socket or a device, not a regular file",
        _ => "cannot be opened",
    };
    Error::from_io(error, Operation::OpenLocation).with_text(format!("{} {text}", path.display()))
}

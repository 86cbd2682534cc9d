//! From a path to a database of ours, without a change to anything that is none.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use redb::{Database, ReadableDatabase, TableHandle};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::{open_error, store_error};
use super::header::{HEADER_LEN, Looks, impossible, look};
use super::medium::Medium;
use super::options::RedbMode;
use super::session::{self, TABLE};
use super::store::NAME;
use crate::faults::FlushSwitch;
use crate::holder::held_by;
use crate::panics::caught;
use crate::root::{create_root, sync_above};

pub(super) fn open(path: &Path, mode: RedbMode, cache: usize, switch: &FlushSwitch) -> Result<(Arc<Medium>, Database)> {
    let file = open_file(path, mode).map_err(|error| host_error(error, path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            return Err(open_error(ErrorKind::Locked, path, format!("is in use: {} holds it", held_by(&file))));
        }
        Err(error) => return Err(host_error(error.into(), path)),
    }
    let medium = Arc::new(Medium::new(file, path, switch.clone()).map_err(|error| host_error(error, path))?);
    let is_new = match inspect(&medium, path) {
        Ok(is_new) => is_new,
        Err(error) => {
            // Not one byte, whatever redb tries as it goes.
            medium.seal(true);
            return Err(error);
        }
    };
    if is_new && mode == RedbMode::ReadWrite {
        return Err(open_error(ErrorKind::NotFound, path, "holds nothing yet, and was not to be created"));
    }
    let database = caught(NAME, Operation::OpenLocation, || create(&medium, path, is_new, cache))?;
    Ok((medium, database))
}

/// Opens the file, and creates it and what leads to it where that is asked for; durably, also if an earlier creation was cut short.
fn open_file(path: &Path, mode: RedbMode) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    if mode == RedbMode::ReadWriteCreate {
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
    if metadata.len() == 0 && mode == RedbMode::ReadWriteCreate {
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

/// Whether the file is to become a location; false if it is one. Changes nothing.
fn inspect(medium: &Arc<Medium>, path: &Path) -> Result<bool> {
    let corrupt = |text: String| open_error(ErrorKind::Corrupt, path, text);
    let tables = match look(medium).map_err(|error| host_error(error, path))? {
        Looks::New => return Ok(true),
        Looks::Redb => caught(NAME, Operation::OpenLocation, || tables(medium)),
        Looks::DamagedRedb => return Err(corrupt("is a redb database whose first bytes are damaged: restore a backup".to_owned())),
        Looks::Else(what) => {
            return Err(open_error(ErrorKind::InvalidInput, path, format!("is {what}, no redb database: name another file")));
        }
        Looks::Unknown => return Err(corrupt("is no redb database: name another file, or restore a backup".to_owned())),
    };
    let tables = tables.map_err(|error| match error.kind() {
        ErrorKind::Corrupt => {
            corrupt("is a damaged redb database, or one that was cut short: restore a backup".to_owned()).with_cause(error)
        }
        _ => error,
    })?;
    if tables.iter().any(|name| is_misspelt(name)) {
        return Err(corrupt("is damaged: the name of its table is misspelt; restore a backup".to_owned()));
    }
    let others: Vec<&str> = tables.iter().map(String::as_str).filter(|name| *name != TABLE.name()).collect();
    if !others.is_empty() {
        let text = format!("is a redb database of another program, with the tables {}: name another file", others.join(", "));
        return Err(open_error(ErrorKind::InvalidInput, path, text));
    }
    if tables.is_empty() {
        return Ok(true);
    }
    let mut header = [0; HEADER_LEN];
    medium.read(0, &mut header).map_err(|error| host_error(error, path))?;
    match impossible(&header) {
        Some(why) => Err(corrupt(format!("is damaged: {why}; restore a backup"))),
        None => Ok(false),
    }
}

/// Whether a table has our name but for a letter or two: no other program has that.
fn is_misspelt(name: &str) -> bool {
    let ours = TABLE.name();
    let wrong = name.bytes().zip(ours.bytes()).filter(|(seen, ours)| seen != ours).count();
    name.len() == ours.len() && (1..=2).contains(&wrong)
}

/// The names of the tables, by a redb that changes nothing.
fn tables(medium: &Arc<Medium>) -> Result<Vec<String>> {
    let fail = |error: redb::Error| store_error(error, Operation::OpenLocation);
    let database = session::view(medium, 1 << 20)?;
    let transaction = database.begin_read().map_err(|error| fail(error.into()))?;
    let mut names: Vec<String> =
        transaction.list_tables().map_err(|error| fail(error.into()))?.map(|table| table.name().to_owned()).collect();
    for table in transaction.list_multimap_tables().map_err(|error| fail(error.into()))? {
        names.push(format!("{} (a multimap)", redb::MultimapTableHandle::name(&table)));
    }
    if names.iter().any(|name| name == TABLE.name()) {
        transaction.open_table(TABLE).map_err(|error| fail(error.into()))?;
    }
    Ok(names)
}

/// Opens the database for good, with its table.
fn create(medium: &Arc<Medium>, path: &Path, is_new: bool, cache: usize) -> Result<Database> {
    if is_new && look(medium).map_err(|error| host_error(error, path))? == Looks::New {
        // Of a creation that was cut short.
        medium.set_len(0).map_err(|error| host_error(error, path))?;
    }
    let database = session::live(medium, cache).map_err(|error| match error.kind() {
        ErrorKind::NoSpace => open_error(ErrorKind::NoSpace, path, "cannot be created: the disk is full").with_cause(error),
        _ => error,
    })?;
    if is_new {
        session::apply(&database, medium, [], None, true)?;
    }
    medium.settle();
    Ok(database)
}

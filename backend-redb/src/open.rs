//! From a file to a database of ours, without a change to anything that is none.

use std::io;
use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_kv::Batch;
use anystorage_kv::panics::caught;
use redb::{Database, ReadableDatabase, TableHandle};

use crate::error::{open_error, store_error};
use crate::file::StoreFile;
use crate::header::{HEADER_LEN, Looks, impossible, look};
use crate::log::Log;
use crate::medium::Medium;
use crate::relaxed::Relaxed;
use crate::session::{self, LOG_TABLE, Strength, TABLE};
use crate::store::NAME;
use crate::writer::Writer;

/// A database, and what was committed since redb made a commit of it durable.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) writer: Writer,
    pub(crate) relaxed: Relaxed,
}

pub(crate) fn open(file: Box<dyn StoreFile>, title: &str, creates: bool, cache: usize) -> Result<(Arc<Medium>, Opened)> {
    let medium = Arc::new(Medium::new(file).map_err(|error| file_error(error, title))?);
    let is_new = match inspect(&medium, title) {
        Ok(is_new) => is_new,
        Err(error) => {
            // Not one byte, whatever redb tries as it goes.
            medium.seal(true);
            return Err(error);
        }
    };
    if is_new && !creates {
        return Err(open_error(ErrorKind::NotFound, title, "holds nothing yet, and was not to be created"));
    }
    let opened = caught(NAME, Operation::OpenLocation, || create(&medium, title, is_new, cache))?;
    Ok((medium, opened))
}

fn file_error(error: io::Error, title: &str) -> Error {
    Error::from_io(error, Operation::OpenLocation).with_text(format!("{title} cannot be read and written"))
}

/// Whether the file is to become a location; false if it is one. Changes nothing.
fn inspect(medium: &Arc<Medium>, title: &str) -> Result<bool> {
    let corrupt = |text: String| open_error(ErrorKind::Corrupt, title, text);
    let tables = match look(medium).map_err(|error| file_error(error, title))? {
        Looks::New => return Ok(true),
        Looks::Redb => caught(NAME, Operation::OpenLocation, || tables(medium)),
        Looks::DamagedRedb => return Err(corrupt("is a redb database whose first bytes are damaged: restore a backup".to_owned())),
        Looks::Else(what) => {
            return Err(open_error(ErrorKind::InvalidInput, title, format!("is {what}, no redb database: name another file")));
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
    let others: Vec<&str> = tables.iter().map(String::as_str).filter(|name| !ours().contains(name)).collect();
    if !others.is_empty() {
        let text = format!("is a redb database of another program, with the tables {}: name another file", others.join(", "));
        return Err(open_error(ErrorKind::InvalidInput, title, text));
    }
    if tables.is_empty() {
        return Ok(true);
    }
    let mut header = [0; HEADER_LEN];
    medium.read(0, &mut header).map_err(|error| file_error(error, title))?;
    match impossible(&header) {
        Some(why) => Err(corrupt(format!("is damaged: {why}; restore a backup"))),
        None => Ok(false),
    }
}

/// The names of the tables of a location.
fn ours() -> [&'static str; 2] {
    [TABLE.name(), LOG_TABLE.name()]
}

/// Whether a table has a name of ours but for a letter or two: no other program has that.
fn is_misspelt(name: &str) -> bool {
    ours().iter().any(|ours| {
        let wrong = name.bytes().zip(ours.bytes()).filter(|(seen, ours)| seen != ours).count();
        name.len() == ours.len() && (1..=2).contains(&wrong)
    })
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
fn create(medium: &Arc<Medium>, title: &str, is_new: bool, cache: usize) -> Result<Opened> {
    if is_new && look(medium).map_err(|error| file_error(error, title))? == Looks::New {
        // Of a creation that was cut short.
        medium.set_len(0).map_err(|error| file_error(error, title))?;
    }
    let database = session::live(medium, cache).map_err(|error| match error.kind() {
        ErrorKind::NoSpace => open_error(ErrorKind::NoSpace, title, "cannot be created: the disk is full").with_cause(error),
        _ => error,
    })?;
    let (writer, relaxed) = if is_new {
        let mut log = Log::new(medium);
        session::apply(&database, medium, [], None, Strength::Durable(&log))?;
        log.begin();
        let _ = medium.promise(0);
        medium.settle();
        (Writer::new(log), Relaxed::default())
    } else {
        logged(medium, &database)?
    };
    Ok(Opened { database, writer, relaxed })
}

/// What was logged stays in the log, and in memory beside redb: opening writes nothing for it.
fn logged(medium: &Medium, database: &Database) -> Result<(Writer, Relaxed)> {
    let (log, batch) = Log::read(medium, session::log_number(database)?.as_deref())?;
    let mut relaxed = Relaxed::default();
    if log.has_records() {
        relaxed.keep_pending(batch);
    }
    // It is there since the log was written, unless that was by a version that kept none.
    let _ = medium.promise(if relaxed.is_pending() { relaxed.room_with(&Batch::new()) } else { 0 });
    Ok((Writer::new(log), relaxed))
}

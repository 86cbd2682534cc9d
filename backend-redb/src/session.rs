//! One opening of the database, and which one answers.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use redb::{Database, Durability, ReadableDatabase, TableDefinition, TableError};

use anystorage_kv::KvEntry;

use crate::direct::Direct;
use crate::error::store_error;
use crate::log::Log;
use crate::medium::{Medium, Spare};
use crate::overlay::Overlay;
use crate::relaxed::Relaxed;
use crate::snapshot::Table;

pub(crate) const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("anystorage");

/// The number of the log, where there is one.
pub(crate) const LOG_TABLE: TableDefinition<'_, (), &[u8]> = TableDefinition::new("anystorage-log");

/// The number that a database keeps for its log; none if it keeps none.
pub(crate) fn log_number(database: &Database) -> Result<Option<Vec<u8>>> {
    let fail = |error: redb::Error| store_error(error, Operation::OpenLocation);
    let transaction = database.begin_read().map_err(|error| fail(error.into()))?;
    let table = match transaction.open_table(LOG_TABLE) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        table => table.map_err(|error| fail(error.into()))?,
    };
    let number = table.get(()).map_err(|error| fail(error.into()))?;
    Ok(number.map(|number| number.value().to_vec()))
}

/// What redb is now.
#[derive(Debug)]
pub(crate) enum Session {
    /// Over the file.
    Live(Database),
    /// Over the file without changing it any more, because of this error.
    View(Database, Error),
    /// Not even that.
    Failed(Error),
    /// Given free.
    Closed,
}

impl Session {
    /// The database to read from.
    pub(crate) fn reading(&self, operation: Operation) -> Result<&Database> {
        match self {
            Self::Live(database) | Self::View(database, _) => Ok(database),
            Self::Failed(error) => Err(error.clone().in_operation(operation)),
            Self::Closed => Err(Error::new(ErrorKind::Closed, operation)),
        }
    }

    /// The database to change.
    pub(crate) fn changing(&self, operation: Operation) -> Result<&Database> {
        match self {
            Self::View(_, error) => Err(error.clone().in_operation(operation)),
            _ => self.reading(operation),
        }
    }
}

/// Opens the database over the file.
pub(crate) fn live(medium: &Arc<Medium>, cache: usize) -> Result<Database> {
    let mut builder = Database::builder();
    // On a full disk, what it writes to begin with has to find a place.
    medium.allow(Spare::All);
    let opened = builder.set_cache_size(cache).create_with_backend(Direct(Arc::clone(medium)));
    medium.allow(Spare::Nothing);
    let opened = opened.map_err(|error| store_error(error, Operation::OpenLocation))?;
    // What opening wrote is durable: after some crashes it is a commit.
    medium.settle();
    Ok(opened)
}

/// Opens the database over the file as it is now, without ever changing it.
pub(crate) fn view(medium: &Arc<Medium>, cache: usize) -> Result<Database> {
    let overlay = Overlay::over(Arc::clone(medium)).map_err(|error| Error::from_io(error, Operation::OpenLocation))?;
    let mut builder = Database::builder();
    let opened = builder.set_cache_size(cache).create_with_backend(overlay);
    opened.map_err(|error| store_error(error, Operation::OpenLocation))
}

/// With what redb has not got of `relaxed` over what is stored.
pub(crate) fn get(table: Option<&Table>, relaxed: &Relaxed, key: &[u8]) -> Result<Option<Vec<u8>>> {
    if let Some(value) = relaxed.pending(key) {
        return Ok(value.map(<[u8]>::to_vec));
    }
    let Some(table) = table else { return Ok(None) };
    let value = table.get(key).map_err(|error| store_error(redb::Error::from(error), Operation::Read))?;
    Ok(value.map(|value| value.value().to_vec()))
}

/// As [`get`].
pub(crate) fn scan(table: Option<&Table>, relaxed: &Relaxed, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
    let fail = |error: redb::Error| store_error(error, Operation::Read);
    let mut found = Vec::new();
    if from >= to {
        return Ok(found);
    }
    let owned = |(key, value): (&[u8], Option<&[u8]>)| Some((key.to_vec(), value?.to_vec()));
    let mut changed = relaxed.pending_between(from, to).peekable();
    let stored = table.map(|table| table.range::<&[u8]>(from..to).map_err(|error| fail(error.into()))).transpose()?;
    let mut stored = stored.into_iter().flatten();
    while found.len() < limit {
        let Some(entry) = stored.next() else {
            found.extend(changed.filter_map(owned).take(limit - found.len()));
            break;
        };
        let (key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>) = entry.map_err(|error| fail(error.into()))?;
        let key = key.value();
        while found.len() < limit
            && let Some(change) = changed.next_if(|(changed, _)| *changed < key)
        {
            found.extend(owned(change));
        }
        if found.len() < limit {
            let change = changed.next_if(|(changed, _)| *changed == key);
            found.extend(owned(change.unwrap_or_else(|| (key, Some(value.value())))));
        }
    }
    Ok(found)
}

/// How the bytes in use change with the commits since the last durable one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    pub(crate) added: u64,
    pub(crate) removed: u64,
}

impl Change {
    /// What it may take from the reserve: much if it makes room, a little if it is little.
    const fn spare(self) -> Spare {
        match self.added {
            added if added <= self.removed => Spare::All,
            added if added <= self.removed + 4096 => Spare::Some,
            _ => Spare::Nothing,
        }
    }
}

/// How long what redb commits must last.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Strength<'a> {
    /// In memory.
    Relaxed,
    /// With the numbers of this log, which is void from then on. It is flushed twice: redb writes its free space beside the data, and so need not
    /// look for it in everything that is stored when it is opened after a crash.
    Durable(&'a Log),
    /// As durable, of what lasts in the log already: there has to be room for it.
    Promised(&'a Log),
}

/// Makes the changes in one transaction, on top of relaxed ones that changed `before`, if there are some.
pub(crate) fn apply<'b>(
    database: &Database,
    medium: &Medium,
    changes: impl IntoIterator<Item = (&'b [u8], Option<&'b [u8]>)>,
    before: Option<Change>,
    strength: Strength<'_>,
) -> Result<Change> {
    let fail = |error: redb::Error| store_error(error, Operation::Sync);
    let mut transaction = database.begin_write().map_err(|error| fail(error.into()))?;
    let log = match strength {
        Strength::Relaxed => None,
        Strength::Durable(log) | Strength::Promised(log) => Some(log),
    };
    let durability = if log.is_some() { Durability::Immediate } else { Durability::None };
    transaction.set_durability(durability).map_err(|error| fail(error.into()))?;
    transaction.set_quick_repair(log.is_some());
    let mut change = before.unwrap_or_default();
    {
        let mut table = transaction.open_table(TABLE).map_err(|error| fail(error.into()))?;
        for (key, value) in changes {
            let old = match value {
                Some(value) => {
                    change.added += size(key, value);
                    table.insert(key, value)
                }
                None => table.remove(key),
            };
            if let Some(old) = old.map_err(|error| fail(error.into()))? {
                change.removed += size(key, old.value());
            }
        }
    }
    if let Some(number) = log.and_then(Log::next_number) {
        let mut table = transaction.open_table(LOG_TABLE).map_err(|error| fail(error.into()))?;
        table.insert((), number.as_slice()).map_err(|error| fail(error.into()))?;
    }
    // Pages of relaxed commits that nobody needs any more would eat up the reserve.
    let spare = if before.is_none() { change.spare() } else { Spare::Nothing };
    medium.allow(match strength {
        Strength::Promised(_) => Spare::All,
        // It has the log with it.
        Strength::Durable(log) if log.has_records() && spare != Spare::All => Spare::Promised,
        Strength::Durable(_) | Strength::Relaxed => spare,
    });
    let committed = transaction.commit().map_err(|error| fail(error.into()));
    medium.allow(Spare::Nothing);
    committed.map(|()| change)
}

fn size(key: &[u8], value: &[u8]) -> u64 {
    u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX)
}

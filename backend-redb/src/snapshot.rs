//! The table as it was after the last commit, kept open: opening it costs as much as a lookup.

use std::fmt;
use std::sync::{Arc, Mutex};

use anystorage_api::{Operation, Result};
use redb::{Database, ReadOnlyTable, ReadableDatabase, TableError};

use crate::error::store_error;
use crate::guard::lock;
use crate::session::TABLE;

/// The table of a read transaction.
pub(crate) type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// Whoever changes the database or gives it up drops it before and after: while it is there, redb keeps the pages that it shows.
#[derive(Default)]
pub(crate) struct Snapshot(Mutex<State>);

#[derive(Default)]
struct State {
    table: Option<Arc<Table>>,
    /// How often it was dropped: what was opened before a drop is not kept behind it.
    drops: u64,
}

impl Snapshot {
    /// The table; none if nothing was ever put into it.
    pub(crate) fn table(&self, database: &Database) -> Result<Option<Arc<Table>>> {
        let drops = {
            let state = lock(&self.0);
            if let Some(table) = &state.table {
                return Ok(Some(Arc::clone(table)));
            }
            state.drops
        };
        let fail = |error: redb::Error| store_error(error, Operation::Read);
        let transaction = database.begin_read().map_err(|error| fail(error.into()))?;
        let table = match transaction.open_table(TABLE) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => Arc::new(table.map_err(|error| fail(error.into()))?),
        };
        let mut state = lock(&self.0);
        if state.drops == drops {
            state.table = Some(Arc::clone(&table));
        }
        Ok(Some(table))
    }

    pub(crate) fn drop_table(&self) {
        let mut state = lock(&self.0);
        state.table = None;
        state.drops += 1;
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

//! redb over the engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod browser;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod engines;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod kill;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod power_cut;

use std::error::Error;

use anystorage_api::StoragePath;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// For each commit as many records as it says.
const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");
/// How many commits there were.
const COMMITS: TableDefinition<'_, (), u64> = TableDefinition::new("commits");

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

fn create(file: impl redb::StorageBackend) -> Result<Database, redb::DatabaseError> {
    Database::builder().set_cache_size(1 << 20).create_with_backend(file)
}

/// The records of a commit.
fn records(number: u64) -> impl Iterator<Item = (u64, Vec<u8>)> {
    (0..number % 7 + 1).map(move |at| (at, vec![(number * 31 + at) as u8; (number * 97 + at * 13) as usize % 900]))
}

/// Makes commit `number`, the first of which is 1; it is durable when this returns.
fn commit(database: &Database, number: u64) -> Outcome<()> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(RECORDS)?;
        for (at, value) in records(number) {
            table.insert((number, at), value.as_slice())?;
        }
        transaction.open_table(COMMITS)?.insert((), number)?;
    }
    Ok(transaction.commit()?)
}

/// How many commits there are. Each of them has to be there whole, and nothing else.
fn commits(database: &Database) -> Outcome<u64> {
    let transaction = database.begin_read()?;
    let Ok(table) = transaction.open_table(COMMITS) else { return Ok(0) };
    let last = table.get(())?.map_or(0, |last| last.value());
    let table = transaction.open_table(RECORDS)?;
    let mut found = table.iter()?;
    for number in 1..=last {
        for (at, value) in records(number) {
            let (key, stored) = found.next().ok_or("a record is missing")??;
            if key.value() != (number, at) || stored.value() != value {
                return Err(format!("record {at} of commit {number} is another one").into());
            }
        }
    }
    match found.next() {
        None => Ok(last),
        Some(_) => Err("there is more than was committed".into()),
    }
}

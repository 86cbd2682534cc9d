//! Commits of redb that are numbered, and known by their numbers.

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::Outcome;

/// For each commit as many records as it says.
const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");
/// How many commits there were.
const COMMITS: TableDefinition<'_, (), u64> = TableDefinition::new("commits");

/// The records of a commit.
fn records(number: u64) -> impl Iterator<Item = (u64, Vec<u8>)> {
    let byte = |number: u64| number.to_le_bytes()[0];
    (0..number % 7 + 1).map(move |at| (at, (0..(number * 97 + at * 13) % 900).map(|_| byte(number * 31 + at)).collect()))
}

/// Makes commit `number`, the first of which is 1; it is durable when this returns.
///
/// # Errors
/// What redb says.
pub fn commit(database: &Database, number: u64) -> Outcome<()> {
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
///
/// # Errors
/// What is missing, too much or other than it was, and what redb says.
pub fn commits(database: &Database) -> Outcome<u64> {
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

//! Many keys in redb, in no order.

use std::ops::Range;

use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::{Outcome, wrong};

const KEYS: TableDefinition<'_, u64, u64> = TableDefinition::new("keys");
/// In one commit.
const AT_ONCE: u64 = 1_000;

/// Spread over all numbers.
const fn key(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Puts the keys of these numbers into it, a thousand in each commit.
///
/// # Errors
/// What redb says.
pub fn fill(database: &Database, numbers: Range<u64>) -> Outcome<()> {
    let mut first = numbers.start;
    while first < numbers.end {
        let next = numbers.end.min(first + AT_ONCE);
        let transaction = database.begin_write()?;
        {
            let mut table = transaction.open_table(KEYS)?;
            for number in first..next {
                table.insert(key(number), number)?;
            }
        }
        transaction.commit()?;
        first = next;
    }
    Ok(())
}

/// Looks for each key of that many numbers, and that they are in order.
///
/// # Errors
/// What is missing or too much, and what redb says.
pub fn check(database: &Database, count: u64) -> Outcome<()> {
    let table = database.begin_read()?.open_table(KEYS)?;
    wrong("keys", table.len()?, count)?;
    for number in 0..count {
        wrong("a value", table.get(key(number))?.map(|found| found.value()), Some(number))?;
    }
    let mut last = None;
    for entry in table.iter()? {
        let found = Some(entry?.0.value());
        if found <= last {
            return Err("the keys are out of order".into());
        }
        last = found;
    }
    Ok(())
}

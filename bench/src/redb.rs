//! Files in redb, beside plain redb.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use anystorage_api::StorageBackend;
use anystorage_native::redb::RedbOptions;
use redb::{Builder, Database, ReadableDatabase, TableDefinition};

use crate::kv::{Plain, Subject, Tuning};
use crate::measure::{Outcome, part_mut};

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("values");

#[derive(Debug)]
pub(crate) struct Redb;

#[derive(Debug)]
pub(crate) struct PlainRedb(Database);

impl Subject for Redb {
    const NAME: &'static str = "redb";
    const COMMITS: &'static [(&'static str, bool)] =
        &[("puts, one durable commit", true), ("the same, opened in no time after a kill (quick repair)", true)];
    type Plain = PlainRedb;

    fn engine(place: &Path, tuning: Tuning) -> Result<Box<dyn StorageBackend>, Box<dyn Error>> {
        let mut options = RedbOptions::new();
        if let Some(bytes) = tuning.cache {
            options = options.cache_bytes(bytes);
        }
        if let Some(bytes) = tuning.block_size {
            options = options.block_size(Some(bytes));
        }
        Ok(Box::new(anystorage_native::redb::open(place, &options)?))
    }

    fn plain(place: &Path, cache: Option<usize>) -> Result<PlainRedb, Box<dyn Error>> {
        let mut builder = Builder::new();
        if let Some(bytes) = cache {
            builder.set_cache_size(bytes);
        }
        let database = builder.create(place)?;
        let transaction = database.begin_write()?;
        transaction.open_table(TABLE)?;
        transaction.commit()?;
        Ok(PlainRedb(database))
    }
}

impl Plain for PlainRedb {
    fn put(&self, keys: &[u64], value: &[u8], way: usize) -> Outcome {
        let mut transaction = self.0.begin_write()?;
        transaction.set_quick_repair(way == 1);
        {
            let mut table = transaction.open_table(TABLE)?;
            for key in keys {
                table.insert(key, value)?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn get(&self, keys: &[u64], into: &mut [u8]) -> Outcome {
        for key in keys {
            let table = self.0.begin_read()?.open_table(TABLE)?;
            let value = table.get(key)?.ok_or("a value is missing")?;
            into.copy_from_slice(value.value());
            black_box(&into);
        }
        Ok(())
    }

    fn scan(&self, first: u64, count: usize, into: &mut [u8]) -> Outcome {
        let table = self.0.begin_read()?.open_table(TABLE)?;
        let mut seen = 0;
        for entry in table.range(first..first + count as u64)? {
            let (_, value) = entry?;
            let len = value.value().len();
            part_mut(into, 0, len)?.copy_from_slice(value.value());
            black_box(&into);
            seen += 1;
        }
        if seen == count { Ok(()) } else { Err(format!("{seen} of {count} values").into()) }
    }
}

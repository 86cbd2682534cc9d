//! Files in sled, beside plain sled.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;

use anystorage_api::StorageBackend;
use anystorage_native::sled::SledOptions;

use crate::kv::{Plain, Subject, Tuning};
use crate::measure::{Outcome, part_mut};

#[derive(Debug)]
pub(crate) struct Sled;

#[derive(Debug)]
pub(crate) struct PlainSled {
    store: sled::Db,
    /// The file that sled writes, for the fsync that its own flush leaves out.
    file: File,
}

impl Subject for Sled {
    const NAME: &'static str = "sled";
    const COMMITS: &'static [(&'static str, bool)] =
        &[("puts, flush, fsync", true), ("puts, flush alone (does not outlive a power cut)", false)];
    type Plain = PlainSled;

    fn engine(place: &Path, tuning: Tuning) -> Result<Box<dyn StorageBackend>, Box<dyn Error>> {
        let mut options = SledOptions::new();
        if let Some(bytes) = tuning.cache {
            options = options.cache_bytes(bytes as u64);
        }
        if let Some(bytes) = tuning.block_size {
            options = options.block_size(bytes);
        }
        Ok(Box::new(anystorage_native::sled::open(place, &options)?))
    }

    fn plain(place: &Path, cache: Option<usize>) -> Result<PlainSled, Box<dyn Error>> {
        let mut config = sled::Config::new().path(place);
        if let Some(bytes) = cache {
            config = config.cache_capacity(bytes as u64);
        }
        let store = config.open()?;
        let file = File::open(place.join("db"))?;
        Ok(PlainSled { store, file })
    }
}

impl Plain for PlainSled {
    fn put(&self, keys: &[u64], value: &[u8], way: usize) -> Outcome {
        let mut batch = sled::Batch::default();
        for key in keys {
            batch.insert(&key.to_be_bytes(), value);
        }
        self.store.apply_batch(batch)?;
        self.store.flush()?;
        if way == 0 {
            self.file.sync_data()?;
        }
        Ok(())
    }

    fn get(&self, keys: &[u64], into: &mut [u8]) -> Outcome {
        for key in keys {
            let value = self.store.get(key.to_be_bytes())?.ok_or("a value is missing")?;
            into.copy_from_slice(&value);
            black_box(&into);
        }
        Ok(())
    }

    fn scan(&self, first: u64, count: usize, into: &mut [u8]) -> Outcome {
        let mut seen = 0;
        for entry in self.store.range(first.to_be_bytes()..(first + count as u64).to_be_bytes()) {
            let (_, value) = entry?;
            part_mut(into, 0, value.len())?.copy_from_slice(&value);
            black_box(&into);
            seen += 1;
        }
        if seen == count { Ok(()) } else { Err(format!("{seen} of {count} values").into()) }
    }
}

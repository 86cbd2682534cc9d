//! A file larger than memory, with one sync at its end.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use anystorage_api::{OpenOptions, StoragePath};
use serde::{Deserialize, Serialize};

use super::content::fill;
use super::counters::{peak_addresses, peak_memory};
use super::location::open;
use super::progress;
use crate::Engine;
use crate::measure::at_once;
use crate::scale::STEP;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Streamed {
    pub(crate) bytes: u64,
    pub(crate) ns: f64,
    pub(crate) peak_memory: u64,
    pub(crate) peak_addresses: u64,
}

/// Writes the file and syncs it once.
pub(crate) fn write(engine: Engine, place: &Path, bytes: u64) -> Result<Streamed, Box<dyn Error>> {
    let storage = open(engine, place)?;
    let progress = progress("writing one file, MiB", bytes / STEP as u64);
    let start = Instant::now();
    let file = at_once(storage.open(&StoragePath::parse("large")?, &OpenOptions::editing().create_new(true)))?;
    let mut data = vec![0; STEP];
    for offset in (0..bytes).step_by(STEP) {
        fill(bytes, offset, &mut data);
        at_once(file.write_at(offset, &data))?;
        progress.inc(1);
    }
    at_once(file.sync())?;
    let ns = start.elapsed().as_nanos() as f64;
    progress.finish_and_clear();
    at_once(file.close())?;
    at_once(storage.close())?;
    Ok(Streamed { bytes, ns, peak_memory: peak_memory()?, peak_addresses: peak_addresses()? })
}

/// Reads all of it, and compares each byte.
pub(crate) fn read(engine: Engine, place: &Path, bytes: u64) -> Result<Streamed, Box<dyn Error>> {
    let storage = open(engine, place)?;
    let progress = progress("reading it, MiB", bytes / STEP as u64);
    let start = Instant::now();
    let file = at_once(storage.open(&StoragePath::parse("large")?, &OpenOptions::new().read(true)))?;
    let len = at_once(file.stat())?.len;
    if len != bytes {
        return Err(format!("{bytes} bytes were written, and {len} are there").into());
    }
    let (mut found, mut expected) = (vec![0; STEP], vec![0; STEP]);
    for offset in (0..bytes).step_by(STEP) {
        let count = at_once(file.read_at(offset, &mut found))?;
        fill(bytes, offset, &mut expected);
        if count != STEP || found != expected {
            return Err(format!("the MiB at {offset} has other bytes than were written").into());
        }
        progress.inc(1);
    }
    let ns = start.elapsed().as_nanos() as f64;
    progress.finish_and_clear();
    at_once(file.close())?;
    at_once(storage.close())?;
    Ok(Streamed { bytes, ns, peak_memory: peak_memory()?, peak_addresses: peak_addresses()? })
}

//! A location with many small files in directories of a thousand: what things cost there.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
use serde::{Deserialize, Serialize};

use super::content::{fill as fill_with, mixed};
use super::counters::peak_memory;
use super::location::{Opening, open, open_in_steps};
use super::progress;
use crate::Engine;
use crate::measure::{Outcome, at_once};

/// Bytes of a file.
const LEN: usize = 4096;

/// Files of a directory.
const IN_A_DIRECTORY: u64 = 1000;

/// Files created for one sync.
const FOR_ONE_SYNC: u64 = 10_000;

/// Files that are looked at, at random.
const VISITS: u64 = 1000;

/// Files created in front of the kill, and removed at the end.
pub(crate) const FEW: u64 = 500;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Filled {
    /// Nanoseconds for each file, its share of the syncs included.
    pub(crate) create_ns: f64,
    pub(crate) peak_memory: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Visited {
    /// Nanoseconds for each.
    pub(crate) stat_ns: f64,
    /// To open a file and read its 4 KiB.
    pub(crate) read_ns: f64,
    /// To list a page of a thousand.
    pub(crate) list_ns: f64,
    pub(crate) peak_memory: u64,
}

fn directory_of(number: u64) -> Result<StoragePath, Box<dyn Error>> {
    Ok(StoragePath::parse(&format!("directory-{:06}", number / IN_A_DIRECTORY))?)
}

fn path_of(number: u64) -> Result<StoragePath, Box<dyn Error>> {
    Ok(directory_of(number)?.join(&format!("file-{:03}", number % IN_A_DIRECTORY))?)
}

fn create(storage: &dyn StorageBackend, number: u64, path: &StoragePath, data: &mut [u8]) -> Outcome {
    fill_with(number, 0, data);
    let file = at_once(storage.open(path, &OpenOptions::new().write(true).create_new(true)))?;
    at_once(file.write_at(0, data))?;
    at_once(file.close())
}

pub(crate) fn fill(engine: Engine, place: &Path, files: u64) -> Result<Filled, Box<dyn Error>> {
    let storage = open(engine, place)?;
    let progress = progress("creating files", files);
    let mut data = vec![0; LEN];
    let start = Instant::now();
    for number in 0..files {
        if number % IN_A_DIRECTORY == 0 {
            at_once(storage.create_dir(&directory_of(number)?))?;
        }
        create(&*storage, number, &path_of(number)?, &mut data)?;
        if (number + 1) % FOR_ONE_SYNC == 0 {
            at_once(storage.sync())?;
            progress.set_position(number + 1);
        }
    }
    at_once(storage.sync())?;
    let create_ns = start.elapsed().as_nanos() as f64 / files as f64;
    progress.finish_and_clear();
    at_once(storage.close())?;
    Ok(Filled { create_ns, peak_memory: peak_memory()? })
}

/// Only opens what was closed.
pub(crate) fn open_and_close(engine: Engine, place: &Path) -> Result<Opening, Box<dyn Error>> {
    let (storage, opening) = open_in_steps(engine, place)?;
    at_once(storage.close())?;
    Ok(opening)
}

pub(crate) fn visit(engine: Engine, place: &Path, files: u64) -> Result<Visited, Box<dyn Error>> {
    let storage = open(engine, place)?;
    let chosen: Vec<u64> = (0..VISITS).map(|visit| mixed(visit) % files).collect();
    let paths: Vec<StoragePath> = chosen.iter().map(|number| path_of(*number)).collect::<Result<_, _>>()?;

    let start = Instant::now();
    for path in &paths {
        let len = at_once(storage.stat(path))?.len;
        if len != LEN as u64 {
            return Err(format!("{path} has {len} bytes").into());
        }
    }
    let stat_ns = start.elapsed().as_nanos() as f64 / paths.len() as f64;

    let (mut found, mut expected) = (vec![0; LEN], vec![0; LEN]);
    let mut read_ns = 0.0;
    for (number, path) in chosen.iter().zip(&paths) {
        let start = Instant::now();
        let file = at_once(storage.open(path, &OpenOptions::new().read(true)))?;
        let count = at_once(file.read_at(0, &mut found))?;
        at_once(file.close())?;
        read_ns += start.elapsed().as_nanos() as f64 / paths.len() as f64;
        fill_with(*number, 0, &mut expected);
        if count != LEN || found != expected {
            return Err(format!("{path} has other bytes than were written").into());
        }
    }

    let directories = files.div_ceil(IN_A_DIRECTORY);
    let pages: Vec<u64> = (0..9).map(|page| mixed(page) % directories).collect();
    let mut times = Vec::new();
    for page in pages {
        let directory = directory_of(page * IN_A_DIRECTORY)?;
        let start = Instant::now();
        let entries = at_once(storage.list(&directory, None, IN_A_DIRECTORY as usize))?;
        times.push(start.elapsed().as_nanos() as f64);
        let expected = (page * IN_A_DIRECTORY..files).take(IN_A_DIRECTORY as usize).map(path_of).collect::<Result<Vec<_>, _>>()?;
        let same = entries.iter().map(|entry| Some(entry.name.as_str())).eq(expected.iter().map(StoragePath::file_name));
        if !same {
            return Err(format!("{directory} lists {} other entries than {}", entries.len(), expected.len()).into());
        }
    }
    times.sort_by(f64::total_cmp);
    let list_ns = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
    at_once(storage.close())?;
    Ok(Visited { stat_ns, read_ns, list_ns, peak_memory: peak_memory()? })
}

fn added(number: u64) -> Result<StoragePath, Box<dyn Error>> {
    Ok(StoragePath::parse(&format!("added/file-{number:03}"))?)
}

/// Creates a few files more, syncs them, and does `then` without closing.
pub(crate) fn add_and(engine: Engine, place: &Path, files: u64, then: impl FnOnce() -> Outcome) -> Outcome {
    let storage = open(engine, place)?;
    at_once(storage.create_dir(&StoragePath::parse("added")?))?;
    let mut data = vec![0; LEN];
    for number in 0..FEW {
        create(&*storage, files + number, &added(number)?, &mut data)?;
    }
    at_once(storage.sync())?;
    then()
}

/// Opens what was left by a kill, and looks at what was synced before it.
pub(crate) fn open_after_kill(engine: Engine, place: &Path, files: u64) -> Result<Opening, Box<dyn Error>> {
    let (storage, opening) = open_in_steps(engine, place)?;
    let mut expected = vec![0; LEN];
    for number in 0..FEW {
        fill_with(files + number, 0, &mut expected);
        let path = added(number)?;
        if at_once(storage.read(&path))? != expected {
            return Err(format!("{path} was synced before the kill, and has other bytes").into());
        }
    }
    at_once(storage.close())?;
    Ok(opening)
}

/// Removes a few files with one sync; the answer is nanoseconds for each.
pub(crate) fn remove(engine: Engine, place: &Path, files: u64) -> Result<f64, Box<dyn Error>> {
    let storage = open(engine, place)?;
    // Far from one another, each once.
    let apart = (files / FEW).max(1);
    let gone: Vec<StoragePath> = (0..FEW.min(files)).map(|number| path_of(number * apart)).collect::<Result<_, _>>()?;
    let start = Instant::now();
    for path in &gone {
        at_once(storage.remove_file(path))?;
    }
    at_once(storage.sync())?;
    let remove_ns = start.elapsed().as_nanos() as f64 / gone.len() as f64;
    if let Some(path) = gone.iter().find(|path| at_once(storage.stat(path)).is_ok()) {
        return Err(format!("{path} was removed and is there").into());
    }
    at_once(storage.close())?;
    Ok(remove_ns)
}

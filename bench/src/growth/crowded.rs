//! One directory with very many entries.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
use serde::{Deserialize, Serialize};

use super::content::mixed;
use super::counters::peak_memory;
use super::location::open;
use super::progress;
use crate::Engine;
use crate::measure::{Outcome, at_once};

/// Entries of a page.
const PAGE: usize = 1000;

/// Changes for one sync.
const FOR_ONE_SYNC: usize = 10_000;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Crowd {
    pub(crate) entries: u64,
    /// Nanoseconds for each entry, its share of the syncs included.
    pub(crate) create_ns: f64,
    /// Nanoseconds to list all, page by page.
    pub(crate) list_ns: f64,
    /// Nanoseconds for each entry, its share of the syncs included.
    pub(crate) remove_ns: f64,
    pub(crate) peak_memory: u64,
}

/// Creates, lists and removes them, and checks each name each time, before and after the location is opened anew.
pub(crate) fn crowd(engine: Engine, place: &Path, entries: u64) -> Result<Crowd, Box<dyn Error>> {
    let directory = StoragePath::parse("crowded")?;
    let storage = open(engine, place)?;
    at_once(storage.create_dir(&directory))?;
    // Their names have another order than their creation.
    let names: Vec<String> = (0..entries).map(|number| format!("{:016x}", mixed(number))).collect();
    let sorted: BTreeSet<&str> = names.iter().map(String::as_str).collect();

    let creating = OpenOptions::new().write(true).create_new(true);
    let create_ns =
        for_each(&*storage, "creating entries", &names, |name| at_once(at_once(storage.open(&directory.join(name)?, &creating))?.close()))?;
    let list_ns = check(&*storage, &directory, &sorted)?;
    at_once(storage.close())?;
    let storage = open(engine, place)?;
    check(&*storage, &directory, &sorted)?;

    let (first, second) = names.split_at(names.len() / 2);
    let removing =
        |names: &[String]| for_each(&*storage, "removing entries", names, |name| at_once(storage.remove_file(&directory.join(name)?)));
    let first_ns = removing(first)?;
    check(&*storage, &directory, &second.iter().map(String::as_str).collect())?;
    let remove_ns = (first_ns + removing(second)?) / 2.0;
    check(&*storage, &directory, &BTreeSet::new())?;
    at_once(storage.remove_dir(&directory))?;
    at_once(storage.sync())?;
    at_once(storage.close())?;
    Ok(Crowd { entries, create_ns, list_ns, remove_ns, peak_memory: peak_memory()? })
}

/// Does it for each name, with a sync now and then; the answer is nanoseconds for each.
fn for_each(
    storage: &dyn StorageBackend,
    what: &'static str,
    names: &[String],
    call: impl Fn(&str) -> Outcome,
) -> Result<f64, Box<dyn Error>> {
    let progress = progress(what, names.len() as u64);
    let start = Instant::now();
    for some in names.chunks(FOR_ONE_SYNC) {
        some.iter().try_for_each(|name| call(name))?;
        at_once(storage.sync())?;
        progress.inc(some.len() as u64);
    }
    progress.finish_and_clear();
    Ok(start.elapsed().as_nanos() as f64 / names.len() as f64)
}

/// Lists all by pages, and compares names, order and count.
fn check(storage: &dyn StorageBackend, directory: &StoragePath, expected: &BTreeSet<&str>) -> Result<f64, Box<dyn Error>> {
    let mut names: Vec<String> = Vec::new();
    let start = Instant::now();
    loop {
        let page = at_once(storage.list(directory, names.last().map(String::as_str), PAGE))?;
        let full = page.len() == PAGE;
        names.extend(page.into_iter().map(|entry| entry.name));
        if !full {
            break;
        }
    }
    let ns = start.elapsed().as_nanos() as f64;
    if names.iter().map(String::as_str).eq(expected.iter().copied()) {
        return Ok(ns);
    }
    Err(format!("{} entries are listed, not the {} that are there in their order", names.len(), expected.len()).into())
}

//! Files over a key-value store, beside the store itself: the same bytes as plain values under plain keys. Each has the memory that it has by
//! default; random reads are measured with equal memory.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use anystorage_api::{OpenOptions, StorageBackend, StorageFile, StoragePath};

use crate::disk::disk_bytes;
use crate::measure::{Medians, Outcome, at_once, nothing, pair, part, part_mut};
use crate::report::Report;
use crate::scale::{BLOCK, STEP, Scale, bytes};

/// How many times the floor the engine may take.
const GOAL: f64 = 2.0;

/// An engine over a store, and the store.
pub(crate) trait Subject {
    /// The name in the report.
    const NAME: &'static str;

    /// The ways in which the plain store commits durably: the name in the report, and whether the goal is measured against it.
    const COMMITS: &'static [(&'static str, bool)];

    /// The plain store.
    type Plain: Plain;

    /// The engine in `place`.
    fn engine(place: &Path, tuning: Tuning) -> Result<Box<dyn StorageBackend>, Box<dyn Error>>;

    /// The store in `place`, with so many bytes of memory; none for what it has by default.
    fn plain(place: &Path, cache: Option<usize>) -> Result<Self::Plain, Box<dyn Error>>;
}

/// What of an engine is chosen; none for what it has by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tuning {
    /// Bytes of a block.
    pub(crate) block_size: Option<usize>,
    /// Bytes of memory for what is stored.
    pub(crate) cache: Option<usize>,
}

/// What is done with a plain store.
pub(crate) trait Plain {
    /// Puts `value` under all keys, in one durable commit, done in the way that has this number among [`Subject::COMMITS`].
    fn put(&self, keys: &[u64], value: &[u8], way: usize) -> Outcome;

    /// Gets all keys, one after another, and copies each value.
    fn get(&self, keys: &[u64], into: &mut [u8]) -> Outcome;

    /// Goes over the first `count` entries from `first`, and copies each value.
    fn scan(&self, first: u64, count: usize, into: &mut [u8]) -> Outcome;
}

/// Where the records of small things begin among the plain store's keys: beyond the blocks of the large file.
const RECORDS: u64 = 1 << 40;

/// Bytes of a plain record that stands for what is known of a file.
const RECORD: usize = 64;

pub(crate) fn measure<S: Subject>(scale: &Scale, place: &Path, block_size: Option<usize>, report: &mut Report) -> Outcome {
    let tuning = Tuning { block_size, cache: None };
    let place = place.join(S::NAME);
    fs::create_dir(&place)?;
    let (ours, floor) = (place.join("engine"), place.join("floor"));
    let (storage, plain) = (S::engine(&ours, tuning)?, S::plain(&floor, None)?);
    overwrites::<S>(scale, (&*storage, &ours), (&plain, &floor), report)?;
    small_files::<S>(scale, &*storage, &plain, report)?;
    streams::<S>(scale, &*storage, &plain, report)?;
    tree::<S>(scale, &*storage, &plain, report)?;
    at_once(storage.close())?;
    drop((storage, plain));
    for (case, cache) in [("4 KiB random read, small cache", scale.cache), ("4 KiB random read, all cached", scale.large * 4)] {
        let (storage, plain) = (S::engine(&ours, Tuning { cache: Some(cache), ..tuning })?, S::plain(&floor, Some(cache))?);
        reads::<S>(case, scale, &*storage, &plain, report)?;
        at_once(storage.close())?;
    }
    opening::<S>(scale, &ours, &floor, report)?;
    report.add_space(S::NAME, "at the end", disk_bytes(&ours)?, disk_bytes(&floor)?);
    Ok(())
}

fn large(storage: &dyn StorageBackend) -> Result<Box<dyn StorageFile>, Box<dyn Error>> {
    at_once(storage.open(&StoragePath::parse("large")?, &OpenOptions::editing().create(true)))
}

/// 4 KiB at a time into a large file, one sync at the end.
fn overwrites<S: Subject>(
    scale: &Scale,
    (storage, ours): (&dyn StorageBackend, &Path),
    (plain, floor): (&S::Plain, &Path),
    report: &mut Report,
) -> Outcome {
    let data = bytes(STEP);
    let file = large(storage)?;
    for offset in scale.steps() {
        at_once(file.write_at(offset as u64, &data))?;
    }
    at_once(file.sync())?;
    let block = part(&data, 0, BLOCK)?;
    let keys: Vec<u64> = (0..(scale.large / BLOCK) as u64).collect();
    keys.chunks(STEP / BLOCK).try_for_each(|keys| plain.put(keys, block, 0))?;
    report.add_space(S::NAME, "the large file", disk_bytes(ours)?, disk_bytes(floor)?);
    let offsets: Vec<usize> = scale.offsets().into_iter().take(scale.overwrites).collect();
    let keys: Vec<u64> = offsets.iter().map(|offset| (offset / BLOCK) as u64).collect();
    for (way, (floor, goal)) in S::COMMITS.iter().enumerate() {
        let medians = pair(
            scale.rounds,
            offsets.len(),
            || {
                offsets.iter().try_for_each(|offset| at_once(file.write_at(*offset as u64, block)))?;
                at_once(file.sync())
            },
            || plain.put(&keys, block, way),
            nothing,
        )?;
        report.add(S::NAME, "4 KiB overwrites, one sync", floor, goal.then_some(GOAL), medians);
    }
    Ok(())
}

fn reads<S: Subject>(case: &'static str, scale: &Scale, storage: &dyn StorageBackend, plain: &S::Plain, report: &mut Report) -> Outcome {
    let file = large(storage)?;
    let offsets = scale.offsets();
    let keys: Vec<u64> = offsets.iter().map(|offset| (offset / BLOCK) as u64).collect();
    let (mut into, mut by_hand) = (vec![0; BLOCK], vec![0; BLOCK]);
    let medians = pair(
        scale.rounds,
        offsets.len(),
        || {
            for offset in &offsets {
                at_once(file.read_at(*offset as u64, &mut into))?;
                black_box(&into);
            }
            Ok(())
        },
        || plain.get(&keys, &mut by_hand),
        nothing,
    )?;
    report.add(S::NAME, case, "get of a 4 KiB value", Some(GOAL), medians);
    Ok(())
}

/// New files of 4 KiB, with a sync each and with one for all.
fn small_files<S: Subject>(scale: &Scale, storage: &dyn StorageBackend, plain: &S::Plain, report: &mut Report) -> Outcome {
    let data = bytes(BLOCK);
    let directory = StoragePath::parse("small")?;
    at_once(storage.create_dir(&directory))?;
    at_once(storage.sync())?;
    // Never the same name or key twice.
    let (mut files, mut keys) = (0_usize, RECORDS);
    let mut create = |sync: bool| -> Outcome {
        files += 1;
        let path = directory.join(&format!("file-{files}"))?;
        let file = at_once(storage.open(&path, &OpenOptions::new().write(true).create_new(true)))?;
        at_once(file.write_at(0, &data))?;
        if sync {
            at_once(file.sync())?;
        }
        at_once(file.close())
    };
    let mut next = |count: usize| -> Vec<u64> {
        let first = keys;
        keys += count as u64;
        (first..keys).collect()
    };
    for (way, (floor, goal)) in S::COMMITS.iter().enumerate() {
        let medians = pair(
            scale.synced_rounds,
            scale.synced,
            || (0..scale.synced).try_for_each(|_| create(true)),
            || next(scale.synced).chunks(1).try_for_each(|key| plain.put(key, &data, way)),
            nothing,
        )?;
        report.add(S::NAME, "4 KiB file created, synced", floor, goal.then_some(GOAL), medians);
    }
    let (floor, _) = S::COMMITS.first().ok_or("no way to commit")?;
    let medians = pair(
        scale.rounds,
        scale.files,
        || {
            (0..scale.files).try_for_each(|_| create(false))?;
            at_once(storage.sync())
        },
        || plain.put(&next(scale.files), &data, 0),
        nothing,
    )?;
    report.add(S::NAME, "4 KiB files created, one sync", floor, None, medians);
    Ok(())
}

/// A large file written anew and read, beside values of 4 KiB in one commit.
fn streams<S: Subject>(scale: &Scale, storage: &dyn StorageBackend, plain: &S::Plain, report: &mut Report) -> Outcome {
    let data = bytes(STEP);
    let (path, options) = (StoragePath::parse("stream")?, OpenOptions::editing().truncate(true));
    let keys: Vec<u64> = (0..(scale.large / BLOCK) as u64).collect();
    let block = part(&data, 0, BLOCK)?;
    let medians = pair(
        scale.stream_rounds,
        1,
        || {
            let file = at_once(storage.open(&path, &options))?;
            scale.steps().try_for_each(|offset| at_once(file.write_at(offset as u64, &data)))?;
            at_once(file.sync())
        },
        || plain.put(&keys, block, 0),
        nothing,
    )?;
    report.add_stream(S::NAME, "stream write, one sync", "values of 4 KiB, one commit", scale.large, medians);

    let file = at_once(storage.open(&path, &OpenOptions::new().read(true)))?;
    let (mut into, mut by_hand) = (vec![0; STEP], vec![0; BLOCK]);
    let medians = pair(
        scale.stream_rounds,
        1,
        || {
            for offset in scale.steps() {
                at_once(file.read_at(offset as u64, &mut into))?;
                black_box(part_mut(&mut into, 0, BLOCK)?);
            }
            Ok(())
        },
        || plain.scan(0, scale.large / BLOCK, &mut by_hand),
        nothing,
    )?;
    report.add_stream(S::NAME, "stream read", "scan of values of 4 KiB", scale.large, medians);
    Ok(())
}

/// What is known of files, and of many in one directory.
fn tree<S: Subject>(scale: &Scale, storage: &dyn StorageBackend, plain: &S::Plain, report: &mut Report) -> Outcome {
    let directory = StoragePath::parse("many")?;
    at_once(storage.create_dir(&directory))?;
    let paths: Vec<StoragePath> = (0..scale.listed).map(|number| directory.join(&format!("file-{number}"))).collect::<Result<_, _>>()?;
    for path in &paths {
        let file = at_once(storage.open(path, &OpenOptions::new().write(true).create_new(true)))?;
        at_once(file.close())?;
    }
    at_once(storage.sync())?;
    let first = RECORDS * 2;
    let keys: Vec<u64> = (first..first + scale.listed as u64).collect();
    plain.put(&keys, &bytes(RECORD), 0)?;

    let order = scale.offsets();
    let chosen: Vec<&StoragePath> = order.iter().filter_map(|offset| paths.get(offset / BLOCK % paths.len())).collect();
    let chosen_keys: Vec<u64> = order.iter().map(|offset| first + (offset / BLOCK % paths.len()) as u64).collect();
    let mut record = vec![0; RECORD];
    let medians = pair(
        scale.rounds,
        chosen.len(),
        || {
            for path in &chosen {
                black_box(at_once(storage.stat(path))?);
            }
            Ok(())
        },
        || plain.get(&chosen_keys, &mut record),
        nothing,
    )?;
    report.add(S::NAME, "stat", "get of a small value", None, medians);

    let medians: Medians = pair(
        scale.stream_rounds,
        1,
        || {
            let found = at_once(storage.list(&directory, None, scale.listed))?;
            if found.len() == scale.listed { Ok(()) } else { Err(format!("{} of {} are listed", found.len(), scale.listed).into()) }
        },
        || plain.scan(first, scale.listed, &mut record),
        nothing,
    )?;
    report.add(S::NAME, "list of many", "scan of small values", None, medians);
    Ok(())
}

/// Opening what was closed.
fn opening<S: Subject>(scale: &Scale, ours: &Path, floor: &Path, report: &mut Report) -> Outcome {
    let opened = std::cell::Cell::new(None);
    let plain = std::cell::Cell::new(None);
    let medians = pair(
        scale.stream_rounds,
        1,
        || {
            opened.set(Some(S::engine(ours, Tuning::default())?));
            Ok(())
        },
        || {
            plain.set(Some(S::plain(floor, None)?));
            Ok(())
        },
        || {
            drop(plain.take());
            match opened.take() {
                Some(storage) => at_once(storage.close()),
                None => Ok(()),
            }
        },
    )?;
    report.add(S::NAME, "open what was closed", "open of the store", None, medians);
    Ok(())
}

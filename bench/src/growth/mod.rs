//! What grows with what is stored, and what does not: `anystorage-bench scale`.

mod bounded;
pub(crate) mod child;
mod content;
mod counted;
mod counters;
mod crowded;
mod location;
mod many;
mod sparse;
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::disk::disk_bytes;
use crate::{Engine, Format};
use child::{Job, Task};

/// Engines with little and with much in them, side by side; every byte that is read is compared with what was written.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many files are many.
    #[arg(long, default_value_t = 1_000_000)]
    files: u64,
    /// Which engines. [default: redb and sled]
    #[arg(long, value_enum)]
    engine: Vec<Engine>,
    /// What of it. [default: all]
    #[arg(long, value_enum)]
    part: Vec<Part>,
    /// MiB of the file that is larger than memory.
    #[arg(long, default_value_t = 2048)]
    large: u64,
    /// MiB of addresses that the process may have that writes and reads it.
    #[arg(long, default_value_t = 256)]
    limit: u64,
    /// Where to make the locations, on the disk that is to be measured. [default: the system's place for temporary files]
    #[arg(long)]
    directory: Option<PathBuf>,
    /// How to show the figures.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Locations with a thousand files and with many.
    Many,
    /// A directory of 100,000 entries.
    Crowded,
    /// A file of a tebibyte that is nearly all holes.
    Sparse,
    /// A file larger than memory.
    Bounded,
}

/// How many files are few.
const FEW: u64 = 1000;

/// Entries of the crowded directory.
const ENTRIES: u64 = 100_000;

/// What was found of one engine.
#[derive(Debug, Serialize)]
struct Grown {
    engine: Engine,
    /// A location with few files, and one with many.
    many: Vec<Many>,
    crowded: Option<crowded::Crowd>,
    sparse: Option<sparse::Sparse>,
    bounded: Option<Bounded>,
}

#[derive(Debug, Serialize)]
struct Many {
    files: u64,
    filled: many::Filled,
    /// On the disk, after the fill.
    disk_bytes: u64,
    opened: location::Opening,
    visited: many::Visited,
    opened_after_kill: location::Opening,
    /// Nanoseconds for each of some files, their share of the sync included.
    remove_ns: f64,
}

#[derive(Debug, Serialize)]
struct Bounded {
    /// The limit of the writing, in bytes of addresses.
    limit: u64,
    /// The limit of the reading; none for a store that does not keep one.
    read_limit: Option<u64>,
    written: bounded::Streamed,
    read: bounded::Streamed,
    disk_bytes: u64,
}

pub(crate) fn run(options: &Options) -> crate::measure::Outcome {
    let wanted = |part| options.part.is_empty() || options.part.contains(&part);
    let engines: &[Engine] = if options.engine.is_empty() { &[Engine::Redb, Engine::Sled] } else { &options.engine };
    let mut found = Vec::new();
    for engine in engines.iter().copied() {
        let mut grown = Grown { engine, many: Vec::new(), crowded: None, sparse: None, bounded: None };
        if wanted(Part::Many) {
            for files in [FEW, options.files] {
                grown.many.push(in_place(options, |place| many(engine, place, files))?);
            }
        }
        if wanted(Part::Crowded) {
            let task = || Task::Crowd { entries: ENTRIES };
            grown.crowded = Some(in_place(options, |place| Job::new(engine, place, task()).run())?);
        }
        if wanted(Part::Sparse) {
            grown.sparse = Some(in_place(options, |place| Job::new(engine, place, Task::Sparse).run())?);
        }
        if wanted(Part::Bounded) {
            grown.bounded = Some(in_place(options, |place| bounded(engine, place, options.large << 20, options.limit << 20))?);
        }
        if matches!(options.format, Format::Table) {
            print!("{}", table::of(&grown));
        }
        found.push(grown);
    }
    if matches!(options.format, Format::Json) {
        println!("{}", serde_json::to_string_pretty(&found)?);
    }
    Ok(())
}

/// With a place for one location, which is gone afterwards.
fn in_place<T>(options: &Options, work: impl FnOnce(&Path) -> Result<T, Box<dyn Error>>) -> Result<T, Box<dyn Error>> {
    let directory = match &options.directory {
        Some(directory) => tempfile::tempdir_in(directory)?,
        None => tempfile::tempdir()?,
    };
    work(&directory.path().join("location"))
}

fn many(engine: Engine, place: &Path, files: u64) -> Result<Many, Box<dyn Error>> {
    let filled = Job::new(engine, place, Task::Fill { files }).run()?;
    let disk_bytes = disk_bytes(place)?;
    let opened = Job::new(engine, place, Task::Open).run()?;
    let visited = Job::new(engine, place, Task::Visit { files }).run()?;
    Job::new(engine, place, Task::AddAndWait { files }).run_and_kill()?;
    let opened_after_kill = Job::new(engine, place, Task::OpenAfterKill { files }).run()?;
    let remove_ns = Job::new(engine, place, Task::Remove { files }).run()?;
    Ok(Many { files, filled, disk_bytes, opened, visited, opened_after_kill, remove_ns })
}

fn bounded(engine: Engine, place: &Path, bytes: u64, limit: u64) -> Result<Bounded, Box<dyn Error>> {
    let written = Job::new(engine, place, Task::WriteLarge { bytes }).limited(limit).run()?;
    // sled keeps much more than its cache of what it reads: how much is in the report.
    let read_limit = (engine != Engine::Sled).then_some(limit);
    let mut reading = Job::new(engine, place, Task::ReadLarge { bytes });
    reading.limit = read_limit;
    let read = reading.run()?;
    Ok(Bounded { limit, read_limit, written, read, disk_bytes: disk_bytes(place)? })
}

/// Where a person looks on, how far it is.
fn progress(what: &'static str, len: u64) -> ProgressBar {
    let bar = ProgressBar::new(len).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg}: {human_pos} of {human_len} {wide_bar} {eta}") {
        bar.set_style(style);
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(500));
    }
    bar
}

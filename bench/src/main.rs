//! Engines beside the floor of their platform, in one run: what the plug costs.
//!
//! ```text
//! cargo run --release -p anystorage-bench
//! ```
//!
//! Every line is a pair: an engine through `dyn StorageBackend`, each call polled once on this thread, and the same work done by hand with
//! nothing in between. Both run in turn, round after round; the figures are medians over the rounds, per operation.

mod boxed;
mod disk;
mod files;
mod growth;
mod kv;
mod measure;
mod memory;
mod redb;
mod report;
mod scale;
mod sled;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use report::Report;
use scale::Scale;

/// Measures the engines beside what the platform does by itself.
#[derive(Debug, Parser)]
#[command(name = "anystorage-bench", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How to show the figures.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Small and few: shows that everything runs. The figures say little.
    #[arg(long)]
    quick: bool,
    /// Where to make the directory for files, on the disk that is to be measured. [default: the system's place for temporary files]
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Measures this engine alone.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Bytes of a block, of engines over a key-value store. [default: the engine's own]
    #[arg(long)]
    block_size: Option<usize>,
    /// Exits with 1 if a goal is missed.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows what grows with what is stored.
    Scale(growth::Options),
    /// Does a part of the work of `scale`, in a process of its own.
    #[command(hide = true)]
    Child {
        /// What to do, as JSON.
        job: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Engine {
    Memory,
    Files,
    Redb,
    Sled,
}

impl Engine {
    const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Files => "files",
            Self::Redb => "redb",
            Self::Sled => "sled",
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    match &arguments.command {
        Some(Command::Scale(options)) => return growth::run(options).map(|()| ExitCode::SUCCESS),
        Some(Command::Child { job }) => return growth::child::work(job).map(|()| ExitCode::SUCCESS),
        None => {}
    }
    let scale = if arguments.quick { Scale::quick() } else { Scale::full() };
    let place = match &arguments.directory {
        Some(directory) => tempfile::tempdir_in(directory)?,
        None => tempfile::tempdir()?,
    };
    let mut report = Report::new(&scale, place.path());
    let wanted = |engine| arguments.engine.is_none_or(|only| only == engine);
    if wanted(Engine::Memory) {
        memory::measure(&scale, &mut report)?;
    }
    if wanted(Engine::Files) {
        files::measure(&scale, place.path(), &mut report)?;
    }
    if wanted(Engine::Redb) {
        kv::measure::<redb::Redb>(&scale, place.path(), arguments.block_size, &mut report)?;
    }
    if wanted(Engine::Sled) {
        kv::measure::<sled::Sled>(&scale, place.path(), arguments.block_size, &mut report)?;
    }
    if arguments.engine.is_none() {
        boxed::measure(&scale, &mut report)?;
    }
    match arguments.format {
        Format::Table => print!("{}", report.table()),
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    let missed = arguments.check && !report.goals_met();
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

//! Engines beside the floor of their platform, in one run: what the plug costs.
//!
//! ```text
//! cargo run --release -p anystorage-bench
//! ```
//!
//! Every line is a pair: an engine through `dyn StorageBackend`, each call polled once on this thread, and the same work done by hand with
//! nothing in between. Both run in turn, round after round; the figures are medians over the rounds, per operation.

mod boxed;
mod files;
mod measure;
mod memory;
mod report;
mod scale;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use report::Report;
use scale::Scale;

/// Measures the engines beside what the platform does by itself.
#[derive(Debug, Parser)]
#[command(name = "anystorage-bench", version)]
struct Arguments {
    /// How to show the figures.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Small and few: shows that everything runs. The figures say little.
    #[arg(long)]
    quick: bool,
    /// Where to make the directory for files, on the disk that is to be measured. [default: the system's place for temporary files]
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Exits with 1 if a goal is missed.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    let scale = if arguments.quick { Scale::quick() } else { Scale::full() };
    let place = match &arguments.directory {
        Some(directory) => tempfile::tempdir_in(directory)?,
        None => tempfile::tempdir()?,
    };
    let mut report = Report::new(&scale, place.path());
    memory::measure(&scale, &mut report)?;
    files::measure(&scale, place.path(), &mut report)?;
    boxed::measure(&scale, &mut report)?;
    match arguments.format {
        Format::Table => print!("{}", report.table()),
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    let missed = arguments.check && !report.goals_met();
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

//! The `anystorage` command: proves engines, looks into locations, and copies between them.

mod arguments;
mod commands;
mod copy;
mod failure;
mod output;
mod place;
mod subjects;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::output::Format;

fn main() -> ExitCode {
    // The suite starts this program again as the other process of a case. There the call does not return.
    anystorage_conformance::process::run_child_if_asked(subjects::open_address);
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::report_usage(&error),
    };
    start_log(arguments.verbose, arguments.format);
    match futures_lite::future::block_on(run(&arguments)) {
        Ok(code) => code,
        Err(failure) => failure.report(arguments.format),
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let format = arguments.format;
    match &arguments.command {
        Command::Conformance(options) => commands::conformance::run(options, format).await,
        Command::Info(options) => commands::info::run(options, format).await,
        Command::Ls(options) => commands::ls::run(options, format).await,
        Command::Stat(options) => commands::stat::run(options, format).await,
        Command::Cat(options) => commands::cat::run(options).await,
        Command::Put(options) => commands::put::run(options, format).await,
        Command::Get(options) => commands::get::run(options, format).await,
        Command::Cp(options) => commands::cp::run(options, format).await,
        Command::Rm(options) => commands::rm::run(options, format).await,
    }
}

/// Warnings go to stderr as text; in JSON mode, where a program reads stderr, only what was asked for with `-v`.
fn start_log(verbose: u8, format: Format) {
    let level = match (verbose, format) {
        (0, Format::Json) => log::LevelFilter::Off,
        (0, Format::Table) => log::LevelFilter::Warn,
        (1, _) => log::LevelFilter::Info,
        (2, _) => log::LevelFilter::Debug,
        _ => log::LevelFilter::Trace,
    };
    // What the stores below the engines tell is for those who work on them: sled alone writes pages of it for each call.
    env_logger::Builder::new().filter_level(level.min(log::LevelFilter::Warn)).filter_module("anystorage", level).init();
}

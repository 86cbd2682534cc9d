//! `anystorage-browser-runner`: see the library.

mod arguments;

use std::io::{self, Write};
use std::process::ExitCode;

use anystorage_browser_runner::failure::{Failure, Result};
use anystorage_browser_runner::run::run;
use clap::Parser;

use crate::arguments::{Arguments, Chore, Conformance, Format};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Conformance(options) => conformance(options),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(2)
        }
    }
}

fn conformance(options: Conformance) -> Result<bool> {
    let format = options.format;
    let outcome = run(&options.into_plan(), &mut |line| eprintln!("{line}"))?;
    let text = match format {
        Format::Table => outcome.report.matrix().to_string(),
        Format::Json => serde_json::to_string_pretty(&outcome.report).map_err(Failure::of("the report is no JSON"))?,
    };
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(Failure::new(format!("no report: {error}"))),
        _ => {}
    }
    for complaint in &outcome.complaints {
        eprintln!("{complaint}");
    }
    Ok(outcome.is_good())
}

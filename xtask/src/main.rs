//! The chores of the workspace: `cargo xtask test` checks everything, `cargo xtask deny` checks the dependencies.
//!
//! - [`steps`]: what `test` runs, as a list
//! - [`setup`]: what it needs and how that gets onto the machine
//! - [`run`]: running a step, and what counts as passed
//! - [`tally`] and [`conformance`]: reading the results that tests print
//! - [`toolchain`]: the declared and the running compiler
//! - [`deny`]: licences, bans, sources, advisories

mod conformance;
mod deny;
mod run;
mod setup;
mod steps;
mod tally;
mod toolchain;

use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};

use crate::setup::Browser;
use crate::tally::Tally;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The chores of the anystorage workspace", version)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Formatting, lints, docs, feature combinations, every test natively and in a browser, the command, the benchmark. Installs what is
    /// missing (on Debian), stops at the first failure, and ends with the line `N passed, M failed, K skipped`.
    Test(TestArgs),
    /// Licences, bans, sources and known vulnerabilities of all dependencies, by cargo-deny (installed below `target/` if it is missing).
    Deny,
}

#[derive(Debug, Args)]
struct TestArgs {
    /// No browser: skips the tests on wasm32.
    #[arg(long, conflicts_with = "browser")]
    native: bool,
    /// The browser for the tests on wasm32.
    #[arg(long, value_name = "NAME", default_value = "chromium", value_parser = Browser::parse)]
    browser: &'static Browser,
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Test(args) => test(&args),
        Chore::Deny => deny::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn test(args: &TestArgs) -> Result<(), String> {
    let begin = Instant::now();
    let browser = (!args.native).then_some(args.browser);
    setup::prepare(browser)?;
    let steps = steps::list(browser, toolchain::check()?);

    let mut times = Vec::new();
    let mut total = Tally::default();
    let mut failure = None;
    for (number, step) in (1..).zip(&steps) {
        println!("\n=== {number}/{} {}\n    {}", steps.len(), step.title, step.command);
        let start = Instant::now();
        let outcome = run::step(step);
        let seconds = start.elapsed().as_secs_f64();
        println!("    {:.1} s{}", seconds, outcome.tally.map_or_else(String::new, |tally| format!(", {tally}")));
        times.push((step, seconds, outcome.tally));
        total += outcome.counted();
        if let Some(why) = outcome.failure {
            failure = Some((step, why));
            break;
        }
    }

    println!("\n=== what ran, in {:.0} s", begin.elapsed().as_secs_f64());
    for (step, seconds, tally) in &times {
        println!("{seconds:8.1} s  {}{}", step.title, tally.map_or_else(String::new, |tally| format!(": {tally}")));
    }
    if let Some((step, why)) = &failure {
        println!("\nFailed: {}: {why}\nTo run just that:\n    {}", step.title, step.command);
    } else if browser.is_none() {
        println!("\nThe tests on wasm32 did not run (--native).");
    }
    println!("\n{total}");
    match failure {
        None => Ok(()),
        Some((step, why)) => Err(format!("{}: {why}", step.title)),
    }
}

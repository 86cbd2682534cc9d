//! The chores of the workspace: `cargo xtask test` checks everything, `cargo xtask conformance` runs the suite in browsers, `cargo xtask
//! bench` measures engines there, `cargo xtask bench-sqlite` SQLite, `cargo xtask bench-idbfs` the IDBFS way, `cargo xtask sqlite-tests` runs
//! SQLite's own tests, `cargo xtask demo` serves the demo page, `cargo xtask size` weighs a module, `cargo xtask deny` checks the dependencies.
//!
//! - [`steps`]: what `test` runs, as stages of lanes of steps
//! - [`setup`], [`browsers`] and [`tools`]: what is needed and how that gets onto the machine
//! - [`run`]: running them, and what counts as passed
//! - [`scratch`]: where browsers have their profiles meanwhile
//! - [`tally`] and [`conformance`]: reading the results that tests print
//! - [`toolchain`]: the declared and the running compiler
//! - [`sqlite_tests`]: SQLite's own tests over the VFS
//! - [`deny`]: licences, bans, sources, advisories

mod browsers;
mod conformance;
mod deny;
mod run;
mod scratch;
mod setup;
mod sqlite_tests;
mod steps;
mod tally;
mod toolchain;
mod tools;

use std::process::{Command, ExitCode};
use std::thread;

use clap::{Args, Parser, Subcommand};

use crate::browsers::{BROWSERS, Browser};
use crate::scratch::Scratch;
use crate::sqlite_tests::SqliteTestsArgs;
use crate::steps::Extent;
use crate::tally::Tally;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The chores of the anystorage workspace", version)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Formatting, lints, docs, feature combinations, every test natively and in browsers, the command, the benchmark. Installs what is
    /// missing (on Debian), stops at the first failure, and ends with the line `N passed, M failed, K skipped`. What runs natively
    /// comes first, beside the build of what browsers load and the tests of WebKit; then the other browsers, several at a time.
    Test(TestArgs),
    /// The conformance suite in real browsers, across reloads, restarts and kills. Installs what is missing (on Debian). Other options are
    /// for the runner: `--format json`, `--engine`, `--kills` and more, told by `-- --help`.
    Conformance(BrowserArgs),
    /// The engines of browsers beside plain JavaScript, in one run. Installs what is missing (on Debian). Other options are for the
    /// benchmark: `--format json`, `--engine`, `--rounds`, `--check` and more, told by `-- --help`. Natively: `cargo run --release -p
    /// anystorage-bench`.
    Bench(BrowserArgs),
    /// SQLite in browsers, over OPFS pool and packed, beside its peers from npm, in one run. Installs what is missing (on Debian). Other options
    /// are for the benchmark: `--format json`, `--rounds`, `--filter`, `--quick` and more, told by `-- --help`.
    BenchSqlite(BrowserArgs),
    /// The IDBFS way in browsers, a mount over a mirror over IndexedDB, beside Pyodide's IDBFS from npm, in one run. Installs what is missing (on
    /// Debian). Other options are for the benchmark: `--format json`, `--rounds`, `--files`, `--megabytes` and more, told by `-- --help`.
    BenchIdbfs(BrowserArgs),
    /// Builds the demo page and serves it on this machine, until Ctrl-C. Takes `--port N`, and `--out DIR` to write the page down in place of
    /// serving it. Installs the target wasm32-unknown-unknown if it is missing.
    Demo {
        /// Options of the program that serves.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// What a module weighs that opens and uses OPFS and IndexedDB through the facade: optimised, compressed, and compared with a bound.
    /// Installs what is missing (on Debian). Takes `--format json`.
    Size {
        /// Options of the program that weighs.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// SQLite's own tests, of Debian's source package, over the VFS of `anystorage-sqlite` and beside it over the host's: how many ran, how many
    /// failed, and why. Fetches the source, builds it below `target/`, and installs what is missing for that (on Debian). Fails if a test fails
    /// that passes over the host, unless `sqlite/own-tests/reasons.txt` says why it cannot pass.
    SqliteTests(SqliteTestsArgs),
    /// Licences, bans, sources and known vulnerabilities of all dependencies, by cargo-deny (installed below `target/` if it is missing).
    Deny,
}

#[derive(Debug, Args)]
struct TestArgs {
    /// No browser: skips the tests on wasm32.
    #[arg(long, conflicts_with = "browser")]
    native: bool,
    /// The browsers for the tests on wasm32: chromium, firefox, webkit. All of them if it is left out.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = Browser::parse)]
    browser: Vec<&'static Browser>,
    /// Everything that can be tried in browsers, also what is usually left out for the time that it takes: each persistence case across everything
    /// that it can go through, more kills, every engine behind the bridge and the mirror, the demo page in each browser.
    #[arg(long, conflicts_with = "native")]
    all: bool,
    /// How many lanes go on at a time: browsers, or the native tests, the build for browsers and what is behind it. One more than there are
    /// cores, if it is left out: each waits a part of its time.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

#[derive(Debug, Args)]
struct BrowserArgs {
    /// In which browsers: chromium, firefox, webkit.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true, value_parser = Browser::parse)]
    browser: Vec<&'static Browser>,
    /// Options of the runner.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    others: Vec<String>,
}

fn main() -> ExitCode {
    let passed = match Cli::parse().chore {
        Chore::Test(args) => test(&args),
        Chore::Conformance(args) => said(in_browsers(steps::RUNNER, &["conformance"], &args)),
        Chore::Bench(args) => said(in_browsers(steps::BENCH, &[], &args)),
        Chore::BenchSqlite(args) => said(setup::prepare_sqlite_bench().and_then(|()| in_browsers(steps::SQLITE_BENCH, &[], &args))),
        Chore::BenchIdbfs(args) => said(setup::prepare_idbfs_bench().and_then(|()| in_browsers(steps::IDBFS_BENCH, &[], &args))),
        Chore::Demo { options } => said(demo(&options)),
        Chore::Size { options } => said(size(&options)),
        Chore::SqliteTests(args) => said(sqlite_tests::run(&args, jobs())),
        Chore::Deny => said(deny::run()),
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every step. However it ends, the last line on standard output is the count of tests.
fn test(args: &TestArgs) -> bool {
    let browsers: Vec<&Browser> = match (args.native, args.browser.as_slice()) {
        (true, _) => Vec::new(),
        (false, []) => BROWSERS.iter().collect(),
        (false, some) => BROWSERS.iter().filter(|browser| some.iter().any(|named| named.name == browser.name)).collect(),
    };
    let ready = setup::prepare(&browsers).and_then(|()| Ok((setup::drivers(&browsers)?, toolchain::check()?)));
    let total = match ready {
        Ok((drivers, declared)) => {
            let jobs = args.jobs.unwrap_or_else(|| jobs() + 1).max(1);
            let scratch = if browsers.is_empty() { None } else { Scratch::new() };
            if let Some(scratch) = &scratch {
                println!("the profiles of browsers are in memory, in {}; elsewhere if TMPDIR is set", scratch.path().display());
            }
            let extent = if args.all { Extent::All } else { Extent::Usual };
            run::stages(steps::stages(&browsers, extent, &drivers, declared, scratch.as_ref().map(Scratch::path)), jobs)
        }
        Err(why) => {
            println!("\nNothing ran: {why}");
            Tally { failed: 1, ..Tally::default() }
        }
    };
    if browsers.is_empty() {
        println!("The tests on wasm32 did not run (--native).");
    }
    println!("\n{total}");
    total.failed == 0
}

fn jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Whether it went well; if not, why is printed.
fn said(outcome: Result<(), String>) -> bool {
    outcome.map_err(|why| eprintln!("error: {why}")).is_ok()
}

/// Runs a program of the workspace that starts browsers, with the drivers that it needs.
fn in_browsers(package: &str, command: &[&str], args: &BrowserArgs) -> Result<(), String> {
    setup::prepare_browsers(&args.browser)?;
    let names = Browser::names(&args.browser);
    let options = ["--browser", &names].into_iter().chain(args.others.iter().map(String::as_str));
    run_program(package, command.iter().copied().chain(options), &setup::drivers(&args.browser)?)
}

fn demo(options: &[String]) -> Result<(), String> {
    setup::prepare_demo()?;
    run_program(steps::DEMO, options.iter().map(String::as_str), &[])
}

fn size(options: &[String]) -> Result<(), String> {
    setup::prepare_size()?;
    run_program(steps::SIZE, options.iter().map(String::as_str), &[])
}

/// Runs a program of the workspace.
fn run_program<'a>(package: &str, arguments: impl Iterator<Item = &'a str>, variables: &[(&str, String)]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "-p", package, "--"])
        .args(arguments.filter(|option| *option != "--"))
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{package} ended with {status}")) }
}

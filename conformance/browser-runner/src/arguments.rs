//! The command line.

use std::path::PathBuf;

use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::run::Plan;
use anystorage_conformance::browser::wire::{Browser, Context};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// The suite of the project itself.
const OWN: &str = "anystorage-web-suite";

#[derive(Debug, Parser)]
#[command(about = "Real browsers for anystorage", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) chore: Chore,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Chore {
    /// The conformance suite, across reloads, restarts and kills. Exits with 1 if anything failed, with 2 if it could not run.
    Conformance(Conformance),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people.
    Table,
    /// The whole report for programs.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Conformance {
    /// In which browsers: chromium, firefox, webkit.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true, value_parser = browser)]
    browser: Vec<Browser>,
    /// The package of the suite, a `cdylib` with `browser_suite!`; the project's own if neither this nor a manifest is given.
    #[arg(long, short, value_name = "NAME")]
    package: Option<String>,
    /// The manifest of the suite's package or workspace.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Only engines whose URL begins so, or whose name this is.
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    engine: Vec<String>,
    /// Also the engines that are otherwise run in a browser only if they are named.
    #[arg(long, conflicts_with = "engine")]
    all_engines: bool,
    /// Only in these contexts: page, worker.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = context)]
    context: Vec<Context>,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Each persistence case goes through so many of reopen, drop, terminate, reload, restart and kill, beginning with another one for each engine,
    /// context and browser; through all of them if this is left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    crossings: Option<u8>,
    /// How the report is printed.
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
    /// How often the browser is killed under load, for each engine and context.
    #[arg(long, value_name = "N", default_value_t = 5)]
    kills: u32,
    /// How often the worker is terminated under load; in a page, the one that the engine started for itself.
    #[arg(long, value_name = "N", default_value_t = 20)]
    terminations: u32,
    /// How often the page is reloaded under load.
    #[arg(long, value_name = "N", default_value_t = 5)]
    reloads: u32,
    /// The seed of the loads.
    #[arg(long, value_name = "N", default_value_t = 0x5eed)]
    seed: u64,
    /// The driver of Chromium; otherwise what CHROMEDRIVER names, or what is on the PATH.
    #[arg(long, value_name = "PATH")]
    chromedriver: Option<PathBuf>,
    /// The driver of Firefox; otherwise what GECKODRIVER names, or what is on the PATH.
    #[arg(long, value_name = "PATH")]
    geckodriver: Option<PathBuf>,
    /// The driver of WebKit; otherwise what SAFARIDRIVER names, or what is on the PATH.
    #[arg(long, value_name = "PATH")]
    webkitdriver: Option<PathBuf>,
}

impl Conformance {
    pub(crate) fn into_plan(self) -> Plan {
        let own = (self.package.is_none() && self.manifest_path.is_none()).then(|| OWN.to_owned());
        let drivers = [(Browser::Chromium, self.chromedriver), (Browser::Firefox, self.geckodriver), (Browser::WebKit, self.webkitdriver)];
        Plan {
            package: Package::new(self.package.or(own), self.manifest_path),
            browsers: self.browser,
            contexts: self.context,
            engines: self.engine,
            all_engines: self.all_engines,
            filter: self.filter,
            crossings: self.crossings.map(usize::from),
            drivers: drivers.into_iter().filter_map(|(browser, driver)| Some((browser, driver?))).collect(),
            kills: self.kills,
            terminations: self.terminations,
            reloads: self.reloads,
            seed: self.seed,
        }
    }
}

fn browser(name: &str) -> Result<Browser, String> {
    let known = Browser::ALL.into_iter().find(|browser| browser.as_str() == name);
    known.ok_or_else(|| format!("known browsers: {}", Browser::ALL.map(Browser::as_str).join(", ")))
}

fn context(name: &str) -> Result<Context, String> {
    let known = Context::ALL.into_iter().find(|context| context.as_str() == name);
    known.ok_or_else(|| format!("known contexts: {}", Context::ALL.map(Context::as_str).join(", ")))
}

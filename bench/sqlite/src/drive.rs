//! Brings everything together that browsers load, and has them measure.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anystorage_bench_page::{self as page, Format};
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::Site;
use anystorage_browser_runner::{ending, npm};
use anystorage_conformance::browser::wire::Browser;
use clap::Parser;
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use crate::report::{Measured, Report};

/// The library of this package.
const OURS: &str = "anystorage-sqlite-bench";

const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>SQLite</title><link rel=\"icon\" href=\"data:,\">";

const SCRIPTS: [(&str, &str); 9] = [
    ("/drive.js", include_str!("../js/drive.js")),
    ("/worker.js", include_str!("../js/worker.js")),
    ("/work.js", include_str!("../js/work.js")),
    ("/contestants.js", include_str!("../js/contestants.js")),
    ("/count.js", COUNT),
    ("/floor.js", include_str!("../js/floor.js")),
    ("/peers/ours.js", include_str!("../js/peers/ours.js")),
    ("/peers/sqlite_wasm.js", include_str!("../js/peers/sqlite_wasm.js")),
    ("/peers/wa_sqlite.js", include_str!("../js/peers/wa_sqlite.js")),
];

const COUNT: &str = include_str!("../js/count.js");

/// What npm is told.
const FOR_NPM: [(&str, &str); 3] = [
    (".npmrc", include_str!("../npm/.npmrc")),
    ("package.json", include_str!("../npm/package.json")),
    ("package-lock.json", include_str!("../npm/package-lock.json")),
];

/// Where its files are, below the packages of npm.
const SQLITE_WASM: &str = "@sqlite.org/sqlite-wasm/dist";
const WA_SQLITE: &str = "@journeyapps/wa-sqlite";

/// The worker in which `opfs` of sqlite-wasm has its handles.
const PROXY: &str = "sqlite3-opfs-async-proxy.js";

/// SQLite in browsers over OPFS pool and packed, beside `@sqlite.org/sqlite-wasm` and `@journeyapps/wa-sqlite`, which npm fetches.
#[derive(Debug, Parser)]
#[command(name = "anystorage-sqlite-bench", version)]
struct Arguments {
    /// In which browsers: chromium, firefox.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true, value_parser = page::browser)]
    browser: Vec<Browser>,
    /// How often each contestant runs.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: u32,
    /// Only contestants whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Leaves this contestant out, by its whole name; may be given several times. `opfs` of sqlite-wasm takes minutes a round in Firefox.
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
    /// One round of few rows: that everything works, not how fast.
    #[arg(long)]
    quick: bool,
    /// How to show the figures.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Exits with 1 if a goal beside the peers as they come is missed.
    #[arg(long)]
    check: bool,
}

/// How much is done.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Counts {
    /// Rows that are inserted in a durable transaction each.
    pub(crate) transactions: u32,
    /// Rows that are inserted in one transaction.
    pub(crate) rows: u32,
    pub(crate) selects: u32,
    pub(crate) updates: u32,
}

pub(crate) const WHOLE: Counts = Counts { transactions: 1_000, rows: 50_000, selects: 5_000, updates: 5_000 };
const QUICK: Counts = Counts { transactions: 50, rows: 2_000, selects: 200, updates: 200 };

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (counts, rounds) = if arguments.quick { (QUICK, 1) } else { (WHOLE, arguments.rounds.max(1)) };
    let mut report = Report::new(counts, rounds);
    // What one browser has shown is not lost by the next one that does not start.
    let measured = measure(&arguments, &mut report);
    match measured.and(show(&report, arguments.format)) {
        Ok(()) if arguments.check && !report.goals_met() => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &Arguments, report: &mut Report) -> Result<(), Box<dyn Error>> {
    ending::prepare();
    let peers = peers()?;
    let served = site(peers.path())?.serve(0)?;
    let order = json!({ "rounds": report.rounds(), "counts": report.counts(), "filter": arguments.filter, "without": arguments.without });
    for browser in &arguments.browser {
        let (title, measured): (_, Measured) = page::measure(*browser, &served.origin(), &order)?;
        report.add(title, measured);
    }
    match served.missed().as_slice() {
        [] => Ok(()),
        missed => Err(format!("asked for and not there: {}", missed.join(", ")).into()),
    }
}

/// The peers, as npm has them.
fn peers() -> Result<TempDir, Box<dyn Error>> {
    let directory = TempDir::with_prefix("anystorage-")?;
    for (name, text) in FOR_NPM {
        fs::write(directory.path().join(name), text)?;
    }
    npm::run(directory.path(), &["ci", "--no-audit", "--no-fund"])?;
    Ok(directory)
}

/// All that browsers load.
fn site(peers: &Path) -> Result<Site, Box<dyn Error>> {
    let module = Package::new(Some(OURS.to_owned()), None).bind("bench")?;
    let scripts = SCRIPTS.into_iter().chain(page::SCRIPTS);
    let site = Site::new().isolated().module(&module).file("/index.html", PAGE.as_bytes());
    let mut site = scripts.fold(site, |site, (path, text)| site.file(path, text.as_bytes()));
    let modules = peers.join("node_modules");
    for (prefix, counted) in [("/sqlite-wasm", false), ("/counted/sqlite-wasm", true)] {
        for name in ["index.mjs", "sqlite3.wasm", PROXY] {
            let mut contents = fs::read(modules.join(SQLITE_WASM).join(name))?;
            if counted && name == PROXY {
                contents.splice(..0, COUNT.bytes());
            }
            site = site.file(&format!("{prefix}/{name}"), contents);
        }
    }
    for part in ["dist/wa-sqlite.mjs", "dist/wa-sqlite.wasm"] {
        site = site.file(&format!("/wa-sqlite/{part}"), fs::read(modules.join(WA_SQLITE).join(part))?);
    }
    for directory in ["src", "src/examples"] {
        for entry in fs::read_dir(modules.join(WA_SQLITE).join(directory))? {
            let place = entry?.path();
            if let Some(name) = place.file_name().filter(|_| place.extension().is_some_and(|kind| kind == "js")) {
                site = site.file(&format!("/wa-sqlite/{directory}/{}", name.display()), fs::read(&place)?);
            }
        }
    }
    Ok(site)
}

fn show(report: &Report, format: Format) -> Result<(), Box<dyn Error>> {
    let text = match format {
        Format::Table => report.table(),
        Format::Json => serde_json::to_string_pretty(report)?,
    };
    Ok(page::show(&text)?)
}

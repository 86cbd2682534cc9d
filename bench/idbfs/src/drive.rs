//! Brings everything together that browsers load, and has them measure.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anystorage_bench_page::{self as page, Format, Page};
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::Site;
use anystorage_browser_runner::{ending, npm};
use anystorage_conformance::browser::wire::Browser;
use clap::Parser;
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use crate::report::{Life, Measured, Report};

/// The library of this package.
const OURS: &str = "anystorage-idbfs-bench";

const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>IDBFS</title><link rel=\"icon\" href=\"data:,\">";

const SCRIPTS: [(&str, &str); 5] = [
    ("/drive.js", include_str!("../js/drive.js")),
    ("/files.js", include_str!("../js/files.js")),
    ("/ours.js", include_str!("../js/ours.js")),
    ("/pyodide.js", include_str!("../js/pyodide.js")),
    ("/floor.js", include_str!("../js/floor.js")),
];

/// What npm is told.
const FOR_NPM: [(&str, &str); 3] = [
    (".npmrc", include_str!("../npm/.npmrc")),
    ("package.json", include_str!("../npm/package.json")),
    ("package-lock.json", include_str!("../npm/package-lock.json")),
];

/// What a page loads of Pyodide.
const PYODIDE: [&str; 5] = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];

/// The scripts of the contestants: ours, theirs, and the least that IndexedDB takes for it.
const CONTESTANTS: [&str; 3] = ["ours", "pyodide", "floor"];

/// The IDBFS way in browsers, ours beside that of Pyodide, which npm fetches.
#[derive(Debug, Parser)]
#[command(name = "anystorage-idbfs-bench", version)]
struct Arguments {
    /// In which browsers: chromium, firefox, webkit.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true, value_parser = page::any_browser)]
    browser: Vec<Browser>,
    /// How often each contestant runs.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    /// How many small files of 1 KiB there are.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    files: u32,
    /// How long the large file is.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=256))]
    megabytes: u32,
    /// How many small files are changed before the last sync.
    #[arg(long, value_name = "N", default_value_t = 10)]
    changed: u32,
    /// How many bytes a block of ours has: large ones for a mirror, which reads and writes whole files.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    block: u32,
    /// How to show the figures.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// How much is done.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Counts {
    /// Small files, of 1 KiB each.
    pub(crate) files: u32,
    /// Of the large file.
    pub(crate) megabytes: u32,
    /// Small files that are changed before the last sync.
    pub(crate) changed: u32,
    /// Bytes of a block of ours.
    pub(crate) block: u32,
    pub(crate) rounds: u32,
}

pub(crate) fn main() -> ExitCode {
    let Arguments { browser, rounds, files, megabytes, changed, block, format } = Arguments::parse();
    let counts = Counts { files, megabytes, changed: changed.min(files), block, rounds: rounds.max(1) };
    let mut report = Report::new(counts);
    // What one browser has shown is not lost by the next one that does not start.
    let measured = measure(&browser, counts, &mut report);
    match measured.and(show(&report, format)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn measure(browsers: &[Browser], counts: Counts, report: &mut Report) -> Result<(), Box<dyn Error>> {
    ending::prepare();
    let peers = peers()?;
    let served = site(peers.path())?.serve(0)?;
    for browser in browsers {
        let mut measured: [Vec<Measured>; CONTESTANTS.len()] = Default::default();
        let mut title = String::new();
        for round in 0..counts.rounds {
            let mut in_turn: Vec<_> = CONTESTANTS.iter().zip(&mut measured).collect();
            in_turn.rotate_left(round as usize % CONTESTANTS.len());
            for (contestant, measured) in in_turn {
                let (browser, lived) = lives(*browser, &served.origin(), contestant, counts)?;
                title = browser;
                measured.push(lived);
            }
        }
        report.add(title, measured)?;
    }
    match served.missed().as_slice() {
        [] => Ok(()),
        missed => Err(format!("asked for and not there: {}", missed.join(", ")).into()),
    }
}

/// A contestant writes, the page is reloaded, and it reads.
fn lives(browser: Browser, url: &str, contestant: &str, counts: Counts) -> Result<(String, Measured), Box<dyn Error>> {
    let page = Page::open(browser, url)?;
    let Counts { files, megabytes, changed, block, .. } = counts;
    let order = |life: &str| {
        let large = u64::from(megabytes) << 20;
        json!({ "contestant": contestant, "files": files, "large": large, "changed": changed, "block": block, "life": life })
    };
    let first: Life = page.order(&order("first"))?;
    page.reload()?;
    let second: Life = page.order(&order("second"))?;
    Ok((page.browser().to_owned(), Measured { first, second }))
}

/// The peer, as npm has it.
fn peers() -> Result<TempDir, Box<dyn Error>> {
    let directory = TempDir::with_prefix("anystorage-")?;
    for (name, text) in FOR_NPM {
        fs::write(directory.path().join(name), text)?;
    }
    npm::run(directory.path(), &["ci", "--no-audit", "--no-fund", "--ignore-scripts"])?;
    Ok(directory)
}

/// All that browsers load.
fn site(peers: &Path) -> Result<Site, Box<dyn Error>> {
    let module = Package::new(Some(OURS.to_owned()), None).bind("bench")?;
    // Isolated pages have finer clocks.
    let site = Site::new().isolated().module(&module).file("/index.html", PAGE.as_bytes());
    let mut site = SCRIPTS.into_iter().chain(page::SCRIPTS).fold(site, |site, (path, text)| site.file(path, text.as_bytes()));
    for name in PYODIDE {
        site = site.file(&format!("/pyodide/{name}"), fs::read(peers.join("node_modules/pyodide").join(name))?);
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

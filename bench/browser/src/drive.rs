//! Starts browsers, and has them measure.

use std::error::Error;
use std::process::ExitCode;

use anystorage_bench_page::{self as page, Format};
use anystorage_browser_runner::ending;
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::Server;
use anystorage_conformance::browser::wire::Browser;
use clap::{Parser, ValueEnum};
use serde_json::json;

use crate::report::{Pair, Report};

/// The library of this package.
const ENGINES: &str = "anystorage-browser-bench";

/// In bytes, the file that is read and written here and there.
const LARGE: u64 = 64 << 20;

/// Measures the engines of browsers beside plain JavaScript.
#[derive(Debug, Parser)]
#[command(name = "anystorage-browser-bench", version)]
struct Arguments {
    /// In which browsers: chromium, firefox.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true, value_parser = page::browser)]
    browser: Vec<Browser>,
    /// Measures these engines alone.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["opfs", "packed", "idb", "opfs-page", "packed-page", "idb-bridged"])]
    engine: Vec<Engine>,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How often each pair is measured.
    #[arg(long, value_name = "N", default_value_t = 11)]
    rounds: u32,
    /// The profile of cargo by which the engines are built. Another than `bench` tells less, and may be built already.
    #[arg(long, value_name = "NAME", default_value = "bench")]
    profile: String,
    /// How to show the figures.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Exits with 1 if a goal is missed.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    Opfs,
    Packed,
    Idb,
    OpfsPage,
    PackedPage,
    IdbBridged,
}

impl Engine {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Opfs => "opfs",
            Self::Packed => "packed",
            Self::Idb => "idb",
            Self::OpfsPage => "opfs-page",
            Self::PackedPage => "packed-page",
            Self::IdbBridged => "idb-bridged",
        }
    }

    /// With a worker: that takes a page which is isolated from other origins.
    const fn shares_memory(self) -> bool {
        matches!(self, Self::IdbBridged)
    }
}

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut report = Report::new(arguments.rounds, &arguments.profile);
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
    let module = Package::new(Some(ENGINES.to_owned()), None).bind(&arguments.profile)?;
    let scripts = [
        ("/drive.js", include_str!("../js/drive.js")),
        ("/bench.js", include_str!("../js/bench.js")),
        ("/floor.js", include_str!("../js/floor.js")),
        ("/fresh.js", include_str!("../js/fresh.js")),
        ("/in_page.js", include_str!("../js/in_page.js")),
        ("/elsewhere.js", include_str!("../js/elsewhere.js")),
        ("/messages.js", include_str!("../js/messages.js")),
        ("/messages_worker.js", include_str!("../js/messages_worker.js")),
        ("/bridged.js", include_str!("../js/bridged.js")),
    ];
    let module = scripts.into_iter().chain(page::SCRIPTS).fold(module, |module, (path, text)| module.script(path, text));
    let server = Server::start(module)?;
    let engines: Vec<&str> = arguments.engine.iter().map(|engine| engine.as_str()).collect();
    let order = json!({ "rounds": arguments.rounds, "engines": engines, "filter": arguments.filter, "large": LARGE });
    for browser in &arguments.browser {
        // What shares memory gets a page that may; the others are measured in such as everybody has.
        for (isolated, page) in [(false, server.empty_page()), (true, server.isolated_empty_page())] {
            if arguments.engine.iter().any(|engine| engine.shares_memory() == isolated) {
                let (title, pairs): (_, Vec<Pair>) = page::measure(*browser, &page, &order)?;
                report.add(&title, pairs);
            }
        }
    }
    Ok(())
}

fn show(report: &Report, format: Format) -> Result<(), Box<dyn Error>> {
    let text = match format {
        Format::Table => report.table(),
        Format::Json => serde_json::to_string_pretty(report)?,
    };
    Ok(page::show(&text)?)
}

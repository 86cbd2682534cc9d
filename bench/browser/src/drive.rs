//! Starts browsers, and has them measure.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_browser_runner::driver::{Launch, Session};
use anystorage_browser_runner::ending;
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::Server;
use anystorage_conformance::browser::wire::Browser;
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::json;

use crate::report::{Pair, Report};

/// The library of this package.
const ENGINES: &str = "anystorage-browser-bench";

/// Has the page begin. What scripts of a driver keep to themselves is gone with them, so the order stands in the page.
const BEGIN: &str = r#"
    document.documentElement.dataset.order = JSON.stringify(arguments[0]);
    const script = document.createElement("script");
    script.type = "module";
    script.src = "/drive.js";
    script.onerror = () => (document.documentElement.dataset.heard = JSON.stringify({ done: 0, case: "", error: "a script could not be loaded" }));
    document.head.append(script);
"#;

/// What the worker has said last.
const LISTEN: &str = r#"return document.documentElement.dataset.heard ?? '{ "done": 0, "case": "" }'"#;

/// In bytes, the file that is read and written here and there.
const LARGE: u64 = 64 << 20;

/// How long a case may take in which nothing is heard.
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures the engines of browsers beside plain JavaScript.
#[derive(Debug, Parser)]
#[command(name = "anystorage-browser-bench", version)]
struct Arguments {
    /// In which browsers: chromium, firefox.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true, value_parser = browser)]
    browser: Vec<Browser>,
    /// Measures these engines alone.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["opfs", "packed", "idb", "opfs-page", "packed-page"])]
    engine: Vec<Engine>,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How often each pair is measured.
    #[arg(long, value_name = "N", default_value_t = 11)]
    rounds: u32,
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
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A table for people.
    Table,
    /// For programs.
    Json,
}

impl Engine {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Opfs => "opfs",
            Self::Packed => "packed",
            Self::Idb => "idb",
            Self::OpfsPage => "opfs-page",
            Self::PackedPage => "packed-page",
        }
    }
}

/// What the worker has said last.
#[derive(Debug, Deserialize)]
struct Heard {
    done: u64,
    #[serde(default)]
    all: u64,
    case: String,
    error: Option<String>,
    measurements: Option<Vec<Pair>>,
}

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut report = Report::new(arguments.rounds);
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
    let module = Package::new(Some(ENGINES.to_owned()), None).bind("bench")?;
    let scripts = [
        ("/drive.js", include_str!("../js/drive.js")),
        ("/bench.js", include_str!("../js/bench.js")),
        ("/floor.js", include_str!("../js/floor.js")),
        ("/fresh.js", include_str!("../js/fresh.js")),
        ("/elsewhere_page.js", include_str!("../js/elsewhere_page.js")),
        ("/in_page.js", include_str!("../js/in_page.js")),
        ("/elsewhere.js", include_str!("../js/elsewhere.js")),
        ("/time.js", include_str!("../js/time.js")),
    ];
    let module = scripts.into_iter().fold(module, |module, (path, text)| module.script(path, text));
    let server = Server::start(module)?;
    for browser in &arguments.browser {
        // Temporary directories may lie in memory: the disk that is measured is the one that this is built on.
        let profile = tempfile::Builder::new().prefix("anystorage-").tempdir_in(disk())?;
        let session = Launch::new(*browser, &profile.path().join("profile")).start()?;
        session.go(&server.empty_page())?;
        let engines: Vec<&str> = arguments.engine.iter().map(|engine| engine.as_str()).collect();
        session.run(BEGIN, &[json!({ "rounds": arguments.rounds, "engines": engines, "filter": arguments.filter, "large": LARGE })])?;
        report.add(session.title(), listen(&session)?);
    }
    Ok(())
}

/// Where this program lies, if that is known.
fn disk() -> std::path::PathBuf {
    let program = std::env::current_exe().ok();
    program.as_deref().and_then(Path::parent).map_or_else(std::env::temp_dir, Path::to_owned)
}

fn listen(session: &Session) -> Result<Vec<Pair>, Box<dyn Error>> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}")?);
    bar.set_prefix(session.title().to_owned());
    let mut last = (0, Instant::now());
    loop {
        let said = session.run(LISTEN, &[])?;
        let heard: Heard = serde_json::from_str(said.as_str().unwrap_or_default())?;
        if let Some(error) = heard.error {
            return Err(format!("{}: {error}", session.title()).into());
        }
        if let Some(pairs) = heard.measurements {
            bar.finish_and_clear();
            return Ok(pairs);
        }
        bar.set_length(heard.all);
        bar.set_position(heard.done);
        bar.set_message(heard.case.clone());
        if heard.done != last.0 {
            if !io::stderr().is_terminal() {
                eprintln!("{}: {}/{} {}", session.title(), heard.done, heard.all, heard.case);
            }
            last = (heard.done, Instant::now());
        }
        if last.1.elapsed() > PATIENCE {
            return Err(format!("{}: nothing was heard for {PATIENCE:?} after {}", session.title(), heard.case).into());
        }
        // Seldom, so that the asking does not disturb.
        sleep(Duration::from_millis(500));
    }
}

fn show(report: &Report, format: Format) -> Result<(), Box<dyn Error>> {
    let text = match format {
        Format::Table => report.table(),
        Format::Json => serde_json::to_string_pretty(report)?,
    };
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn browser(name: &str) -> Result<Browser, String> {
    let with_both = [Browser::Chromium, Browser::Firefox];
    let known = with_both.into_iter().find(|browser| browser.as_str() == name);
    known.ok_or_else(|| format!("browsers with both engines: {}", with_both.map(Browser::as_str).join(", ")))
}

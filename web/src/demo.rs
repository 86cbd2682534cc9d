//! The command line, and what the page is made of.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use anystorage_browser_runner::failure::{Failure, Result};
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::Site;
use clap::Parser;

/// The name of the module, and of its bindings, in the page's directory.
const MODULE: &str = "anystorage";

/// What is written by hand.
const PAGE: &[(&str, &str)] = &[
    ("/index.html", include_str!("../page/index.html")),
    ("/style.css", include_str!("../page/style.css")),
    ("/trouble.js", include_str!("../page/trouble.js")),
    ("/app.js", include_str!("../page/app.js")),
    ("/dialogs.js", include_str!("../page/dialogs.js")),
    ("/engines.js", include_str!("../page/engines.js")),
    ("/files.js", include_str!("../page/files.js")),
    ("/place.js", include_str!("../page/place.js")),
    ("/preview.js", include_str!("../page/preview.js")),
    ("/prove.js", include_str!("../page/prove.js")),
    ("/words.js", include_str!("../page/words.js")),
];

/// Builds the demo page and serves it on this machine, until it is interrupted.
#[derive(Debug, Parser)]
#[command(name = "anystorage-demo", version)]
struct Arguments {
    /// The port. It is a part of the page's origin: what is stored under one is not there under another. 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 8642)]
    port: u16,
    /// Writes the page into this directory instead, for any web server that has TLS.
    #[arg(long, value_name = "DIR", conflicts_with = "port")]
    out: Option<PathBuf>,
}

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.out {
        Some(directory) => write_to(directory),
        None => serve(arguments.port),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn site() -> Result<Site> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let module = Package::new(Some(env!("CARGO_PKG_NAME").to_owned()), Some(manifest)).bind_as("release", MODULE)?;
    let by_hand = PAGE.iter().fold(Site::new(), |site, (path, text)| site.file(path, text.as_bytes()));
    Ok(by_hand.module(&module))
}

fn serve(port: u16) -> Result<()> {
    let served = site()?.serve(port).map_err(Failure::of("choose another one by --port"))?;
    say(&format!("{}/", served.origin()))?;
    eprintln!("Ctrl-C ends it.");
    loop {
        thread::park();
    }
}

fn write_to(directory: &Path) -> Result<()> {
    site()?.write_to(directory)?;
    say(&directory.display().to_string())
}

fn say(line: &str) -> Result<()> {
    writeln!(io::stdout(), "{line}").map_err(Failure::of("nothing can be printed"))
}

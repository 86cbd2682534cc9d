//! Builds, optimises, compresses and weighs.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::process::{Command, ExitCode};

use anystorage_browser_runner::package::Package;
use clap::{Parser, ValueEnum};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

/// The library of this package.
const MODULE: &str = "anystorage-size";

/// The profile of cargo that it is built by.
const PROFILE: &str = "size";

/// In bytes, what it may be, compressed, with its bindings: a little above what it is. OPFS in a page, by a worker, is 27,000 of it; 7,000 are
/// syncs by themselves, which any configuration may ask for; 3,000 what keeps and fetches small files together in IndexedDB; 3,000 what reads
/// parts of blocks from where they lie in a packed location.
const BOUND: usize = 428_000;

/// What the compiler makes of Rust is WebAssembly with these, which every browser has that has OPFS.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Weighs a module that opens and uses OPFS and IndexedDB through the facade. Exits with 1 if it is heavier than the bound.
#[derive(Debug, Parser)]
#[command(name = "anystorage-size", version)]
struct Arguments {
    /// How to show the figures.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A table for people.
    Table,
    /// For programs.
    Json,
}

/// All in bytes.
#[derive(Debug, Serialize)]
struct Sizes {
    /// The module as the compiler makes it, with bindings but without names.
    built: usize,
    /// The same after `wasm-opt -Oz`.
    optimised: usize,
    /// The scripts that load it.
    scripts: usize,
    /// Optimised module and scripts, each compressed by gzip.
    compressed: usize,
    bound: usize,
}

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match weigh().and_then(|sizes| show(&sizes, arguments.format).map(|()| sizes)) {
        Ok(sizes) if sizes.compressed > sizes.bound => {
            eprintln!(
                "{} bytes are more than the bound of {}: make it smaller, or raise the bound and say why",
                sizes.compressed, sizes.bound
            );
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn weigh() -> Result<Sizes, Box<dyn Error>> {
    let module = Package::new(Some(MODULE.to_owned()), None).bind(PROFILE)?;
    let optimised = optimise(module.wasm())?;
    let mut compressed = gzip(&optimised)?;
    let mut scripts = 0;
    for script in module.scripts() {
        scripts += script.len();
        compressed += gzip(script.as_bytes())?;
    }
    Ok(Sizes { built: module.wasm().len(), optimised: optimised.len(), scripts, compressed, bound: BOUND })
}

fn optimise(module: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (before, after) = (directory.path().join("before.wasm"), directory.path().join("after.wasm"));
    fs::write(&before, module)?;
    let mut command = Command::new("wasm-opt");
    command.arg("-Oz").args(FEATURES).arg(&before).arg("-o").arg(&after);
    let status = command.status().map_err(|error| format!("wasm-opt could not be started: {error}"))?;
    if !status.success() {
        return Err(format!("wasm-opt ended with {status}").into());
    }
    Ok(fs::read(&after)?)
}

fn gzip(bytes: &[u8]) -> io::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn show(sizes: &Sizes, format: Format) -> Result<(), Box<dyn Error>> {
    let text = match format {
        Format::Table => format!(
            "module as built          {:>9} bytes\nmodule after wasm-opt    {:>9}\nscripts                  {:>9}\nall, compressed by gzip  {:>9}, at most {}",
            sizes.built, sizes.optimised, sizes.scripts, sizes.compressed, sizes.bound
        ),
        Format::Json => serde_json::to_string_pretty(sizes)?,
    };
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

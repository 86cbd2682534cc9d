//! SQLite's own tests over the VFS of `anystorage-sqlite`, and beside it over the host's: `sqlite/own-tests` has what is compiled into their
//! program, Debian's source package has the rest.
//!
//! - [`program`]: fetching, patching and building the program that runs the tests
//! - [`play`]: running files of tests, each in a process and a directory of its own
//! - [`reasons`]: why some tests cannot pass
//! - [`report`]: how many ran and failed

mod play;
mod program;
mod reasons;
mod report;

use std::env;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use self::play::Player;
use self::program::Program;
use self::reasons::Reasons;
use self::report::{EngineReport, Report};
use crate::setup;

/// What the tests run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// SQLite's own VFS.
    Host,
    /// `files`, whose files Tcl finds on the host by the same names.
    Files,
    /// `redb`, of which Tcl is given the files.
    Redb,
    /// `sled`, the same way.
    Sled,
}

impl Engine {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Files => "files",
            Self::Redb => "redb",
            Self::Sled => "sled",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct SqliteTestsArgs {
    /// Over what.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "host,files,redb")]
    engine: Vec<Engine>,
    /// `veryquick`, which are the thousand files that SQLite calls so; or names of files, such as `pager1` or `vacuum*`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "veryquick")]
    tests: Vec<String>,
    /// Where the tests have their directories. In memory if that is possible: SQLite's own VFS does not flush in this program, ours does.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// How many files of tests run at a time. As many as there are cores, if it is left out.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// How many seconds a file of tests may take. Two files of an engine wait for another process until then.
    #[arg(long, value_name = "SECONDS", default_value_t = 240)]
    limit: u32,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Builds, runs, reports.
///
/// # Errors
/// What could not be built; or that tests failed over an engine which pass over the host, without a reason that is known.
pub(crate) fn run(args: &SqliteTestsArgs, jobs: usize) -> Result<(), String> {
    setup::prepare_sqlite_tests()?;
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("sqlite").join("own-tests");
    let reasons = Reasons::parse(&read(&package.join("reasons.txt"))?)?;
    let program = Program::build(&package, &target())?;
    let files = program.files(&args.tests)?;
    let directory = match &args.directory {
        Some(directory) => directory.clone(),
        None => [Path::new("/dev/shm"), &env::temp_dir()].into_iter().find(|place| place.is_dir()).unwrap_or(Path::new("/tmp")).into(),
    };
    let player = Player::new(&program, directory.join("anystorage-sqlite-tests"), args.limit);
    let mut report = Report::new(program.version.clone());
    for engine in &args.engine {
        eprintln!("=== {} files of tests over {}", files.len(), engine.name());
        let played = player.play(*engine, &files, args.jobs.unwrap_or(jobs).max(1))?;
        report.engines.push(EngineReport::new(engine.name(), played));
    }
    player.clear();
    report.explain(&reasons);
    match args.format {
        Format::Table => print!("{report}"),
        Format::Json => println!("{}", report.json()),
    }
    report.verdict()
}

/// Where all of it is built.
fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target"), PathBuf::from);
    target.join("sqlite-tests")
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

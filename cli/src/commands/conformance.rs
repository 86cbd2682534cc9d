use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anystorage::{ENGINES, ErrorKind, Location, Operation, StorageUrl, StoreMode};
use anystorage_conformance::report::{CaseReport, Report, Status};
use anystorage_conformance::subject::Subject;
use anystorage_conformance::suite::{self, Options};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::Conformance;
use crate::failure::Failure;
use crate::output::{Format, print, print_json, shown, unless_nobody_reads};
use crate::subjects::{self, MemorySubject};

pub(crate) async fn run(options: &Conformance, format: Format) -> Result<ExitCode, Failure> {
    let urls: Vec<StorageUrl> = options.urls.iter().map(|url| StorageUrl::parse(url)).collect::<Result<_, _>>()?;
    let mut under_test = Vec::new();
    if urls.is_empty() {
        for engine in ENGINES.iter().filter(|engine| engine.is_built_in()) {
            under_test.push(UnderTest::in_fresh_place(engine.scheme)?);
        }
    }
    for url in &urls {
        under_test.push(UnderTest::below(url)?);
    }
    let suite_options = Options::new().filter(options.case.clone().unwrap_or_default());
    let mut report = Report::new();
    let mut removed = Ok(());
    for engine in under_test {
        let elsewhere = subjects::elsewhere(&engine.location)
            .map_err(|error| Failure::host("find this program, to start it again as the other process", error))?;
        let progress = Progress::start(&engine.url);
        let mut found = suite::run(&*engine.subject, &suite_options, Some(&elsewhere), &mut |case| progress.case(case)).await;
        progress.finish();
        found.url.clone_from(&engine.url);
        report.push(found);
        removed = removed.and(engine.remove());
    }
    if report.engines.iter().all(|engine| engine.cases.is_empty()) {
        let error = anystorage::Error::new(ErrorKind::InvalidInput, Operation::Configure);
        return Err(error.with_text(format!("no case has {:?} in its name", suite_options.filter)).into());
    }
    unless_nobody_reads(match format {
        Format::Table => print(&format!("{}\n", report.matrix())),
        Format::Json => print_json(&report),
    })?;
    removed?;
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An engine, and the directory made for it.
struct UnderTest {
    subject: Box<dyn Subject>,
    /// A location like those under test.
    location: StorageUrl,
    /// What the report calls it.
    url: String,
    directory: Option<tempfile::TempDir>,
}

impl UnderTest {
    /// Somewhere new and temporary.
    fn in_fresh_place(scheme: &str) -> Result<Self, Failure> {
        if scheme == "memory" {
            return Self::below(&StorageUrl::parse("memory:")?);
        }
        let directory = tempfile::Builder::new().prefix("anystorage-conformance-").tempdir();
        let directory = directory.map_err(|error| Failure::host("create a temporary directory", error))?;
        let url = StorageUrl::on_host(scheme, directory.path())?;
        Self::at(&url, directory)
    }

    /// Somewhere new at a location, whose own files are not touched: below a directory of files, beside a store.
    fn below(url: &StorageUrl) -> Result<Self, Failure> {
        let directory = match url.location() {
            Location::Files { .. } if url.is_read_only() => {
                let error = anystorage::Error::new(ErrorKind::InvalidInput, Operation::Configure);
                return Err(error.with_text(format!("{url}: the suite writes, and this location is for reading alone")).into());
            }
            Location::Files { root, .. } => new_directory(root)?,
            Location::Sled { directory: store, options, .. } | Location::Redb { file: store, options, .. } => {
                if options.mode == StoreMode::ReadWrite {
                    std::fs::metadata(store).map_err(|error| Failure::host_file("find", store, error))?;
                }
                new_directory(store.parent().unwrap_or(store))?
            }
            _ => {
                let subject = Box::new(MemorySubject::new(url.clone()));
                return Ok(Self { subject, location: url.clone(), url: url.to_string(), directory: None });
            }
        };
        Self::at(url, directory)
    }

    fn at(url: &StorageUrl, directory: tempfile::TempDir) -> Result<Self, Failure> {
        let subject = subjects::on_host(url, directory.path())?;
        Ok(Self { subject, location: url.clone(), url: url.to_string(), directory: Some(directory) })
    }

    fn remove(self) -> Result<(), Failure> {
        let Some(directory) = self.directory else {
            return Ok(());
        };
        let path = directory.path().to_owned();
        directory.close().map_err(|error| Failure::host_file("remove the directory of the suite", &path, error))
    }
}

fn new_directory(beside: &Path) -> Result<tempfile::TempDir, Failure> {
    let directory = tempfile::Builder::new().prefix(".anystorage-conformance-").tempdir_in(beside);
    directory.map_err(|error| Failure::host_file("create a directory for the suite in", beside, error))
}

/// What runs just now, on a terminal; nothing elsewhere.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn start(url: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        bar.set_style(
            ProgressStyle::with_template("{spinner} {prefix}: {pos} cases, {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.set_prefix(shown(url));
        Self(Some(bar))
    }

    fn case(&self, case: &CaseReport) {
        let Some(bar) = &self.0 else {
            return;
        };
        if case.status == Status::Failed {
            bar.println(format!("failed: {}", case.name));
        }
        bar.inc(1);
        bar.set_message(format!("last {}", case.name));
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

//! What a run of the suite found, for machines (JSON through serde) and for people (a matrix).

use std::collections::BTreeMap;
use std::fmt;

use anystorage_api::Capabilities;
use serde::Serialize;

use crate::kill_loop::KillReport;

/// How one case ended on one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// The promise was kept.
    Passed,
    /// It was broken.
    Failed,
    /// The engine does not offer what the case needs, and may do so.
    Skipped,
}

/// One case on one engine.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseReport {
    /// The name of the case; for persistence cases with what lay between the halves: `name@reopen`, `name@process`, `name@kill`.
    pub name: String,
    /// The contract line.
    pub line: u8,
    /// How it ended.
    pub status: Status,
    /// Why it failed or was skipped, with the operations that led there; empty if it passed.
    pub detail: String,
    /// How long it took; none where there is no clock.
    pub seconds: Option<f64>,
}

/// All cases on one engine.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EngineReport {
    /// The engine's URL.
    pub url: String,
    /// The browser that it ran in, with its version; none natively.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Where in the browser: `page` or `worker`; none natively.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// What it declares; none if it could not be opened.
    #[serde(serialize_with = "capabilities_as_map")]
    pub capabilities: Option<Capabilities>,
    /// The cases, in the order of the suite.
    pub cases: Vec<CaseReport>,
    /// What kill loops found, each under the word for what was done to the player of its load; empty where none ran.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kill_loops: BTreeMap<String, KillReport>,
}

/// A whole run.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The engines, in the order given.
    pub engines: Vec<EngineReport>,
    /// Cases passed on all engines together.
    pub passed: usize,
    /// Cases failed.
    pub failed: usize,
    /// Cases skipped.
    pub skipped: usize,
}

impl CaseReport {
    /// One case, its time not taken.
    #[must_use]
    pub fn new(name: impl Into<String>, line: u8, status: Status, detail: impl Into<String>) -> Self {
        Self { name: name.into(), line, status, detail: detail.into(), seconds: None }
    }

    /// With how long it took.
    #[must_use]
    pub fn with_seconds(mut self, seconds: f64) -> Self {
        self.seconds = Some(seconds);
        self
    }
}

impl EngineReport {
    /// An engine of which nothing is known yet.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), browser: None, context: None, capabilities: None, cases: Vec::new(), kill_loops: BTreeMap::new() }
    }

    /// How many of its cases ended so.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.cases.iter().filter(|case| case.status == status).count()
    }

    /// The engine and where it ran, in words.
    fn title(&self) -> String {
        [Some(&self.url), self.browser.as_ref(), self.context.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn cell(&self, line: u8) -> String {
        let count = |status| self.cases.iter().filter(|case| case.line == line && case.status == status).count();
        format!("{}/{}/{}", count(Status::Passed), count(Status::Failed), count(Status::Skipped))
    }
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an engine and its counts.
    pub fn push(&mut self, engine: EngineReport) {
        self.passed += engine.count(Status::Passed);
        self.failed += engine.count(Status::Failed);
        self.skipped += engine.count(Status::Skipped);
        self.engines.push(engine);
    }

    /// The report for people: a table of engines and contract lines, what failed and why, and the sums in the last line.
    #[must_use]
    pub const fn matrix(&self) -> Matrix<'_> {
        Matrix { report: self }
    }
}

impl FromIterator<EngineReport> for Report {
    fn from_iter<I: IntoIterator<Item = EngineReport>>(engines: I) -> Self {
        let mut report = Self::new();
        for engine in engines {
            report.push(engine);
        }
        report
    }
}

/// A [`Report`] for people. It displays as text.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    report: &'a Report,
}

impl fmt::Display for Matrix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engines = &self.report.engines;
        let titles: Vec<String> = engines.iter().map(EngineReport::title).collect();
        writeln!(f, "passed/failed/not offered, by contract line")?;
        let wide = titles.iter().map(|title| title.chars().count()).max().unwrap_or_default().max("engine".len());
        let columns: Vec<Vec<String>> = (1..=12)
            .map(|line| std::iter::once(line.to_string()).chain(engines.iter().map(|engine| engine.cell(line))).collect())
            .collect();
        let names = std::iter::once("engine").chain(titles.iter().map(String::as_str));
        for (row, name) in names.enumerate() {
            write!(f, "{name:wide$}")?;
            for column in &columns {
                let width = column.iter().map(String::len).max().unwrap_or_default();
                write!(f, "  {:>width$}", column.get(row).map(String::as_str).unwrap_or_default())?;
            }
            writeln!(f)?;
        }
        for (engine, title) in engines.iter().zip(&titles) {
            let mut lacking: BTreeMap<&str, usize> = BTreeMap::new();
            for case in engine.cases.iter().filter(|case| case.status == Status::Skipped) {
                *lacking.entry(case.detail.as_str()).or_default() += 1;
            }
            for (why, count) in lacking {
                writeln!(f, "{title:wide$}  {why} ({count} cases)")?;
            }
        }
        for (engine, title) in engines.iter().zip(&titles) {
            for (how, report) in &engine.kill_loops {
                writeln!(f, "\n{title}, kill loop by {how}: {report}")?;
            }
            for case in engine.cases.iter().filter(|case| case.status == Status::Failed) {
                writeln!(f, "\nFAILED {} on {title} (line {})", case.name, case.line)?;
                for line in case.detail.lines() {
                    writeln!(f, "  {line}")?;
                }
            }
        }
        write!(f, "{} passed, {} failed, {} skipped", self.report.passed, self.report.failed, self.report.skipped)
    }
}

fn capabilities_as_map<S: serde::Serializer>(capabilities: &Option<Capabilities>, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap;
    let Some(known) = capabilities else {
        return serializer.serialize_none();
    };
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("durability", known.durability.as_str())?;
    for (name, offered) in [
        ("atomic_sync", known.atomic_sync),
        ("atomic_rename_file", known.atomic_rename_file),
        ("atomic_rename_dir", known.atomic_rename_dir),
        ("immediate", known.immediate),
        ("shared", known.shared),
        ("real_names", known.real_names),
        ("checksums", known.checksums),
        ("attributes", known.attributes),
        ("usage", known.usage),
    ] {
        map.serialize_entry(name, &offered)?;
    }
    map.serialize_entry("max_name_len", &known.max_name_len)?;
    map.serialize_entry("max_file_len", &known.max_file_len)?;
    map.end()
}

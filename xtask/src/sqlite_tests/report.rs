//! How many of SQLite's tests ran and failed, over each engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use super::play::Played;
use super::reasons::{ENDED_EARLY, Reasons};

/// The name of the engine that the others are compared with.
const HOST: &str = "host";

/// What ran over all engines.
#[derive(Debug)]
pub(crate) struct Report {
    /// Of Debian's source package.
    version: String,
    pub(crate) engines: Vec<EngineReport>,
    /// In the order of the list.
    texts: Vec<String>,
}

/// What ran over one engine.
#[derive(Debug)]
pub(crate) struct EngineReport {
    name: &'static str,
    played: Vec<Played>,
    /// What failed for each reason, as file and test.
    explained: BTreeMap<String, Vec<Failure>>,
    /// What failed over the host, too.
    as_host: Vec<Failure>,
    unexplained: Vec<Failure>,
}

type Failure = (String, String);

impl EngineReport {
    pub(crate) fn new(name: &'static str, played: Vec<Played>) -> Self {
        Self { name, played, explained: BTreeMap::new(), as_host: Vec::new(), unexplained: Vec::new() }
    }

    fn tests(&self) -> u64 {
        self.played.iter().map(|played| played.tests).sum()
    }

    fn failed(&self) -> usize {
        self.played.iter().map(|played| played.failed.len()).sum()
    }

    fn ended_early(&self) -> usize {
        self.played.iter().filter(|played| played.ended_early.is_some()).count()
    }

    /// Files of which every test ran and passed.
    fn clean(&self) -> usize {
        self.played.iter().filter(|played| played.failed.is_empty() && played.ended_early.is_none()).count()
    }

    fn failures(&self) -> impl Iterator<Item = (&Played, &str)> {
        self.played.iter().flat_map(|played| {
            let end = played.ended_early.is_some().then_some(ENDED_EARLY);
            played.failed.iter().map(String::as_str).chain(end).map(move |test| (played, test))
        })
    }
}

impl Report {
    pub(crate) fn new(version: String) -> Self {
        Self { version, engines: Vec::new(), texts: Vec::new() }
    }

    /// Finds a reason for each failure that the host does not have.
    pub(crate) fn explain(&mut self, reasons: &Reasons) {
        self.texts = reasons.iter().map(ToString::to_string).collect();
        let host: BTreeSet<Failure> = self.engines.iter().filter(|engine| engine.name == HOST).flat_map(failures).collect();
        for engine in &mut self.engines {
            let (mut explained, mut as_host, mut unexplained) = (BTreeMap::<String, Vec<Failure>>::new(), Vec::new(), Vec::new());
            for (played, test) in engine.failures() {
                let failure = (played.name.clone(), test.to_owned());
                if host.contains(&failure) {
                    as_host.push(failure);
                } else if let Some(reason) = reasons.of(engine.name, played, test) {
                    explained.entry(reason.name.clone()).or_default().push(failure);
                } else {
                    unexplained.push(failure);
                }
            }
            (engine.explained, engine.as_host, engine.unexplained) = (explained, as_host, unexplained);
        }
    }

    /// # Errors
    /// If a test failed that has no reason to, and passed over the host.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let open: Vec<String> = self
            .engines
            .iter()
            .flat_map(|engine| engine.unexplained.iter().map(|(file, test)| format!("{}: {file}: {test}", engine.name)))
            .collect();
        if open.is_empty() { Ok(()) } else { Err(format!("without a known reason, {} failed:\n{}", open.len(), open.join("\n"))) }
    }

    pub(crate) fn json(&self) -> Value {
        let list = |failures: &[Failure]| failures.iter().map(|(file, test)| json!({"file": file, "test": test})).collect::<Vec<_>>();
        let engines = self.engines.iter().map(|engine| {
            let ended = engine.played.iter().filter_map(|played| Some(json!({"file": played.name, "why": played.ended_early.as_ref()?})));
            json!({
                "engine": engine.name,
                "files": engine.played.len(),
                "files_passed": engine.clean(),
                "tests": engine.tests(),
                "failed": engine.failed(),
                "ended_early": ended.collect::<Vec<_>>(),
                "as_host": list(&engine.as_host),
                "reasons": engine.explained.iter().map(|(name, failures)| (name.clone(), list(failures))).collect::<BTreeMap<_, _>>(),
                "unexplained": list(&engine.unexplained),
            })
        });
        json!({"sqlite": self.version, "engines": engines.collect::<Vec<_>>()})
    }
}

fn failures(engine: &EngineReport) -> Vec<Failure> {
    engine.failures().map(|(played, test)| (played.name.clone(), test.to_owned())).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "SQLite {}", self.version)?;
        writeln!(f, "{:8} {:>6} {:>8} {:>8} {:>7} {:>12}", "engine", "files", "passed", "tests", "failed", "ended early")?;
        for engine in &self.engines {
            let (files, clean, tests) = (engine.played.len(), engine.clean(), engine.tests());
            writeln!(f, "{:8} {files:6} {clean:8} {tests:8} {:7} {:12}", engine.name, engine.failed(), engine.ended_early())?;
        }
        for engine in self.engines.iter().filter(|engine| !engine.explained.is_empty() || !engine.as_host.is_empty()) {
            writeln!(f, "\n{}: why tests failed, or files ended early", engine.name)?;
            for (reason, failures) in &engine.explained {
                writeln!(f, "{:8} {reason}", failures.len())?;
            }
            writeln!(f, "{:8} as over the host\n{:8} no known reason", engine.as_host.len(), engine.unexplained.len())?;
        }
        writeln!(f)?;
        self.texts.iter().try_for_each(|text| writeln!(f, "{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{EngineReport, Played, Reasons, Report};

    #[test]
    fn failures_are_the_hosts_or_have_a_reason_or_are_counted_as_neither() {
        let played = |failed: &[&str]| Played {
            name: "a".to_owned(),
            tests: 5,
            failed: failed.iter().map(|test| (*test).to_owned()).collect(),
            ended_early: None,
        };
        let mut report = Report::new("3".to_owned());
        report.engines.push(EngineReport::new("host", vec![played(&["a-1"])]));
        report.engines.push(EngineReport::new("files", vec![played(&["a-1", "a-2", "a-3"])]));
        report.explain(&Reasons::parse("[memory] None is shared.\na 2\n").unwrap());
        assert!(report.verdict().unwrap_err().ends_with("files: a: a-3"));
        let json = report.json();
        assert_eq!(json["engines"][1]["reasons"]["memory"][0]["test"], "a-2");
        assert_eq!(json["engines"][1]["as_host"][0]["test"], "a-1");
        assert_eq!((&json["engines"][1]["tests"], &json["engines"][1]["failed"]), (&5.into(), &3.into()));
        report.explain(&Reasons::parse("[memory] None is shared.\na 2 3\n").unwrap());
        assert!(report.verdict().is_ok());
    }
}

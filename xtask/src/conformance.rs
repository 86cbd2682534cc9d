//! The report of `anystorage conformance --format json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::tally::Tally;

/// What matters of a report.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    engines: Vec<Engine>,
    /// The names of all cases, without what lay between the halves (`name@kill`).
    cases: BTreeSet<String>,
    tally: Tally,
}

#[derive(Debug)]
struct Engine {
    url: String,
    tally: Tally,
    /// The cases that failed, with what broke.
    failures: Vec<String>,
    /// How many were skipped, by reason.
    skips: BTreeMap<String, usize>,
}

impl Summary {
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let report: Value = serde_json::from_str(json).map_err(|error| format!("its report is not JSON: {error}"))?;
        let mut summary = Self::default();
        for engine in array(&report, "engines")? {
            let mut known = Engine { url: text(engine, "url")?, tally: Tally::default(), failures: Vec::new(), skips: BTreeMap::new() };
            for case in array(engine, "cases")? {
                let (name, status) = (text(case, "name")?, text(case, "status")?);
                match status.as_str() {
                    "passed" => known.tally.passed += 1,
                    "failed" => {
                        known.tally.failed += 1;
                        known.failures.push(format!("{name}: {}", text(case, "detail")?));
                    }
                    "skipped" => {
                        known.tally.skipped += 1;
                        *known.skips.entry(text(case, "detail")?).or_default() += 1;
                    }
                    other => return Err(format!("its report has a case with the status {other:?}")),
                }
                summary.cases.insert(name.split('@').next().unwrap_or_default().to_owned());
            }
            summary.tally += known.tally;
            summary.engines.push(known);
        }
        for (field, counted) in [("passed", summary.tally.passed), ("failed", summary.tally.failed), ("skipped", summary.tally.skipped)] {
            if report.get(field).and_then(Value::as_u64) != Some(counted as u64) {
                return Err(format!("its report's field {field:?} is not the {counted} cases counted"));
            }
        }
        Ok(summary)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether nothing failed, at least `cases` distinct cases ran, and each of `engines` (URL schemes) passed some.
    pub(crate) fn judge(&self, cases: usize, engines: &[&str]) -> Result<(), String> {
        if self.tally.failed > 0 {
            return Err(format!("{} of its cases failed", self.tally.failed));
        }
        if self.cases.len() < cases {
            return Err(format!("it has {} distinct cases, where {cases} are asked for", self.cases.len()));
        }
        for scheme in engines {
            let ran = |engine: &Engine| engine.url.split(':').next() == Some(*scheme) && engine.tally.passed > 0;
            if !self.engines.iter().any(ran) {
                return Err(format!("no case ran on {scheme}:"));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} distinct cases", self.cases.len())?;
        for engine in &self.engines {
            writeln!(f, "{}: {}", engine.url, engine.tally)?;
            for failure in &engine.failures {
                writeln!(f, "    failed: {failure}")?;
            }
            for (reason, count) in &engine.skips {
                writeln!(f, "    {count} skipped: {reason}")?;
            }
        }
        Ok(())
    }
}

fn array<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], String> {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| format!("its report lacks the list {field:?}"))
}

fn text(value: &Value, field: &str) -> Result<String, String> {
    value.get(field).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("its report lacks the text {field:?}"))
}

#[cfg(test)]
mod tests {
    use super::Summary;

    const REPORT: &str = r#"{"engines": [
        {"url": "memory:", "capabilities": {}, "cases": [
            {"name": "reads::a", "line": 5, "status": "passed", "detail": "", "seconds": 0.1},
            {"name": "syncs::b@kill", "line": 1, "status": "skipped", "detail": "needs durability", "seconds": null}]},
        {"url": "file:///tmp/x", "capabilities": {}, "cases": [
            {"name": "syncs::b@reopen", "line": 1, "status": "passed", "detail": "", "seconds": 0.1},
            {"name": "syncs::b@kill", "line": 1, "status": "STATUS", "detail": "it tore", "seconds": 0.1}]}],
        "passed": PASSED, "failed": FAILED, "skipped": 1}"#;

    fn report(status: &str, passed: u8, failed: u8) -> Result<Summary, String> {
        let report = REPORT.replace("STATUS", status);
        Summary::parse(&report.replace("PASSED", &passed.to_string()).replace("FAILED", &failed.to_string()))
    }

    #[test]
    fn counts_distinct_cases_without_the_crossing() {
        let summary = report("passed", 3, 0).unwrap();
        assert_eq!(summary.tally().to_string(), "3 passed, 0 failed, 1 skipped");
        assert_eq!(summary.judge(2, &["memory", "file"]), Ok(()));
        assert!(summary.judge(3, &[]).unwrap_err().contains("2 distinct cases"));
        assert!(summary.judge(2, &["sled"]).unwrap_err().contains("sled:"));
    }

    #[test]
    fn a_failed_case_fails_the_report_and_is_shown() {
        let summary = report("failed", 2, 1).unwrap();
        assert!(summary.judge(1, &[]).is_err());
        assert!(summary.to_string().contains("failed: syncs::b@kill: it tore"));
    }

    #[test]
    fn a_report_that_miscounts_is_refused() {
        assert!(report("failed", 3, 0).is_err());
        assert!(report("perhaps", 3, 0).is_err());
        assert!(Summary::parse("").is_err());
    }
}

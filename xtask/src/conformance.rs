//! The report of `anystorage conformance --format json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::tally::Tally;

/// What can be crossed in pages and workers alike.
const BROWSER_CROSSINGS: &[&str] = &["reopen", "drop", "reload", "restart", "kill"];
/// And in workers besides.
const WORKER_CROSSING: &str = "terminate";

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
    /// Where it ran, if that was in one: name and version.
    browser: String,
    /// In what there, a page or a worker.
    context: String,
    tally: Tally,
    /// The cases that failed, with what broke.
    failures: Vec<String>,
    /// How many were skipped, by reason.
    skips: BTreeMap<String, usize>,
    /// How long each case took, in seconds.
    times: Vec<(f64, String)>,
    /// How many cases passed that only an engine with `atomic_sync` has.
    atomic_syncs: usize,
    /// What lay between the halves of cases that passed.
    crossed: BTreeSet<String>,
    /// What it declares, by name.
    capabilities: Value,
}

impl Engine {
    /// The cases that took longest, the slowest first, and how long all of them took, in seconds. Halves that wait for a browser's end count
    /// without that wait.
    fn slowest(&self) -> (Vec<&(f64, String)>, f64) {
        const SHOWN: usize = 4;
        let mut slowest: Vec<&(f64, String)> = self.times.iter().filter(|(seconds, _)| *seconds >= 1.0).collect();
        slowest.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        slowest.truncate(SHOWN);
        (slowest, self.times.iter().map(|(seconds, _)| seconds).sum())
    }

    fn is_durable(&self) -> bool {
        self.capabilities.get("durability").and_then(Value::as_str).is_some_and(|known| known != "none")
    }

    fn scheme(&self) -> &str {
        self.url.split(':').next().unwrap_or_default()
    }

    /// Whether it is the engine of this scheme, as it is by default, or of this URL.
    fn is(&self, asked: &str) -> bool {
        self.url == asked || self.scheme() == asked && !self.url.contains('?')
    }

    /// Whether it offers what a case was skipped for: then it should have run. What is no capability is there wherever something is durable;
    /// a small place can be had for every engine.
    fn offers(&self, reason: &str) -> bool {
        let need = reason.strip_prefix("not offered: ").unwrap_or(reason);
        if need.starts_with("space that is free") {
            // Natively it always is. In browsers the runner keeps to the suite's table, and fails what it leaves out beyond that.
            return self.browser.is_empty();
        }
        let word = need.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next().unwrap_or_default();
        match self.capabilities.get(word) {
            Some(Value::Bool(offered)) => *offered,
            _ => self.is_durable() || need.starts_with("a small place"),
        }
    }
}

impl Summary {
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let report: Value = serde_json::from_str(json).map_err(|error| format!("its report is not JSON: {error}"))?;
        let mut summary = Self::default();
        for engine in array(&report, "engines")? {
            let mut known = Engine {
                url: text(engine, "url")?,
                browser: engine.get("browser").and_then(Value::as_str).unwrap_or_default().to_owned(),
                context: engine.get("context").and_then(Value::as_str).unwrap_or_default().to_owned(),
                tally: Tally::default(),
                failures: Vec::new(),
                skips: BTreeMap::new(),
                times: Vec::new(),
                atomic_syncs: 0,
                crossed: BTreeSet::new(),
                capabilities: engine.get("capabilities").cloned().unwrap_or_default(),
            };
            for case in array(engine, "cases")? {
                let (name, status) = (text(case, "name")?, text(case, "status")?);
                match status.as_str() {
                    "passed" => {
                        known.tally.passed += 1;
                        known.atomic_syncs += usize::from(name.starts_with("atomic_sync::"));
                        known.crossed.extend(name.split_once('@').map(|(_, crossing)| crossing.to_owned()));
                    }
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
                if let Some(seconds) = case.get("seconds").and_then(Value::as_f64) {
                    known.times.push((seconds, name.clone()));
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

    /// Whether nothing failed, at least `cases` distinct cases ran, each of `engines` (schemes or URLs) passed some, in browsers some across everything
    /// that can be crossed in a page, and nothing was skipped for want of what an engine offers.
    pub(crate) fn judge(&self, cases: usize, engines: &[&str]) -> Result<(), String> {
        if self.tally.failed > 0 {
            return Err(format!("{} of its cases failed", self.tally.failed));
        }
        if self.cases.len() < cases {
            return Err(format!("it has {} distinct cases, where {cases} are asked for", self.cases.len()));
        }
        for asked in engines {
            if !self.engines.iter().any(|engine| engine.is(asked) && engine.tally.passed > 0) {
                return Err(format!("no case ran on {asked}"));
            }
        }
        for engine in &self.engines {
            if let Some(reason) = engine.skips.keys().find(|reason| engine.offers(reason)) {
                return Err(format!("{} skipped a case that it has no reason to skip: {reason}", engine.url));
            }
            if engine.capabilities.get("atomic_sync") == Some(&Value::Bool(true)) && engine.atomic_syncs == 0 {
                return Err(format!("no case about atomic_sync ran on {}", engine.url));
            }
            let mut offered = BROWSER_CROSSINGS.iter().chain((engine.context == "worker").then_some(&WORKER_CROSSING));
            if let Some(missed) = offered.find(|crossing| !engine.crossed.contains(**crossing))
                && !engine.browser.is_empty()
                && engine.is_durable()
            {
                return Err(format!("nothing crossed @{missed} on {}", engine.url));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} distinct cases", self.cases.len())?;
        for engine in &self.engines {
            let (slowest, all) = engine.slowest();
            writeln!(f, "{}: {}, in {all:.0} s", engine.url, engine.tally)?;
            for (seconds, name) in slowest {
                writeln!(f, "    {seconds:.1} s: {name}")?;
            }
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
    use serde_json::{Value, json};

    use super::{BROWSER_CROSSINGS, Summary, WORKER_CROSSING};

    const REPORT: &str = r#"{"engines": [
        {"url": "memory:", "capabilities": {"durability": "none"}, "cases": [
            {"name": "reads::a", "line": 5, "status": "passed", "detail": "", "seconds": 0.1},
            {"name": "syncs::b@kill", "line": 1, "status": "skipped", "detail": "not offered: durability", "seconds": null}]},
        {"url": "file:///tmp/x", "capabilities": {"durability": "power loss"}, "cases": [
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
        assert!(summary.judge(2, &["sled"]).unwrap_err().contains("no case ran on sled"));
    }

    /// An engine with these capabilities on which one case passed and another was skipped.
    fn store(capabilities: &str, passed: &str, skipped_for: &str) -> Result<(), String> {
        let report = format!(
            r#"{{"engines": [{{"url": "redb:///tmp/x", "capabilities": {{"durability": "power loss", {capabilities}}}, "cases": [
                {{"name": "{passed}", "line": 3, "status": "passed", "detail": "", "seconds": 0.1}},
                {{"name": "a::skipped", "line": 9, "status": "skipped", "detail": "not offered: {skipped_for}", "seconds": null}}]}}],
                "passed": 1, "failed": 0, "skipped": 1}}"#
        );
        Summary::parse(&report)?.judge(1, &["redb"])
    }

    #[test]
    fn what_takes_long_is_shown() {
        let report = REPORT.replace("STATUS", "passed").replace("PASSED", "3").replace("FAILED", "0");
        let shown = Summary::parse(&report.replacen("0.1", "12.34", 1)).unwrap().to_string();
        assert!(shown.contains("memory:: 1 passed, 0 failed, 1 skipped, in 12 s\n    12.3 s: reads::a\n"), "{shown}");
        assert!(!shown.contains("syncs::b@reopen"), "{shown}");
    }

    #[test]
    fn what_is_offered_may_not_be_skipped() {
        let passed = "atomic_sync::a@kill";
        assert_eq!(store(r#""checksums": false"#, passed, "checksums"), Ok(()));
        for (declared, reason) in [
            (r#""checksums": true"#, "checksums"),
            (r#""checksums": true"#, "checksums of every byte"),
            (r#""checksums": false"#, "stored bytes that can be damaged"),
            (r#""checksums": false"#, "a flush that can be made to fail"),
            (r#""checksums": false"#, "a small place"),
            (r#""checksums": false"#, "durability"),
        ] {
            assert!(store(declared, passed, reason).unwrap_err().contains("no reason to skip"), "{declared} {reason}");
        }
    }

    #[test]
    fn the_cases_about_atomic_sync_must_have_run() {
        let why = store(r#""atomic_sync": true, "checksums": false"#, "reads::a", "checksums").unwrap_err();
        assert!(why.contains("no case about atomic_sync ran on redb:///tmp/x"), "{why}");
    }

    #[test]
    fn each_crossing_has_its_cases_in_a_browser() {
        let report = |context: &str, crossings: &[&str]| {
            let cases: Vec<Value> = crossings
                .iter()
                .map(|crossing| json!({ "name": format!("syncs::a@{crossing}"), "line": 1, "status": "passed", "detail": "", "seconds": 0.1 }))
                .collect();
            let engine = json!({ "url": "opfs:", "browser": "Chromium 1", "context": context, "capabilities": { "durability": "process" }, "cases": cases });
            json!({ "engines": [engine], "passed": crossings.len(), "failed": 0, "skipped": 0 }).to_string()
        };
        let judged = |context: &str, crossings: &[&str]| Summary::parse(&report(context, crossings)).unwrap().judge(1, &["opfs"]);
        assert_eq!(judged("page", BROWSER_CROSSINGS), Ok(()));
        assert_eq!(judged("worker", &[BROWSER_CROSSINGS, &[WORKER_CROSSING]].concat()), Ok(()));
        let why = judged("page", &["reopen", "drop", "reload", "restart"]).unwrap_err();
        assert!(why.contains("nothing crossed @kill on opfs:"), "{why}");
        let why = judged("worker", BROWSER_CROSSINGS).unwrap_err();
        assert!(why.contains("nothing crossed @terminate on opfs:"), "{why}");
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

//! The figures, for people and for machines.

use std::collections::BTreeMap;
use std::fmt::Write;

use anystorage_bench_page::median;
use serde::{Deserialize, Serialize};

use crate::drive::Counts;

/// What is timed, in order, and what it is.
const STEPS: [(&str, &str); 12] = [
    ("mount, new", "mounting where nothing is"),
    ("populate, empty", "`syncfs(true)`, nothing is below"),
    ("write small", "the small files, in memory"),
    ("sync small", "`syncfs(false)`"),
    ("write large", "the large file, in memory"),
    ("sync large", "`syncfs(false)`"),
    ("change a few", "a few of the small files anew, in memory"),
    ("sync a few", "`syncfs(false)`"),
    ("mount", "after the reload"),
    ("populate", "`syncfs(true)`, everything is below"),
    ("read small", "from memory"),
    ("read large", "from memory"),
];

/// The share of their time that is aimed at, in all.
const AIM: f64 = 0.2;

/// What a page has measured in one of its two lives.
#[derive(Debug, Deserialize)]
pub(crate) struct Life {
    version: String,
    loading_ms: f64,
    ms: BTreeMap<String, f64>,
    /// Of all bytes that were read, where that was done.
    hash: Option<u32>,
}

/// Both lives of a contestant, in one round.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) first: Life,
    pub(crate) second: Life,
}

impl Measured {
    /// How long a step took, in milliseconds.
    fn took(&self, step: &str) -> f64 {
        self.first.ms.get(step).or_else(|| self.second.ms.get(step)).copied().unwrap_or(f64::NAN)
    }

    fn in_all(&self) -> f64 {
        STEPS.iter().map(|(step, _)| self.took(step)).sum()
    }
}

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    counts: Counts,
    browsers: Vec<InBrowser>,
}

#[derive(Debug, Serialize)]
struct InBrowser {
    /// Name and version.
    browser: String,
    /// Theirs.
    version: String,
    /// From the script to what can be asked: not among the steps.
    ours_loading_ms: f64,
    theirs_loading_ms: f64,
    steps: Vec<Step>,
    all: Step,
    /// The ratio that is aimed at, in all.
    aim: f64,
}

#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    what: &'static str,
    /// Medians of the rounds.
    ours_ms: f64,
    theirs_ms: f64,
    floor_ms: f64,
    /// The median of the rounds' ratios, of ours to theirs.
    ratio: f64,
    /// Of the floor to theirs: what is left to be aimed at.
    floor_ratio: f64,
}

impl Step {
    fn new(name: &'static str, what: &'static str, [ours, theirs, floor]: [Vec<f64>; 3]) -> Self {
        let to_theirs = |all: &[f64]| median(all.iter().zip(&theirs).map(|(one, theirs)| one / theirs).collect());
        let (ratio, floor_ratio) = (to_theirs(&ours), to_theirs(&floor));
        Self { name, what, ours_ms: median(ours), theirs_ms: median(theirs), floor_ms: median(floor), ratio, floor_ratio }
    }
}

impl Report {
    pub(crate) const fn new(counts: Counts) -> Self {
        Self { counts, browsers: Vec::new() }
    }

    /// What ours, theirs and the floor took in each round.
    ///
    /// # Errors
    /// If they have not read the same bytes.
    pub(crate) fn add(&mut self, browser: String, all: [Vec<Measured>; 3]) -> Result<(), String> {
        let read: Vec<Option<u32>> = all.iter().flatten().map(|measured| measured.second.hash).collect();
        let first = read.first().copied().flatten();
        if first.is_none() || read.iter().any(|hash| *hash != first) {
            return Err(format!("{browser}: not the same bytes were read: {read:?}"));
        }
        let each = |took: &dyn Fn(&Measured) -> f64| all.each_ref().map(|one| one.iter().map(took).collect::<Vec<f64>>());
        let step = |(name, what): (&'static str, &'static str)| Step::new(name, what, each(&|measured| measured.took(name)));
        let [ours_loading_ms, theirs_loading_ms, _] = each(&|measured| measured.first.loading_ms).map(median);
        let [_, theirs, _] = &all;
        self.browsers.push(InBrowser {
            browser,
            version: theirs.first().map(|measured| measured.first.version.clone()).unwrap_or_default(),
            ours_loading_ms,
            theirs_loading_ms,
            steps: STEPS.into_iter().map(step).collect(),
            all: Step::new("in all", "", each(&Measured::in_all)),
            aim: AIM,
        });
        Ok(())
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        let Counts { files, megabytes, changed, block, rounds } = self.counts;
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "Milliseconds, medians of {rounds} rounds: {files} files of 1 KiB in directories, one of {megabytes} MiB, {changed} changed. Blocks of \
             ours have {block} bytes. Ratios are to theirs; the floor is the same bytes in plain IndexedDB, without files."
        );
        for browser in &self.browsers {
            browser.write(&mut table);
        }
        table
    }
}

impl InBrowser {
    fn write(&self, table: &mut String) {
        let _ = writeln!(
            table,
            "\n{:<22} {:>10} {:>16} {:>8} {:>8} {:>8}",
            self.browser, "anystorage", self.version, "ratio", "floor", "ratio"
        );
        for step in self.steps.iter().chain([&self.all]) {
            let Step { name, what, ours_ms, theirs_ms, floor_ms, ratio, floor_ratio } = step;
            let line = format!("{name:<22} {ours_ms:>10.1} {theirs_ms:>16.1} {ratio:>8.3} {floor_ms:>8.1} {floor_ratio:>8.3}  {what}");
            let _ = writeln!(table, "{}", line.trim_end());
        }
        let missed = if self.all.ratio <= self.aim { "reached" } else { "missed" };
        let _ = writeln!(table, "The aim is {} in all: {missed}. Every byte was compared.", self.aim);
        let _ = writeln!(table, "Before that, loading: {:.0} and {:.0}.", self.ours_loading_ms, self.theirs_loading_ms);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Life, Measured, Report};
    use crate::drive::Counts;

    fn measured(ms: f64, hash: u32) -> Measured {
        let life = |steps: &[&str], hash: Option<u32>| {
            let ms: serde_json::Map<_, _> = steps.iter().map(|step| ((*step).to_owned(), json!(ms))).collect();
            serde_json::from_value::<Life>(json!({ "version": "x", "loading_ms": 1.0, "ms": ms, "hash": hash })).unwrap()
        };
        let names: Vec<&str> = super::STEPS.iter().map(|(name, _)| *name).collect();
        Measured { first: life(&names[..8], None), second: life(&names[8..], Some(hash)) }
    }

    /// Who reads other bytes back has not done the same work.
    #[test]
    fn figures_of_other_bytes_are_none() {
        let counts = Counts { files: 1, megabytes: 1, changed: 1, block: 1, rounds: 2 };
        let mut report = Report::new(counts);
        let refused = report.add("a browser".to_owned(), [vec![measured(1.0, 7)], vec![measured(10.0, 8)], vec![measured(0.5, 7)]]);
        assert!(refused.unwrap_err().contains("not the same bytes"));
        let rounds = |ms: f64| vec![measured(ms, 7), measured(ms, 7)];
        report.add("a browser".to_owned(), [rounds(1.0), rounds(10.0), rounds(0.5)]).unwrap();
        let shown = serde_json::to_value(&report).unwrap();
        assert_eq!(shown["browsers"][0]["all"]["ours_ms"], json!(12.0));
        assert_eq!(shown["browsers"][0]["all"]["ratio"], json!(0.1));
        assert_eq!(shown["browsers"][0]["all"]["floor_ratio"], json!(0.05));
        assert!(report.table().contains("reached"));
    }
}

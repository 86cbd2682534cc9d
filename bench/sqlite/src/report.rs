//! The figures, for people and for machines.

use std::collections::BTreeMap;
use std::fmt::Write;

use anystorage_bench_page::median;
use serde::{Deserialize, Serialize};

use crate::drive::Counts;

/// What is timed, and the ratio to the best durable peer that is aimed at. What closing takes, the end of a write-ahead log above all, has no
/// goal.
const WORKLOADS: [(&str, Option<f64>); 6] = [
    ("transactions", Some(0.5)),
    ("inserts", Some(1.0)),
    ("selects", Some(1.0)),
    ("updates", Some(1.0)),
    ("vacuum", Some(1.0)),
    ("close", None),
];

/// What a page has measured: milliseconds of each round.
#[derive(Debug, Deserialize)]
pub(crate) struct Measured {
    floor_ms: Vec<f64>,
    contestants: Vec<Told>,
}

#[derive(Debug, Deserialize)]
struct Told {
    name: String,
    kind: Kind,
    flushes: f64,
    rows: u32,
    settings: BTreeMap<String, String>,
    ms: BTreeMap<String, Vec<f64>>,
}

/// What a contestant is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ours,
    /// One of the peers, as it comes.
    Peer,
    /// A faster way of the same, for who looks for it.
    Faster,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    rounds: u32,
    counts: Counts,
    browsers: Vec<InBrowser>,
}

#[derive(Debug, Serialize)]
struct InBrowser {
    /// Name and version.
    browser: String,
    /// 4 KiB written and flushed by a handle and nothing else, as often as there are transactions: the median of the rounds.
    floor_ms: f64,
    contestants: Vec<Contestant>,
    ratios: Vec<Ratio>,
}

#[derive(Debug, Serialize)]
struct Contestant {
    name: String,
    kind: Kind,
    /// Of a durable transaction of one row.
    flushes_per_commit: f64,
    /// Whether it flushes at each commit, and all rows were there after the end of its worker.
    durable: bool,
    /// As its pragmas answer.
    settings: BTreeMap<String, String>,
    /// The medians of the rounds.
    ms: BTreeMap<&'static str, f64>,
    #[serde(skip)]
    rounds: BTreeMap<&'static str, Vec<f64>>,
}

/// One of ours beside the fastest of the others.
#[derive(Debug, Serialize)]
struct Ratio {
    ours: String,
    workload: &'static str,
    /// Whether the faster ways of the peers are among the others.
    beside_all: bool,
    best: String,
    /// The median of the rounds' ratios.
    ratio: f64,
    goal: Option<f64>,
    met: Option<bool>,
}

impl Report {
    pub(crate) const fn new(counts: Counts, rounds: u32) -> Self {
        Self { rounds, counts, browsers: Vec::new() }
    }

    pub(crate) const fn rounds(&self) -> u32 {
        self.rounds
    }

    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn add(&mut self, browser: String, measured: Measured) {
        let commits = self.counts.transactions;
        let contestants: Vec<Contestant> = measured.contestants.into_iter().map(|told| Contestant::new(told, commits)).collect();
        let ours = contestants.iter().filter(|contestant| contestant.kind == Kind::Ours);
        let ratios = ours.flat_map(|ours| {
            let contestants = &contestants;
            [false, true].into_iter().flat_map(move |beside_all| {
                WORKLOADS.iter().filter_map(move |(workload, goal)| Ratio::new(ours, workload, *goal, beside_all, contestants))
            })
        });
        let ratios = ratios.collect();
        self.browsers.push(InBrowser { browser, floor_ms: median(measured.floor_ms), contestants, ratios });
    }

    /// Those beside the peers as they come.
    pub(crate) fn goals_met(&self) -> bool {
        self.browsers.iter().flat_map(|browser| &browser.ratios).all(|ratio| ratio.beside_all || ratio.met != Some(false))
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        let Counts { transactions, rows, selects, updates } = self.counts;
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "Milliseconds, medians of {} rounds: {transactions} durable transactions of one row, {rows} inserts in one, {selects} selects by \
             key, {updates} updates in one, VACUUM, closing. Pages of 4 KiB and a cache of 16 MiB each.",
            self.rounds
        );
        for browser in &self.browsers {
            browser.write(&mut table, transactions);
        }
        table
    }
}

impl InBrowser {
    fn write(&self, table: &mut String, transactions: u32) {
        let _ = write!(table, "\n{:<34}", self.browser);
        for (workload, _) in WORKLOADS {
            let _ = write!(table, " {workload:>12}");
        }
        let _ = writeln!(table, " flushes/commit  journal, locking, synchronous");
        let _ = writeln!(table, "{:<34} {:>12.1}", format!("a handle: {transactions} x 4 KiB, flush"), self.floor_ms);
        for contestant in &self.contestants {
            let _ = write!(table, "{:<34}", contestant.name);
            for (workload, _) in WORKLOADS {
                let _ = write!(table, " {:>12.1}", contestant.ms.get(workload).copied().unwrap_or(f64::NAN));
            }
            let setting = |name: &str| contestant.settings.get(name).map(String::as_str).unwrap_or_default();
            let not = if contestant.durable { "" } else { "  NOT DURABLE: no peer" };
            let _ = writeln!(
                table,
                " {:>14.2}  {}, {}, {}{not}",
                contestant.flushes_per_commit,
                setting("journal_mode"),
                setting("locking_mode"),
                setting("synchronous")
            );
        }
        for beside_all in [false, true] {
            let others = if beside_all { "peers in any way" } else { "peers as they come" };
            let _ = writeln!(table, "\nRatio to the best durable one of the {others}");
            for ratio in self.ratios.iter().filter(|ratio| ratio.beside_all == beside_all) {
                let goal = match (ratio.goal, ratio.met) {
                    (Some(goal), Some(true)) => format!("{goal} met"),
                    (Some(goal), _) => format!("{goal} MISSED"),
                    (None, _) => String::new(),
                };
                let _ = writeln!(table, "{:<20} {:<14} {:>6.2}  {:<12} {}", ratio.ours, ratio.workload, ratio.ratio, goal, ratio.best);
            }
        }
    }
}

impl Contestant {
    fn new(told: Told, commits: u32) -> Self {
        let Told { name, kind, flushes, rows, settings, mut ms } = told;
        let rounds: BTreeMap<_, _> = WORKLOADS.iter().map(|(workload, _)| (*workload, ms.remove(*workload).unwrap_or_default())).collect();
        let ms = rounds.iter().map(|(workload, ms)| (*workload, median(ms.clone()))).collect();
        // The flushes at the end of a log may be few, but not those of commits.
        let durable = flushes >= 1.0 && rows == commits;
        Self { name, kind, flushes_per_commit: flushes, durable, settings, ms, rounds }
    }

    fn rounds(&self, workload: &str) -> &[f64] {
        self.rounds.get(workload).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Ratio {
    /// None if there is nobody to compare with.
    fn new(ours: &Contestant, workload: &'static str, goal: Option<f64>, beside_all: bool, all: &[Contestant]) -> Option<Self> {
        let others = all.iter().filter(|other| other.durable && (other.kind == Kind::Peer || beside_all && other.kind == Kind::Faster));
        let took = |other: &Contestant| other.ms.get(workload).copied().unwrap_or(f64::NAN);
        let best = others.min_by(|one, other| took(one).total_cmp(&took(other)))?;
        let ratios = ours.rounds(workload).iter().zip(best.rounds(workload)).map(|(ours, theirs)| ours / theirs);
        let ratio = median(ratios.collect());
        let met = goal.map(|goal| ours.durable && ratio <= goal);
        Some(Self { ours: ours.name.clone(), workload, beside_all, best: best.name.clone(), ratio, goal, met })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Report;
    use crate::drive::WHOLE;

    /// One who doesn't flush at each commit, or whose rows were gone, would be the fastest of all, and the goals those of nobody.
    #[test]
    fn who_is_not_durable_is_no_peer() {
        let contestant = |name: &str, kind: &str, flushes: f64, rows: u32, ms: f64| {
            let each: serde_json::Map<_, _> = super::WORKLOADS.iter().map(|(work, _)| ((*work).to_owned(), json!([ms, ms, ms]))).collect();
            json!({ "name": name, "kind": kind, "flushes": flushes, "rows": rows, "settings": { "journal_mode": "wal" }, "ms": each })
        };
        let contestants = [
            contestant("ours", "ours", 1.0, 1_000, 4.0),
            contestant("as it comes", "peer", 3.0, 1_000, 10.0),
            contestant("in another way", "faster", 1.0, 1_000, 5.0),
            contestant("without flushes", "peer", 0.0, 1_000, 1.0),
            contestant("without rows", "peer", 1.0, 999, 1.0),
        ];
        let mut report = Report::new(WHOLE, 3);
        let measured = json!({ "floor_ms": [1.0, 3.0, 2.0], "contestants": contestants });
        report.add("a browser".to_owned(), serde_json::from_value(measured).unwrap());
        let shown = serde_json::to_value(&report).unwrap();
        let ratios = shown["browsers"][0]["ratios"].as_array().unwrap();
        let of = |beside_all: bool| ratios.iter().find(|ratio| ratio["workload"] == "transactions" && ratio["beside_all"] == beside_all);
        let (as_they_come, in_any_way) = (of(false).unwrap(), of(true).unwrap());
        assert_eq!((&as_they_come["best"], &as_they_come["ratio"]), (&json!("as it comes"), &json!(0.4)));
        assert_eq!((&as_they_come["met"], &in_any_way["met"]), (&json!(true), &json!(false)));
        assert_eq!((&in_any_way["best"], &in_any_way["ratio"]), (&json!("in another way"), &json!(0.8)));
        assert!(report.goals_met());
        assert_eq!(report.table().matches("NOT DURABLE").count(), 2);
    }
}

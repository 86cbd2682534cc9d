//! The figures, for people and for machines.

use std::fmt::Write;

use anystorage_bench_page::median;
use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Counted rounds.
    rounds: u32,
    /// The profile of cargo by which the engines were built.
    profile: String,
    measurements: Vec<Measurement>,
}

/// What the worker tells of a pair: milliseconds of each round.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair {
    engine: String,
    case: String,
    floor: String,
    goal: Option<f64>,
    times: u32,
    bytes: f64,
    engine_ms: Vec<f64>,
    floor_ms: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Measurement {
    /// Name and version.
    browser: String,
    engine: String,
    case: String,
    /// Through the plug, microseconds per operation: the median of the rounds.
    engine_us: f64,
    /// The same work in plain JavaScript, and how it is done.
    floor_us: f64,
    floor: String,
    /// The median of the rounds' ratios.
    ratio: f64,
    /// The ratio that is aimed at; none where the floor is something else than the same work.
    goal: Option<f64>,
    met: Option<bool>,
    /// Of a stream, how many bytes an operation moves; otherwise 0.
    stream_bytes: f64,
}

impl Report {
    pub(crate) fn new(rounds: u32, profile: &str) -> Self {
        Self { rounds, profile: profile.to_owned(), measurements: Vec::new() }
    }

    pub(crate) fn add(&mut self, browser: &str, pairs: Vec<Pair>) {
        self.measurements.extend(pairs.into_iter().map(|pair| Measurement::new(browser, pair)));
    }

    pub(crate) fn goals_met(&self) -> bool {
        self.measurements.iter().all(|measurement| measurement.met != Some(false))
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "Medians of {} rounds, per operation, built by the profile {}. In a dedicated worker; what ends in -page, and messages, in a page.",
            self.rounds, self.profile
        );
        let mut browser = "";
        for measurement in &self.measurements {
            if measurement.browser != browser {
                browser = &measurement.browser;
                let _ = writeln!(table, "\n{browser}");
                let _ = writeln!(
                    table,
                    "{:<11} {:<33} {:>11} {:>11} {:>6}  {:<11} the floor",
                    "engine", "case", "engine", "floor", "ratio", "goal"
                );
            }
            let goal = match (measurement.goal, measurement.met) {
                (Some(goal), Some(true)) => format!("{goal} met"),
                (Some(goal), _) => format!("{goal} MISSED"),
                (None, _) => String::new(),
            };
            let _ = writeln!(
                table,
                "{:<11} {:<33} {:>11} {:>11} {:>6.2}  {:<11} {}",
                measurement.engine,
                measurement.case,
                measurement.shown(measurement.engine_us),
                measurement.shown(measurement.floor_us),
                measurement.ratio,
                goal,
                measurement.floor
            );
        }
        table
    }
}

impl Measurement {
    fn new(browser: &str, pair: Pair) -> Self {
        let each = 1e3 / f64::from(pair.times.max(1));
        let ratio = median(pair.engine_ms.iter().zip(&pair.floor_ms).map(|(engine, floor)| engine / floor).collect());
        Self {
            browser: browser.to_owned(),
            engine: pair.engine,
            case: pair.case,
            engine_us: median(pair.engine_ms) * each,
            floor_us: median(pair.floor_ms) * each,
            floor: pair.floor,
            ratio,
            goal: pair.goal,
            met: pair.goal.map(|goal| ratio <= goal),
            stream_bytes: pair.bytes,
        }
    }

    /// A time, or of a stream its speed.
    fn shown(&self, microseconds: f64) -> String {
        match microseconds {
            long if self.stream_bytes > 0.0 => format!("{:.0} MB/s", self.stream_bytes / long),
            short if short < 10_000.0 => format!("{short:.1} us"),
            long => format!("{:.1} ms", long / 1e3),
        }
    }
}

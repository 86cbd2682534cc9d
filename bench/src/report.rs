//! The figures, for people and for machines.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

use crate::measure::Medians;
use crate::scale::Scale;

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Bytes of the large file and of a stream.
    large_bytes: usize,
    /// Counted rounds.
    rounds: usize,
    /// Counted rounds of operations with a sync.
    synced_rounds: usize,
    /// Where the files were.
    directory: String,
    measurements: Vec<Measurement>,
    spaces: Vec<Space>,
}

/// What the same contents take on the disk.
#[derive(Debug, Serialize)]
struct Space {
    engine: &'static str,
    contents: &'static str,
    engine_bytes: u64,
    floor_bytes: u64,
}

/// One pair.
#[derive(Debug, Serialize)]
struct Measurement {
    engine: &'static str,
    case: &'static str,
    /// Through the plug, nanoseconds per operation.
    engine_ns: f64,
    /// The same by hand.
    floor: &'static str,
    floor_ns: f64,
    ratio: f64,
    /// The ratio that is aimed at; none where the floor is something else than the same work.
    goal: Option<f64>,
    met: Option<bool>,
    /// Of a stream, how many bytes an operation moves.
    stream_bytes: Option<usize>,
}

impl Report {
    pub(crate) fn new(scale: &Scale, directory: &Path) -> Self {
        let directory = directory.display().to_string();
        Self {
            large_bytes: scale.large,
            rounds: scale.rounds,
            synced_rounds: scale.synced_rounds,
            directory,
            measurements: Vec::new(),
            spaces: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, engine: &'static str, case: &'static str, floor: &'static str, goal: Option<f64>, medians: Medians) {
        self.push(engine, case, floor, goal, medians, None);
    }

    /// A stream of so many bytes, without a goal: the table tells what goes through in a second.
    pub(crate) fn add_stream(&mut self, engine: &'static str, case: &'static str, floor: &'static str, bytes: usize, medians: Medians) {
        self.push(engine, case, floor, None, medians, Some(bytes));
    }

    /// What the same contents take on the disk, in bytes.
    pub(crate) fn add_space(&mut self, engine: &'static str, contents: &'static str, engine_bytes: u64, floor_bytes: u64) {
        self.spaces.push(Space { engine, contents, engine_bytes, floor_bytes });
    }

    fn push(
        &mut self,
        engine: &'static str,
        case: &'static str,
        floor: &'static str,
        goal: Option<f64>,
        medians: Medians,
        stream_bytes: Option<usize>,
    ) {
        let ratio = medians.engine / medians.floor;
        let met = goal.map(|goal| ratio <= goal);
        let (engine_ns, floor_ns) = (medians.engine, medians.floor);
        self.measurements.push(Measurement { engine, case, engine_ns, floor, floor_ns, ratio, goal, met, stream_bytes });
    }

    pub(crate) fn goals_met(&self) -> bool {
        self.measurements.iter().all(|measurement| measurement.met != Some(false))
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        let large = self.large_bytes >> 20;
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "Large file and streams: {large} MiB. Medians of {} rounds, {} with syncs. Files in {}.\n",
            self.rounds, self.synced_rounds, self.directory
        );
        let _ = writeln!(table, "{:<8} {:<34} {:>10} {:>10} {:>6}  {:<11} the floor", "engine", "case", "engine", "floor", "ratio", "goal");
        for measurement in &self.measurements {
            let goal = match (measurement.goal, measurement.met) {
                (Some(goal), Some(true)) => format!("{goal} met"),
                (Some(goal), _) => format!("{goal} MISSED"),
                (None, _) => String::new(),
            };
            let _ = writeln!(
                table,
                "{:<8} {:<34} {:>10} {:>10} {:>6.2}  {:<11} {}",
                measurement.engine,
                measurement.case,
                measurement.shown(measurement.engine_ns),
                measurement.shown(measurement.floor_ns),
                measurement.ratio,
                goal,
                measurement.floor
            );
        }
        for Space { engine, contents, engine_bytes, floor_bytes } in &self.spaces {
            let (ours, floor) = (mebibytes(*engine_bytes), mebibytes(*floor_bytes));
            let _ = writeln!(table, "{engine:<8} on the disk, {contents:<21} {ours:>10} {floor:>10}");
        }
        table
    }
}

impl Measurement {
    /// A time, or of a stream its speed.
    fn shown(&self, nanoseconds: f64) -> String {
        match self.stream_bytes {
            Some(bytes) => format!("{:.0} MB/s", bytes as f64 * 1e3 / nanoseconds),
            None => duration(nanoseconds),
        }
    }
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

pub(crate) fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 10_000.0 => format!("{short:.1} ns"),
        middle if middle < 10_000_000.0 => format!("{:.1} us", middle / 1e3),
        long => format!("{:.1} ms", long / 1e6),
    }
}

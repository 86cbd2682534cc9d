//! Running stages of lanes of steps, and what counts as passed.

use std::env;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::conformance;
use crate::steps::{Judge, Lane, Step};
use crate::tally::Tally;

/// Runs stages one after another, and the lanes of each at the same time, at most `jobs` of them. A step that fails is the last of its lane;
/// the others end the step that they are at. However it ends, what ran is said last.
pub(crate) fn stages(stages: Vec<Vec<Lane>>, jobs: usize) -> Tally {
    let begin = Instant::now();
    let (total, lines, failed) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()), AtomicBool::new(false));
    for lanes in stages {
        let count = lanes.len().min(jobs);
        let width = lanes.iter().map(|lane| lane.name.len()).max().unwrap_or_default();
        let waiting = Mutex::new(lanes.into_iter());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some(lane) = next() {
                let voice = Voice { prefix: if count == 1 { String::new() } else { format!("{:width$} | ", lane.name) } };
                lane_of(&lane, &voice, &failed, &total, &lines);
            }
        };
        thread::scope(|scope| {
            for _ in 0..count {
                scope.spawn(work);
            }
        });
    }
    let lines = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("\n=== what ran, in {:.0} s\n{}\n", begin.elapsed().as_secs_f64(), lines.join("\n"));
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn lane_of(lane: &Lane, voice: &Voice, failed: &AtomicBool, total: &Mutex<Tally>, lines: &Mutex<Vec<String>>) {
    let note = |line: String| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    for (number, step) in (1..).zip(&lane.steps) {
        if failed.load(Ordering::Relaxed) {
            note(format!("           {}not run: {}", voice.prefix, step.title));
            continue;
        }
        voice.say("");
        voice.say(&format!("=== {number}/{} {}", lane.steps.len(), step.title));
        voice.say(&format!("    {}", step.command));
        let start = Instant::now();
        let outcome = one(step, voice);
        let seconds = start.elapsed().as_secs_f64();
        let counts = outcome.tally.map_or_else(String::new, |tally| format!(": {tally}"));
        voice.say(&format!("    {seconds:.1} s{counts}"));
        note(format!("{seconds:8.1} s {}{}{counts}", voice.prefix, step.title));
        *total.lock().unwrap_or_else(PoisonError::into_inner) += outcome.counted();
        if let Some(why) = outcome.failure {
            failed.store(true, Ordering::Relaxed);
            note(format!("\nFailed: {}: {why}\nTo run just that:\n    {}\n", step.title, step.command));
        }
    }
}

/// Where lines are printed: on standard output, behind the name of the lane if there are several.
struct Voice {
    prefix: String,
}

impl Voice {
    fn say(&self, line: &str) {
        println!("{}{line}", self.prefix);
    }

    /// Whether what programs print has to come by here.
    fn is_one_of_many(&self) -> bool {
        !self.prefix.is_empty()
    }
}

/// How a step ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The tests it ran, where it is one that runs tests.
    pub(crate) tally: Option<Tally>,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

impl Outcome {
    /// The tests it ran. A step that failed without a failed test (it did not compile, a process died) counts as one failure, so that the
    /// sum never looks better than the run was.
    pub(crate) fn counted(&self) -> Tally {
        let mut tally = self.tally.unwrap_or_default();
        if self.failure.is_some() {
            tally.failed = tally.failed.max(1);
        }
        tally
    }
}

/// Runs one step, its output passed on as it comes.
fn one(step: &Step, voice: &Voice) -> Outcome {
    let judged = match step.judge {
        Judge::Exit => watch(step, voice, |line| voice.say(line)).map(|()| None).map_err(Failure::from),
        Judge::Tests { at_least } => tests(step, voice, at_least).map(Some),
        Judge::Report { cases, engines } => report(step, voice, cases, engines).map(Some),
    };
    match judged {
        Ok(tally) => Outcome { tally, failure: None },
        Err(Failure { tally, why }) => Outcome { tally, failure: Some(why) },
    }
}

struct Failure {
    tally: Option<Tally>,
    why: String,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self { tally: None, why }
    }
}

fn tests(step: &Step, voice: &Voice, at_least: usize) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut complaints = Complaints::default();
    let mut names = Names::default();
    let ended = watch(step, voice, |line| {
        if !names.repeats(line) {
            voice.say(line);
        }
        complaints.hear(line);
        if let Some(counts) = Tally::parse(line) {
            tally += counts;
        }
    });
    let why = match ended {
        _ if tally.failed > 0 => format!("{} of its tests failed\n{}", tally.failed, complaints.lines.join("\n")),
        Err(why) => why,
        Ok(()) if tally.passed < at_least => format!("only {} tests ran, where there are at least {at_least}", tally.passed),
        Ok(()) => return Ok(tally),
    };
    Err(Failure { tally: Some(tally), why })
}

/// `--show-output` lists the names of all tests that passed once more, under `successes:`. Their output is wanted, the list is not.
#[derive(Default)]
struct Names {
    listing: bool,
}

impl Names {
    fn repeats(&mut self, line: &str) -> bool {
        self.listing = line == "successes:" || (self.listing && (line.is_empty() || line.starts_with("    ")));
        self.listing
    }
}

/// What failed tests printed, which is said again at the end: the beginning of a long log is seldom at hand.
#[derive(Default)]
struct Complaints {
    listing: bool,
    lines: Vec<String>,
}

impl Complaints {
    const MOST: usize = 100;

    fn hear(&mut self, line: &str) {
        self.listing = (self.listing || line == "failures:") && !line.starts_with("test result:");
        if self.listing && self.lines.len() < Self::MOST {
            self.lines.push(line.to_owned());
        }
    }
}

fn report(step: &Step, voice: &Voice, cases: usize, engines: &[&str]) -> Result<Tally, Failure> {
    let mut json = String::new();
    let ended = watch(step, voice, |line| {
        json.push_str(line);
        json.push('\n');
    });
    let summary = match conformance::Summary::parse(&json) {
        Ok(summary) => summary,
        // Why it ended is more to the point than that its output is empty.
        Err(why) => return Err(ended.err().unwrap_or(why).into()),
    };
    summary.to_string().lines().for_each(|line| voice.say(line));
    match summary.judge(cases, engines).and(ended) {
        Ok(()) => Ok(summary.tally()),
        Err(why) => Err(Failure { tally: Some(summary.tally()), why }),
    }
}

/// Runs the command of a step, hears each line of its standard output, and waits for its end. Where nothing else prints, its standard error
/// goes out as it is, with the progress that it may show on a terminal.
fn watch(step: &Step, voice: &Voice, mut hear: impl FnMut(&str)) -> Result<(), String> {
    // Cargo names itself to what it runs; the proxy of rustup would start another one only to find the same.
    let program = match step.command.program.as_str() {
        "cargo" => env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        other => other.into(),
    };
    let mut command = Command::new(&program);
    if !io::stdout().is_terminal() {
        // Nobody changes something and runs it again: what that would need costs time.
        command.env("CARGO_INCREMENTAL", "0");
    }
    if let Some(directory) = &step.temporary {
        command.env("TMPDIR", directory);
    }
    let mut child = command
        .args(&step.command.arguments)
        .envs(step.command.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if voice.is_one_of_many() { Stdio::piped() } else { Stdio::inherit() })
        .spawn()
        .map_err(|error| format!("{} could not be started: {error}", program.display()))?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(|| errors.map(|errors| each_line(errors, |line| voice.say(line))));
        output.map_or(Ok(()), |output| each_line(output, &mut hear))
    })?;
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("it ended with {status}")),
        Err(error) => Err(format!("its end could not be awaited: {error}")),
    }
}

/// What programs print may hold any bytes, and a line that is not UTF-8 must not end the reading.
fn each_line(output: impl Read, mut hear: impl FnMut(&str)) -> Result<(), String> {
    for line in BufReader::new(output).split(b'\n') {
        let line = line.map_err(|error| format!("its output could not be read: {error}"))?;
        hear(String::from_utf8_lossy(&line).trim_end_matches('\r'));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Complaints, Names};

    #[test]
    fn what_failed_is_said_again() {
        let lines =
            ["test a ... ok", "failures:", "---- b stdout ----", "it broke", "test result: FAILED. 1 passed; 1 failed", "test c ... ok"];
        let mut complaints = Complaints::default();
        lines.iter().for_each(|line| complaints.hear(line));
        assert_eq!(complaints.lines, lines[1..4]);
    }

    #[test]
    fn what_tests_print_stays_and_the_second_list_of_names_goes() {
        let lines =
            ["test a ... ok", "successes:", "", "---- a stdout ----", "    killed 200 times", "", "successes:", "    a", "test result"];
        let mut names = Names::default();
        let kept: Vec<&str> = lines.into_iter().filter(|line| !names.repeats(line)).collect();
        assert_eq!(kept, ["test a ... ok", "---- a stdout ----", "    killed 200 times", "", "test result"]);
    }
}

//! Running a step, and what counts as passed.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::conformance;
use crate::steps::{Judge, Step};
use crate::tally::Tally;

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
pub(crate) fn step(step: &Step) -> Outcome {
    let judged = match step.judge {
        Judge::Exit => spawn(step, Stdio::inherit()).and_then(finish).map(|()| None).map_err(Failure::from),
        Judge::Tests { at_least } => tests(step, at_least).map(Some),
        Judge::Report { cases, engines } => report(step, cases, engines).map(Some),
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

fn tests(step: &Step, at_least: usize) -> Result<Tally, Failure> {
    let mut child = spawn(step, Stdio::piped())?;
    let mut tally = Tally::default();
    let mut complaints = Complaints::default();
    if let Some(output) = child.stdout.take() {
        let mut names = Names::default();
        // What tests print may hold any bytes, and a line that is not UTF-8 must not end the reading.
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(|error| format!("its output could not be read: {error}"))?;
            let line = String::from_utf8_lossy(&line);
            if !names.repeats(&line) {
                println!("{line}");
            }
            complaints.hear(&line);
            if let Some(counts) = Tally::parse(&line) {
                tally += counts;
            }
        }
    }
    let ended = finish(child);
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

fn report(step: &Step, cases: usize, engines: &[&str]) -> Result<Tally, Failure> {
    let mut child = spawn(step, Stdio::piped())?;
    let mut json = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut json).map_err(|error| format!("its output could not be read: {error}"))?;
    }
    let ended = finish(child);
    let summary = match conformance::Summary::parse(&json) {
        Ok(summary) => summary,
        // Why it ended is more to the point than that its output is empty.
        Err(why) => return Err(ended.err().unwrap_or(why).into()),
    };
    print!("{summary}");
    match summary.judge(cases, engines).and(ended) {
        Ok(()) => Ok(summary.tally()),
        Err(why) => Err(Failure { tally: Some(summary.tally()), why }),
    }
}

fn spawn(step: &Step, stdout: Stdio) -> Result<Child, String> {
    // Cargo names itself to what it runs; the proxy of rustup would start another one only to find the same.
    let program = match step.command.program.as_str() {
        "cargo" => env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        other => other.into(),
    };
    Command::new(&program)
        .args(&step.command.arguments)
        .envs(step.command.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(stdout)
        .spawn()
        .map_err(|error| format!("{} could not be started: {error}", program.display()))
}

fn finish(mut child: Child) -> Result<(), String> {
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("it ended with {status}")),
        Err(error) => Err(format!("its end could not be awaited: {error}")),
    }
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

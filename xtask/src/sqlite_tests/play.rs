//! Running files of SQLite's tests, each in a process and a directory of its own, with a time limit.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::Engine;
use super::program::Program;

/// Whom the tests run as if who started them is root, to whom nothing is forbidden: several of them test what is.
const NOBODY: u32 = 65_534;

/// Runs files of tests.
#[derive(Debug)]
pub(crate) struct Player<'a> {
    program: &'a Program,
    directory: PathBuf,
    limit: u32,
}

/// How one file of tests went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Played {
    /// Its name, without `.test`.
    pub(crate) name: String,
    /// How many tests ran.
    pub(crate) tests: u64,
    /// Those that failed.
    pub(crate) failed: BTreeSet<String>,
    /// How it ended, where it did not by itself: the tests behind that did not run.
    pub(crate) ended_early: Option<String>,
}

impl<'a> Player<'a> {
    /// In directories below `directory`, with so many seconds for each file.
    pub(crate) fn new(program: &'a Program, directory: PathBuf, limit: u32) -> Self {
        Self { program, directory, limit }
    }

    /// Runs files over an engine, so many at a time.
    ///
    /// # Errors
    /// If one cannot be started.
    pub(crate) fn play(&self, engine: Engine, files: &[PathBuf], jobs: usize) -> Result<Vec<Played>, String> {
        let (waiting, played) = (Mutex::new(files.iter()), Mutex::new(Vec::new()));
        let work = || {
            loop {
                let Some(file) = waiting.lock().unwrap_or_else(PoisonError::into_inner).next() else { return Ok(()) };
                let one = self.one(engine, file)?;
                played.lock().unwrap_or_else(PoisonError::into_inner).push(one);
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| Err("a thread panicked".to_owned())))
        })?;
        let mut played = played.into_inner().unwrap_or_else(PoisonError::into_inner);
        played.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(played)
    }

    fn one(&self, engine: Engine, file: &Path) -> Result<Played, String> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let directory = self.directory.join(engine.name()).join(&name);
        let failed = |error| format!("{}: {error}", directory.display());
        // SQLite's tests go into `testdir` by themselves.
        let (tests, place) = (directory.join("testdir"), directory.join("place"));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&tests).and_then(|()| fs::create_dir_all(&place)).map_err(failed)?;
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", &self.limit.to_string()]).arg(&self.program.testfixture).arg(&self.program.script).arg(file);
        command.current_dir(&directory).stdin(Stdio::null()).env("ANYSTORAGE_LIBRARY", "");
        if engine != Engine::Host {
            let keeps_names = engine == Engine::Files;
            command.env("ANYSTORAGE_LIBRARY", &self.program.library).env("ANYSTORAGE_ENGINE", engine.name());
            command.env("ANYSTORAGE_DIRECTORY", &tests).env("ANYSTORAGE_PLACE", if keeps_names { &tests } else { &place });
            command.env("ANYSTORAGE_TCL", if keeps_names { "0" } else { "1" });
        }
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            for path in [&directory, &tests, &place] {
                chown(path, Some(NOBODY), Some(NOBODY)).map_err(failed)?;
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().map_err(|error| format!("timeout: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let ended = match output.status.code() {
            Some(124 | 137) => Some("the time was up".to_owned()),
            Some(0 | 1) => None,
            Some(code) => Some(format!("it ended with {code}")),
            None => Some(output.status.to_string()),
        };
        let _ = fs::remove_dir_all(&directory);
        Ok(Played::parse(name, &text, &errors, ended))
    }

    /// Removes the directories.
    pub(crate) fn clear(&self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Played {
    /// What the program printed: `NAME... Ok` for each test, `! NAME expected: ...` for one that failed, and counts at its end.
    fn parse(name: String, output: &str, errors: &str, ended: Option<String>) -> Self {
        let mut played = Self { name, ..Self::default() };
        let mut counts = None;
        let mut passed = 0;
        for line in output.lines() {
            if line.ends_with("... Ok") {
                passed += 1;
            } else if let Some((test, _)) = line.strip_prefix("! ").and_then(|rest| rest.split_once(" expected:")) {
                played.failed.insert(test.to_owned());
            } else if let Some(rest) = line.strip_prefix("!Failures on these tests:") {
                played.failed.extend(rest.split_whitespace().map(str::to_owned));
            } else if let Some((_, rest)) = line.split_once(" errors out of ") {
                counts = rest.split_whitespace().next().and_then(|count| count.parse().ok());
            }
        }
        match counts {
            Some(tests) => played.tests = tests,
            // Without its tests, as some have none that can run here.
            None if ended.is_none() && errors.is_empty() => {}
            None => {
                played.tests = passed + played.failed.len() as u64;
                let said = errors.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
                played.ended_early = Some(ended.unwrap_or_else(|| said.to_owned()));
            }
        }
        played
    }
}

#[cfg(test)]
mod tests {
    use super::Played;

    fn parse(output: &str, errors: &str, ended: Option<&str>) -> Played {
        Played::parse("a".to_owned(), output, errors, ended.map(str::to_owned))
    }

    #[test]
    fn counts_are_those_of_the_last_lines() {
        let output = "a-1... Ok\na-2...\n! a-2 expected: [1]\n! a-2 got:      [2]\n1 errors out of 3 tests on a machine\n\
                      !Failures on these tests: a-2\n";
        let played = parse(output, "", None);
        assert_eq!((played.tests, played.failed.len(), played.ended_early), (3, 1, None));
        assert!(played.failed.contains("a-2"));
    }

    #[test]
    fn what_ended_early_says_so() {
        let played = parse("a-1... Ok\na-2...\n! a-2 expected: [1]\n", "\nno such file\n", None);
        assert_eq!((played.tests, played.failed.len(), played.ended_early.as_deref()), (2, 1, Some("no such file")));
        assert_eq!(parse("a-1... Ok\n", "", Some("the time was up")).ended_early.as_deref(), Some("the time was up"));
    }

    #[test]
    fn a_file_without_tests_is_none_that_ended_early() {
        assert_eq!(parse("", "", None), Played { name: "a".to_owned(), ..Played::default() });
    }
}

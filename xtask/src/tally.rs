//! Counting tests.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed, and did not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// The counts in a line that a test binary ends with, native or in a browser:
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 filtered out`. None for any other line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.split_once("test result: ")?;
        let (_, counts) = counts.split_once(". ")?;
        let count = |word: &str| {
            counts.split(';').find_map(|part| {
                let (number, rest) = part.trim().split_once(' ')?;
                (rest == word).then(|| number.parse().ok()).flatten()
            })
        };
        Some(Self { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn reads_the_last_line_of_native_and_browser_tests() {
        let native = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(Tally::parse(native), Some(Tally { passed: 12, failed: 0, skipped: 1 }));
        let browser = "test result: FAILED. 7 passed; 2 failed; 0 ignored; 0 filtered out; finished in 1.20s";
        assert_eq!(Tally::parse(browser), Some(Tally { passed: 7, failed: 2, skipped: 0 }));
    }

    #[test]
    fn leaves_other_lines_alone() {
        for line in ["", "running 3 tests", "test result: ok", "test a ... ok", "test result: ok. many passed; 0 failed; 0 ignored"] {
            assert_eq!(Tally::parse(line), None, "{line}");
        }
    }

    #[test]
    fn reads_as_the_line_that_closes_a_run() {
        let mut tally = Tally { passed: 1, failed: 2, skipped: 3 };
        tally += Tally { passed: 10, failed: 20, skipped: 30 };
        assert_eq!(tally.to_string(), "11 passed, 22 failed, 33 skipped");
    }
}

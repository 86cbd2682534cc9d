//! Why some of SQLite's tests cannot pass over the VFS: `reasons.txt` of `sqlite/own-tests`.

use std::fmt;

use super::play::Played;

/// What stands for all tests that did not run since their file ended early.
pub(crate) const ENDED_EARLY: &str = "(ended early)";

/// The reasons, and what they are for.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    reasons: Vec<Reason>,
}

/// A reason.
#[derive(Debug)]
pub(crate) struct Reason {
    /// A word.
    pub(crate) name: String,
    /// A sentence.
    pub(crate) text: String,
    /// Engine, file and tests.
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// None for every engine.
    engine: Option<String>,
    file: String,
    tests: Vec<String>,
}

impl Reasons {
    /// A line `[NAME] TEXT` begins a reason. Those below name what it is for: a file and its tests, behind `@ENGINE` if it is for one engine
    /// only. `*` stands for any characters, and `#` begins a comment.
    ///
    /// # Errors
    /// Which line is not one of these.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reasons = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            let wrong = || format!("reasons.txt:{number}: neither `[REASON] TEXT` nor `FILE TESTS` below one: {line}");
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(rest) = line.strip_prefix('[') {
                let (name, text) = rest.split_once("] ").ok_or_else(wrong)?;
                reasons.reasons.push(Reason { name: name.to_owned(), text: text.to_owned(), lines: Vec::new() });
                continue;
            }
            let mut words = line.split_whitespace().peekable();
            let engine = words.next_if(|word| word.starts_with('@')).map(|word| word.trim_start_matches('@').to_owned());
            let (file, tests) = (words.next().ok_or_else(wrong)?, words.map(str::to_owned).collect::<Vec<_>>());
            let reason = reasons.reasons.last_mut().filter(|_| !tests.is_empty()).ok_or_else(wrong)?;
            reason.lines.push(Line { engine, file: file.to_owned(), tests });
        }
        Ok(reasons)
    }

    /// Why that test cannot pass, if that is known. Names of tests begin with that of their file, mostly; it may be left out.
    pub(crate) fn of(&self, engine: &str, played: &Played, test: &str) -> Option<&Reason> {
        let short = test.strip_prefix(&played.name).map(|rest| rest.trim_start_matches(['-', '.']));
        let is_meant = |pattern: &String| match pattern.as_str() {
            "END" => test == ENDED_EARLY,
            pattern => matches(pattern, test) || short.is_some_and(|short| matches(pattern, short)),
        };
        self.reasons.iter().find(|reason| {
            reason.lines.iter().any(|line| {
                line.engine.as_deref().is_none_or(|only| only == engine)
                    && matches(&line.file, &played.name)
                    && line.tests.iter().any(is_meant)
            })
        })
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.text)
    }
}

/// Whether `*` in the pattern can stand for something such that it is the text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((begin, rest)) => {
            text.strip_prefix(begin).is_some_and(|text| (0..=text.len()).filter_map(|at| text.get(at..)).any(|text| matches(rest, text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ENDED_EARLY, Played, Reasons, matches};

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in
            [("a", "a", true), ("a*", "abc", true), ("*c", "abc", true), ("a*c*", "abcd", true), ("a", "ab", false), ("a*d", "abc", false)]
        {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_reason_is_for_what_its_lines_name() {
        let reasons = Reasons::parse("# why\n[memory] None is shared.\nwal* *\n@redb pager1 4.4.* END\n").unwrap();
        let of = |engine: &str, file: &str, test: &str| {
            let played = Played { name: file.to_owned(), ..Played::default() };
            reasons.of(engine, &played, test).map(|reason| reason.name.clone())
        };
        assert_eq!(of("files", "wal5", "wal5-1").as_deref(), Some("memory"));
        assert_eq!(of("redb", "pager1", "pager1-4.4.2").as_deref(), Some("memory"));
        assert_eq!(of("redb", "pager1", ENDED_EARLY).as_deref(), Some("memory"));
        assert_eq!(of("files", "pager1", "pager1-4.4.2"), None);
        assert_eq!(of("redb", "pager1", "pager1-5"), None);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["pager1 1.1", "[memory] None.\npager1", "[memory"] {
            assert!(Reasons::parse(text).is_err(), "{text}");
        }
    }
}

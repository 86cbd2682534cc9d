//! What keeps the runner from running.

use std::fmt;

use anystorage_conformance::case::Broken;

/// Something that the runner tried and could not do.
#[derive(Clone, Debug)]
pub struct Failure(String);

/// What the runner's functions return.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// From what was tried and what happened, as one sentence.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What was tried, for `map_err`: `... could not ...`.
    pub fn of<E: fmt::Display>(tried: impl Into<String>) -> impl FnOnce(E) -> Self {
        let tried = tried.into();
        move |error| Self(format!("{tried}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::promise(failure.0)
    }
}

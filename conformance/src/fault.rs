//! What broke, on its way to another process or out of a browser.

use serde::{Deserialize, Serialize};

use crate::case::Broken;

/// A [`Broken`] on its way: an error keeps its text alone.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// A promise was broken, or an operation failed that had to succeed.
    Promise(String),
    /// The subject cannot provide what the case needs.
    NotOffered(String),
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::NotOffered(text) => Self::NotOffered(text),
            other => Self::Promise(other.to_string()),
        }
    }
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Promise(text) => Self::Promise(text),
            Fault::NotOffered(text) => Self::NotOffered(text),
        }
    }
}

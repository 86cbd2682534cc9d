//! What the player of a load says: the beginning and the end of each operation.

use std::fmt;

use anystorage_api::ErrorKind;

/// What the player of a load announces, as a line of text and back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// An operation is about to be asked for.
    Begin {
        /// Its number in the load.
        number: u64,
        /// By which both sides see that they speak of the same operation.
        digest: u64,
    },
    /// It has returned.
    End {
        /// Its number in the load.
        number: u64,
    },
    /// Something failed, and the player goes no further.
    Failed {
        /// Of the error.
        kind: ErrorKind,
        /// What failed, and how.
        text: String,
    },
}

/// What announcements start with, so that they are told from whatever else a program prints.
const MARKER: char = '@';

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { number, digest } => write!(f, "{MARKER}begin {number} {digest}"),
            Self::End { number } => write!(f, "{MARKER}end {number}"),
            Self::Failed { kind, text } => write!(f, "{MARKER}failed {} {}", kind.code(), text.replace('\n', "; ")),
        }
    }
}

impl Line {
    /// What a line announces; none if it is none of these.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.strip_prefix(MARKER)?.split_once(' ')?;
        match word {
            "begin" => {
                let (number, digest) = rest.split_once(' ')?;
                Some(Self::Begin { number: number.parse().ok()?, digest: digest.parse().ok()? })
            }
            "end" => Some(Self::End { number: rest.parse().ok()? }),
            "failed" => {
                let (kind, text) = rest.split_once(' ')?;
                Some(Self::Failed { kind: ErrorKind::from_code(kind)?, text: text.to_owned() })
            }
            _ => None,
        }
    }
}

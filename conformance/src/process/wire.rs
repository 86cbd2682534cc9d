//! What parent and child say to each other: one request line into the child's standard input, answer lines out of its standard output.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::case::Carry;
use crate::fault::Fault;
#[cfg(unix)]
use crate::kill_loop::Play;

/// The environment variable that makes a program serve as a child: set, it has a request waiting on standard input.
pub(crate) const CHILD_VARIABLE: &str = "ANYSTORAGE_CONFORMANCE_CHILD";

/// The exit status of a child whose parent went away.
pub(crate) const ORPHANED: i32 = 86;

/// What stands before an answer, so that it is found among whatever else a program or a test harness prints.
const MARKER: &str = "anystorage-conformance: ";

/// What a child is asked to do.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub(crate) enum Request {
    /// The first half of a persistence case; after the answer it ends by itself, or keeps everything open and waits to be killed.
    Before { case: String, address: String, then: Then },
    /// The second half.
    After { case: String, address: String, carry: Carry },
    /// A whole case over the location at `address`, once a file system of `bytes` is mounted on `directory`, in the child's own mount
    /// namespace.
    InSmallPlace { case: String, bytes: u64, directory: PathBuf, address: String },
    /// The load of a kill loop, until it is killed.
    #[cfg(unix)]
    Load(Play),
}

/// What a child does after the first half.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Then {
    /// Ends by itself, without closing anything.
    Exit,
    /// Waits, with everything open.
    Wait,
}

/// What a child answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It runs, and has understood its request.
    Started,
    /// The first half is over.
    Carry(Result<Carry, Fault>),
    /// The case is over.
    Verdict(Result<(), Fault>),
}

/// Writes one message as a line of its own, with one `write(2)`.
pub(crate) fn say(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    // A test harness may have left a line open: end it first.
    let line = format!("\n{MARKER}{}\n", serde_json::to_string(message).map_err(io::Error::from)?);
    to.write_all(line.as_bytes())?;
    to.flush()
}

/// The message in a line; none if the line is somebody else's.
pub(crate) fn heard<T: DeserializeOwned>(line: &str) -> Option<serde_json::Result<T>> {
    line.trim_end().strip_prefix(MARKER).map(serde_json::from_str)
}

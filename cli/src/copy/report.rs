use anystorage::{DirEntry, Durability, Error, ErrorKind, FileKind};
use serde::{Serialize, Serializer};

use super::part;
use crate::failure::Failure;
use crate::output::shown;

/// What a copy did, and what it did not.
#[derive(Debug, Default, Serialize)]
pub(crate) struct CopyReport {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Files whose bytes were copied.
    pub(crate) files: u64,
    /// Directories that were created.
    pub(crate) directories: u64,
    /// Bytes in the files copied.
    pub(crate) bytes: u64,
    /// Files that were there with the same bytes.
    pub(crate) skipped_equal: u64,
    /// Bytes in them.
    pub(crate) skipped_bytes: u64,
    /// Part files of earlier runs that nothing needs any more.
    pub(crate) parts_removed: u64,
    /// What no engine could hold, and why.
    pub(crate) left_out: Vec<LeftOut>,
    /// What should have been copied and was not.
    pub(crate) failed: Vec<FailedEntry>,
    /// Whether the copy came to its end; false if it stopped at the last entry of `failed`.
    pub(crate) complete: bool,
    /// Why the copy stopped before its end.
    #[serde(skip)]
    pub(crate) stopped_by: Option<ErrorKind>,
    /// Whether anything of the copy is still there once the command has ended.
    pub(crate) durable: bool,
    pub(crate) seconds: f64,
}

/// An entry that is not a file or a directory with a name that a path can hold.
#[derive(Debug, Serialize)]
pub(crate) struct LeftOut {
    pub(crate) path: String,
    pub(crate) reason: &'static str,
}

/// An entry that could not be copied.
#[derive(Debug, Serialize)]
pub(crate) struct FailedEntry {
    pub(crate) path: String,
    pub(crate) side: Side,
    #[serde(serialize_with = "as_code")]
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

/// Which end of a copy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Source,
    Destination,
}

impl Side {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

impl CopyReport {
    pub(crate) fn leave_out(&mut self, path: String, reason: &'static str) {
        self.left_out.push(LeftOut { path, reason });
    }

    /// The copy ends here. What stopped it first is what counts.
    pub(crate) fn stop(&mut self, by: ErrorKind) {
        self.stopped_by.get_or_insert(by);
    }

    pub(crate) fn fail(&mut self, path: &str, side: Side, error: &Error) {
        self.failed.push(FailedEntry { path: path.to_owned(), side, kind: error.kind(), message: Failure::from(error.clone()).message() });
    }

    /// The lines for stderr: one for each entry that is not in the copy.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let left_out = self.left_out.iter().map(|entry| format!("left out: {}: {}", shown(&entry.path), entry.reason));
        let failed = self.failed.iter().map(|entry| {
            let path = if entry.path.is_empty() { "the root" } else { &entry.path };
            format!("failed: {}: {}: {}", shown(path), entry.side.as_str(), shown(&entry.message))
        });
        left_out.chain(failed).collect()
    }

    /// The last line for people.
    pub(crate) fn summary(&self) -> String {
        let mut text = format!("{} files copied ({}), {} directories created", self.files, megabytes(self.bytes), self.directories);
        text.push_str(&format!(", {} equal files skipped ({})", self.skipped_equal, megabytes(self.skipped_bytes)));
        text.push_str(&format!(", {} left out, {} failed, in {:.1} s", self.left_out.len(), self.failed.len(), self.seconds));
        if self.parts_removed > 0 {
            text.push_str(&format!("; {} part files of interrupted copies removed", self.parts_removed));
        }
        if let Some(kind) = self.stopped_by {
            text.push_str(&format!("; STOPPED before the end: {}", what_to_do(kind)));
        }
        text
    }
}

/// Why an entry of the source is not copied, if it is not.
pub(crate) fn reason_to_leave_out(entry: &DirEntry) -> Option<&'static str> {
    match entry.kind {
        _ if !entry.addressable => Some("its name is not UTF-8"),
        FileKind::File if part::is_part(&entry.name) => Some("a part file, left by a copy that was interrupted"),
        FileKind::File | FileKind::Directory => None,
        FileKind::Symlink => Some("a symbolic link, which is not followed"),
        _ => Some("neither a file nor a directory"),
    }
}

/// The warning for a destination that keeps nothing, if it is one.
pub(crate) fn warning_of(durability: Durability, url: &str) -> Option<String> {
    let lost = durability == Durability::None;
    lost.then(|| format!("warning: {url} keeps nothing: what was stored there is gone now that this command ends"))
}

/// What helps a copy that was stopped by an error of this kind.
const fn what_to_do(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NoSpace => "free some space and run it again to go on",
        ErrorKind::Io | ErrorKind::Locked | ErrorKind::Disconnected | ErrorKind::Closed => "run it again to go on",
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => {
            "remove what is in the way at the destination, or copy to another place"
        }
        _ => "it fails again until what the failure names is put right",
    }
}

fn as_code<S: Serializer>(kind: &ErrorKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.code())
}

fn megabytes(bytes: u64) -> String {
    if bytes < 1_000_000 { format!("{bytes} bytes") } else { format!("{:.1} MB", bytes as f64 / 1e6) }
}

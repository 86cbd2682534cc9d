use anystorage::{Error, FileKind};
use serde::Serialize;

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
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl CopyReport {
    pub(crate) fn leave_out(&mut self, path: String, kind: FileKind, addressable: bool) {
        let reason = match (addressable, kind) {
            (false, _) => "its name is not UTF-8",
            (true, FileKind::Symlink) => "a symbolic link, which is not followed",
            (true, _) => "neither a file nor a directory",
        };
        self.left_out.push(LeftOut { path, reason });
    }

    pub(crate) fn fail(&mut self, path: &str, error: &Error) {
        self.failed.push(FailedEntry {
            path: path.to_owned(),
            kind: error.kind().as_str(),
            message: Failure::from(error.clone()).message(),
        });
    }

    /// The lines for stderr: one for each entry that is not in the copy.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let left_out = self.left_out.iter().map(|entry| format!("left out: {}: {}", shown(&entry.path), entry.reason));
        let failed = self.failed.iter().map(|entry| format!("failed: {}: {}", shown(&entry.path), shown(&entry.message)));
        left_out.chain(failed).collect()
    }

    /// The last line for people.
    pub(crate) fn summary(&self) -> String {
        let mut text = format!("{} files copied ({}), {} directories created", self.files, megabytes(self.bytes), self.directories);
        text.push_str(&format!(", {} equal files skipped ({})", self.skipped_equal, megabytes(self.skipped_bytes)));
        text.push_str(&format!(", {} left out, {} failed, in {:.1} s", self.left_out.len(), self.failed.len(), self.seconds));
        if !self.complete {
            text.push_str("; STOPPED before the end: run it again to go on");
        }
        text
    }
}

fn megabytes(bytes: u64) -> String {
    if bytes < 1_000_000 { format!("{bytes} bytes") } else { format!("{:.1} MB", bytes as f64 / 1e6) }
}

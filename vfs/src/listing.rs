//! The entries of an open directory.

use crate::NodeKind;

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The name; `.` and `..` are among them.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// Its number, as `stat` tells it.
    pub ino: u64,
}

/// The entries as they were when the first of them was read; from the start they are read anew.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
}

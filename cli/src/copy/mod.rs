//! Copying trees between locations, so that it can be interrupted at any moment and run again.

pub(crate) mod overlap;
pub(crate) mod part;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod same;
pub(crate) mod tree;

/// How many bytes are read and written at once.
pub(crate) const CHUNK: usize = 1 << 20;

/// How many entries of a directory are listed at once.
pub(crate) const PAGE: usize = 512;

//! How a mirror is made.

use std::fmt;
use std::sync::Arc;

use anystorage_api::{MaybeSend, MaybeSync};

cfg_if::cfg_if! {
    if #[cfg(all(target_family = "wasm", target_os = "unknown"))] {
        type OnProgress = Arc<dyn Fn(Progress)>;
    } else {
        type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;
    }
}

/// How far [`Mirror::populate`](super::Mirror::populate) has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Files that are done.
    pub files: u64,
    /// Files that there are, as far as they were found yet.
    pub all_files: u64,
    /// Bytes that are loaded.
    pub bytes: u64,
    /// Bytes that are to be loaded, as far as they were found yet.
    pub all_bytes: u64,
}

/// How a [`Mirror`](super::Mirror) is made.
///
/// ```
/// use anystorage_layers::MirrorOptions;
///
/// let options = MirrorOptions::new()
///     .memory_limit(64 << 20)
///     .progress(|progress| println!("{} of {} files", progress.files, progress.all_files));
/// ```
#[derive(Clone)]
#[must_use]
pub struct MirrorOptions {
    pub(super) memory_limit: u64,
    pub(super) parallel: usize,
    pub(super) preload: bool,
    pub(super) on_progress: Option<OnProgress>,
}

impl MirrorOptions {
    /// 256 MiB of memory, 16 files loaded at once.
    pub const fn new() -> Self {
        Self { memory_limit: 256 << 20, parallel: 16, preload: false, on_progress: None }
    }

    /// How many bytes of files the mirror may hold in memory. What would exceed it answers [`NoSpace`](anystorage_api::ErrorKind::NoSpace);
    /// over an immediate engine, bytes that lie below as well are dropped before that, and loaded again when they are read. Holes cost
    /// nothing. Not counted are names (some 300 bytes for each file), and blocks of 64 KiB that are changed while they are being written
    /// back: they exist twice until that is done.
    pub const fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// How many files are loaded at once; at least one. Of each up to 2 MiB are under way, beside what the limit counts.
    pub const fn parallel(mut self, files: usize) -> Self {
        self.parallel = if files == 0 { 1 } else { files };
        self
    }

    /// Loads all bytes at once over an immediate engine too, where they otherwise load on first use.
    pub const fn preload(mut self, yes: bool) -> Self {
        self.preload = yes;
        self
    }

    /// Whom to tell how far loading has come: after each file, and each MiB of a large one.
    pub fn progress(mut self, told: impl Fn(Progress) + MaybeSend + MaybeSync + 'static) -> Self {
        self.on_progress = Some(Arc::new(told));
        self
    }
}

impl Default for MirrorOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MirrorOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorOptions")
            .field("memory_limit", &self.memory_limit)
            .field("parallel", &self.parallel)
            .field("preload", &self.preload)
            .finish_non_exhaustive()
    }
}

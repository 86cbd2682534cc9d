use crate::worker::WorkerUrl;

/// What may be created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The location must be there.
    ReadWrite,
    /// The location and the directories that lead to it are created if they are missing.
    #[default]
    ReadWriteCreate,
}

/// By which way the bytes of files are read and written. The files are the same either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// Synchronous access handles, which dedicated workers alone have: in place, and without waiting. In a page they are those of a worker that
    /// the engine starts, and each call waits for its answer.
    #[default]
    Handle,
    /// Snapshots and writable streams, which pages and workers of all kinds have. A sync copies the files that were changed.
    Stream,
}

/// How a location is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpfsOptions {
    pub(crate) mode: Mode,
    pub(crate) io: Io,
    pub(crate) worker: WorkerUrl,
}

impl OpfsOptions {
    /// Created if it is missing, through synchronous access handles.
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: Mode::ReadWriteCreate, io: Io::Handle, worker: WorkerUrl::Embedded }
    }

    /// Sets what may be created.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets by which way files are read and written. Where the browser does not have it, opening is refused: no other way is taken.
    #[must_use]
    pub const fn io(mut self, io: Io) -> Self {
        self.io = io;
        self
    }

    /// From where the script of the worker comes that is started in pages.
    #[must_use]
    pub fn worker(mut self, url: WorkerUrl) -> Self {
        self.worker = url;
        self
    }
}

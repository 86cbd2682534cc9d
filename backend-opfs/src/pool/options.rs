use crate::options::Mode;

/// How many files a location has at least, unless told otherwise.
pub const DEFAULT_CAPACITY: usize = 16;

/// How a location is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    pub(super) mode: Mode,
    pub(super) capacity: usize,
}

impl PoolOptions {
    /// Created if it is missing, with [`DEFAULT_CAPACITY`].
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: Mode::ReadWriteCreate, capacity: DEFAULT_CAPACITY }
    }

    /// Sets what may be created.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How many files there can be, at least. What is missing is made and opened when the location is opened, and stays: a location that was
    /// opened with more has more. `write` takes one beside the file that it replaces, and a removed file has its own until that is synced.
    /// Browsers bound how many handles an origin may have open: WebKit is said to stop at some 250.
    #[must_use]
    pub const fn capacity(mut self, files: usize) -> Self {
        self.capacity = files;
        self
    }
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self::new()
    }
}

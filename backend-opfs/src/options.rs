/// What may be created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The location must be there.
    ReadWrite,
    /// The location and the directories that lead to it are created if they are missing.
    #[default]
    ReadWriteCreate,
}

/// How a location is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpfsOptions {
    pub(crate) mode: Mode,
}

impl OpfsOptions {
    /// Created if it is missing.
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: Mode::ReadWriteCreate }
    }

    /// Sets what may be created.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }
}

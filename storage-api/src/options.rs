use crate::{Error, ErrorKind, Operation, Result, StoragePath};

/// How to open a file: what `std::fs::OpenOptions` offers, in the same words.
///
/// ```
/// use anystorage_api::OpenOptions;
///
/// let log = OpenOptions::new().read(true).write(true).create(true);
/// assert!(log.is_create() && !log.is_truncate());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OpenOptions {
    read: bool,
    write: bool,
    create: bool,
    create_new: bool,
    truncate: bool,
}

impl OpenOptions {
    /// Nothing set. At least `read` or `write` must be.
    #[must_use]
    pub const fn new() -> Self {
        Self { read: false, write: false, create: false, create_new: false, truncate: false }
    }

    /// Reading an existing file.
    #[must_use]
    pub const fn reading() -> Self {
        Self::new().read(true)
    }

    /// Reading and writing; a file that is missing is created, one that exists keeps its bytes.
    #[must_use]
    pub const fn editing() -> Self {
        Self::new().read(true).write(true).create(true)
    }

    /// Whether the file can be read.
    #[must_use]
    pub const fn read(mut self, yes: bool) -> Self {
        self.read = yes;
        self
    }

    /// Whether the file can be written.
    #[must_use]
    pub const fn write(mut self, yes: bool) -> Self {
        self.write = yes;
        self
    }

    /// Creates the file if it is missing. Needs `write`.
    #[must_use]
    pub const fn create(mut self, yes: bool) -> Self {
        self.create = yes;
        self
    }

    /// Creates the file, and fails with [`ErrorKind::AlreadyExists`] if the path is taken. Needs `write`.
    #[must_use]
    pub const fn create_new(mut self, yes: bool) -> Self {
        self.create_new = yes;
        self
    }

    /// Cuts an existing file to length 0. Needs `write`.
    #[must_use]
    pub const fn truncate(mut self, yes: bool) -> Self {
        self.truncate = yes;
        self
    }

    /// Whether `read` is set.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        self.read
    }

    /// Whether `write` is set.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        self.write
    }

    /// Whether a missing file is created: by `create` or by `create_new`.
    #[must_use]
    pub const fn is_create(&self) -> bool {
        self.create || self.create_new
    }

    /// Whether `create_new` is set.
    #[must_use]
    pub const fn is_create_new(&self) -> bool {
        self.create_new
    }

    /// Whether `truncate` is set.
    #[must_use]
    pub const fn is_truncate(&self) -> bool {
        self.truncate
    }

    /// What every engine does first in `open`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if neither `read` nor `write` is set, or `create`, `create_new` or `truncate` without `write`.
    pub fn check(&self, path: &StoragePath) -> Result<()> {
        let why = if !self.read && !self.write {
            "neither read nor write is asked for"
        } else if !self.write && (self.create || self.create_new || self.truncate) {
            "create, create_new and truncate need write"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::InvalidInput, Operation::Open).with_path(path).with_text(why))
    }
}

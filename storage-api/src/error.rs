use std::fmt;
use std::io;
use std::sync::Arc;

use crate::StoragePath;

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the few kinds a caller acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing is at the path, or a directory that leads to it is missing.
    NotFound,
    /// The path is taken.
    AlreadyExists,
    /// A file is where a directory should be.
    NotADirectory,
    /// A directory is where a file should be.
    IsADirectory,
    /// A directory to remove still has entries.
    DirectoryNotEmpty,
    /// The path, a name or a URL is malformed, or too long for the engine.
    InvalidPath,
    /// An argument makes no sense, or is beyond what the engine can hold.
    InvalidInput,
    /// The host, the open mode or a read-only location forbids it.
    PermissionDenied,
    /// The disk, the quota or a limit is full. Freeing space helps.
    NoSpace,
    /// Another instance holds the location or the file.
    Locked,
    /// The other end (a worker, a connection) is gone. Opening again may help.
    Disconnected,
    /// The instance or the file was closed.
    Closed,
    /// The call would have to wait, and the caller cannot.
    WouldBlock,
    /// The engine does not offer this.
    Unsupported,
    /// Stored bytes are not what was written.
    Corrupt,
    /// Everything else that the host reports.
    Io,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::NotADirectory,
        Self::IsADirectory,
        Self::DirectoryNotEmpty,
        Self::InvalidPath,
        Self::InvalidInput,
        Self::PermissionDenied,
        Self::NoSpace,
        Self::Locked,
        Self::Disconnected,
        Self::Closed,
        Self::WouldBlock,
        Self::Unsupported,
        Self::Corrupt,
        Self::Io,
    ];

    /// The kind of this [`code`](Self::code), where it came from another program or instance.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether the same call may well succeed later without anybody's doing: `Locked`, `Disconnected` and `WouldBlock`.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Locked | Self::Disconnected | Self::WouldBlock)
    }

    /// The number Linux uses for it (`errno(3)`, x86-64).
    #[must_use]
    pub const fn errno(self) -> i32 {
        match self {
            Self::NotFound => 2,
            Self::Io => 5,
            Self::Closed => 9,
            Self::WouldBlock => 11,
            Self::PermissionDenied => 13,
            Self::Locked => 16,
            Self::AlreadyExists => 17,
            Self::NotADirectory => 20,
            Self::IsADirectory => 21,
            Self::InvalidPath | Self::InvalidInput => 22,
            Self::NoSpace => 28,
            Self::DirectoryNotEmpty => 39,
            Self::Unsupported => 95,
            Self::Disconnected => 107,
            Self::Corrupt => 117,
        }
    }

    /// The kind in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::NotADirectory => "not a directory",
            Self::IsADirectory => "is a directory",
            Self::DirectoryNotEmpty => "directory not empty",
            Self::InvalidPath => "invalid path",
            Self::InvalidInput => "invalid input",
            Self::PermissionDenied => "permission denied",
            Self::NoSpace => "no space left",
            Self::Locked => "locked by another instance",
            Self::Disconnected => "disconnected",
            Self::Closed => "closed",
            Self::WouldBlock => "would block",
            Self::Unsupported => "not offered by this engine",
            Self::Corrupt => "corrupt data",
            Self::Io => "input/output error",
        }
    }

    /// The kind as programs read it: its name in snake case, such as `not_found`. It stays the same in all versions.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::NotADirectory => "not_a_directory",
            Self::IsADirectory => "is_a_directory",
            Self::DirectoryNotEmpty => "directory_not_empty",
            Self::InvalidPath => "invalid_path",
            Self::InvalidInput => "invalid_input",
            Self::PermissionDenied => "permission_denied",
            Self::NoSpace => "no_space",
            Self::Locked => "locked",
            Self::Disconnected => "disconnected",
            Self::Closed => "closed",
            Self::WouldBlock => "would_block",
            Self::Unsupported => "unsupported",
            Self::Corrupt => "corrupt",
            Self::Io => "io",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident => $text:literal),* $(,)?) => {
        /// What was being done when an error occurred.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation { $($(#[$doc])* $name),* }

        impl Operation {
            /// The operation in words, as errors show it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

operations! {
    /// Parsing a path.
    ParsePath => "parse path",
    /// Parsing a URL or a configuration.
    Configure => "configure",
    /// Opening a location.
    OpenLocation => "open location",
    /// `StorageBackend::open`.
    Open => "open",
    /// `stat`, of a path or an open file.
    Stat => "stat",
    /// `list`.
    List => "list",
    /// `create_dir`.
    CreateDir => "create directory",
    /// `remove_file`.
    RemoveFile => "remove file",
    /// `remove_dir`.
    RemoveDir => "remove directory",
    /// `rename`.
    Rename => "rename",
    /// `read` or `read_at`.
    Read => "read",
    /// `write` or `write_at`.
    Write => "write",
    /// `set_len`.
    SetLen => "set length",
    /// `sync`.
    Sync => "sync",
    /// `close`.
    Close => "close",
    /// `usage`.
    Usage => "usage",
    /// `set_attributes`.
    SetAttributes => "set attributes",
    /// Copying between paths or engines.
    Copy => "copy",
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error as a value: what was tried, on which path, what happened, and what the host said.
///
/// ```
/// use anystorage_api::{Error, ErrorKind, Operation, StoragePath};
///
/// let error = Error::new(ErrorKind::NotFound, Operation::Open).with_path(&StoragePath::parse("a/b")?);
/// assert_eq!(error.to_string(), "open \"a/b\": not found");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    operation: Operation,
    path: Option<StoragePath>,
    text: Option<String>,
    #[source]
    cause: Option<Arc<dyn std::error::Error + Send + Sync + 'static>>,
}

impl Error {
    /// An error of this kind in this operation.
    #[must_use]
    pub const fn new(kind: ErrorKind, operation: Operation) -> Self {
        Self { kind, operation, path: None, text: None, cause: None }
    }

    /// From what the operating system said, with the kind that fits it.
    #[must_use]
    pub fn from_io(error: io::Error, operation: Operation) -> Self {
        Self::new(kind_of(&error), operation).with_cause(error)
    }

    /// With the path it is about.
    #[must_use]
    pub fn with_path(mut self, path: &StoragePath) -> Self {
        self.path = Some(path.clone());
        self
    }

    /// With a sentence that says what is wrong and what the reader can do.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// With what the host or the library below reported.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>) -> Self {
        self.cause = Some(Arc::from(cause.into()));
        self
    }

    /// The same error, seen as part of another operation.
    #[must_use]
    pub const fn in_operation(mut self, operation: Operation) -> Self {
        self.operation = operation;
        self
    }

    /// The kind, for code that decides.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was being done.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// The path it is about, if it is about one.
    #[must_use]
    pub const fn path(&self) -> Option<&StoragePath> {
        self.path.as_ref()
    }

    /// The sentence that says what is wrong and what the reader can do, as [`Self::with_text`] gave it; none if the kind says it all. It
    /// is for people: it may be worded anew in any version.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// [`ErrorKind::is_retryable`] of its kind.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// [`ErrorKind::errno`] of its kind.
    #[must_use]
    pub const fn errno(&self) -> i32 {
        self.kind.errno()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        if let Some(path) = &self.path {
            match (path.is_root(), self.operation) {
                // A location is opened at its root: saying so tells nothing.
                (true, Operation::OpenLocation) => {}
                (true, _) => f.write_str(" the root")?,
                (false, _) => write!(f, " {:?}", path.as_str())?,
            }
        }
        write!(f, ": {}", self.kind)?;
        if let Some(text) = &self.text {
            write!(f, ": {text}")?;
        }
        if let Some(cause) = &self.cause {
            write!(f, " ({cause})")?;
        }
        Ok(())
    }
}

fn kind_of(error: &io::Error) -> ErrorKind {
    use io::ErrorKind as Io;
    match error.kind() {
        Io::NotFound => ErrorKind::NotFound,
        Io::AlreadyExists => ErrorKind::AlreadyExists,
        Io::NotADirectory => ErrorKind::NotADirectory,
        Io::IsADirectory => ErrorKind::IsADirectory,
        Io::DirectoryNotEmpty => ErrorKind::DirectoryNotEmpty,
        Io::InvalidFilename => ErrorKind::InvalidPath,
        Io::InvalidInput => ErrorKind::InvalidInput,
        Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        Io::StorageFull | Io::QuotaExceeded => ErrorKind::NoSpace,
        Io::ResourceBusy => ErrorKind::Locked,
        Io::BrokenPipe | Io::ConnectionReset | Io::NotConnected => ErrorKind::Disconnected,
        Io::WouldBlock => ErrorKind::WouldBlock,
        Io::Unsupported => ErrorKind::Unsupported,
        Io::FileTooLarge => ErrorKind::InvalidInput,
        Io::InvalidData | Io::UnexpectedEof => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        use io::ErrorKind as Io;
        let kind = match error.kind {
            ErrorKind::NotFound => Io::NotFound,
            ErrorKind::AlreadyExists => Io::AlreadyExists,
            ErrorKind::NotADirectory => Io::NotADirectory,
            ErrorKind::IsADirectory => Io::IsADirectory,
            ErrorKind::DirectoryNotEmpty => Io::DirectoryNotEmpty,
            ErrorKind::InvalidPath => Io::InvalidFilename,
            ErrorKind::InvalidInput => Io::InvalidInput,
            ErrorKind::PermissionDenied => Io::PermissionDenied,
            ErrorKind::NoSpace => Io::StorageFull,
            ErrorKind::Locked => Io::ResourceBusy,
            ErrorKind::Disconnected => Io::NotConnected,
            ErrorKind::WouldBlock => Io::WouldBlock,
            ErrorKind::Unsupported => Io::Unsupported,
            ErrorKind::Corrupt => Io::InvalidData,
            ErrorKind::Closed | ErrorKind::Io => Io::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_named_unless_a_location_is_opened() {
        let at_root = |operation| Error::new(ErrorKind::Locked, operation).with_path(&StoragePath::root()).to_string();
        assert_eq!(at_root(Operation::OpenLocation), "open location: locked by another instance");
        assert_eq!(at_root(Operation::List), "list the root: locked by another instance");
        let below = Error::new(ErrorKind::NotFound, Operation::OpenLocation).with_path(&StoragePath::parse("a").unwrap());
        assert_eq!(below.to_string(), "open location \"a\": not found");
    }

    #[test]
    fn the_text_is_the_one_given_without_what_display_adds() {
        let error = Error::new(ErrorKind::NoSpace, Operation::Write);
        assert_eq!(error.text(), None);
        let error = error.with_text("remove a file").with_cause(io::Error::other("quota"));
        assert_eq!(error.text(), Some("remove a file"));
        assert_eq!(error.to_string(), "write: no space left: remove a file (quota)");
    }
}

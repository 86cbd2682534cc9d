use std::fmt;

/// An operation that changes the disk or makes a change durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// `open(2)` that creates a file.
    Create,
    /// `pwrite(2)`.
    Write,
    /// `ftruncate(2)`.
    SetLen,
    /// `fchmod(2)`.
    SetMode,
    /// `mkdir(2)`.
    CreateDir,
    /// `unlink(2)`.
    RemoveFile,
    /// `rmdir(2)`.
    RemoveDir,
    /// `rename(2)`.
    Rename,
    /// `fsync(2)` of a file.
    SyncFile,
    /// `fsync(2)` of a directory.
    SyncDir,
}

impl Call {
    /// Whether it is an fsync.
    #[must_use]
    pub const fn is_sync(self) -> bool {
        matches!(self, Self::SyncFile | Self::SyncDir)
    }
}

/// One entry of the disk's log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// What was called.
    pub call: Call,
    /// Where; for a file that is open, the path it was opened at. The root is empty.
    pub path: String,
    /// Of a rename, the new path; otherwise empty.
    pub to: String,
    /// Of a write, how many bytes; of a new length, that; otherwise 0.
    pub len: u64,
    /// An fsync that reported success and did nothing, because the disk was told so.
    pub left_out: bool,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = match self.call {
            Call::Create => "create",
            Call::Write => "write",
            Call::SetLen => "set_len",
            Call::SetMode => "set_mode",
            Call::CreateDir => "mkdir",
            Call::RemoveFile => "unlink",
            Call::RemoveDir => "rmdir",
            Call::Rename => "rename",
            Call::SyncFile => "fsync",
            Call::SyncDir => "fsync of the directory",
        };
        write!(f, "{call} /{}", self.path)?;
        match self.call {
            Call::Rename => write!(f, " to /{}", self.to)?,
            Call::Write | Call::SetLen => write!(f, ", {} bytes", self.len)?,
            _ => {}
        }
        f.write_str(if self.left_out { " (left out)" } else { "" })
    }
}

/// An fsync that is being called, for the rule that says which ones are left out.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SyncCall<'a> {
    /// How many fsyncs the disk has seen before.
    pub nth: u64,
    /// The call itself.
    pub operation: &'a Operation,
    /// All operations before it, oldest first.
    pub before: &'a [Operation],
}

//! The calls that a sequence is made of: plain data that prints as one readable line.

use std::fmt;

use anystorage_api::OpenOptions;

/// How many handles a sequence may have open at once.
pub(crate) const SLOTS: usize = 8;

/// One call of a sequence. Handles live in numbered slots; a call on an empty slot is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// `open`; if it succeeds, what was in the slot before is dropped.
    Open {
        /// Where the handle goes.
        slot: usize,
        /// What is opened.
        path: &'static str,
        /// How.
        options: OpenOptions,
    },
    /// `StorageFile::read_at`.
    ReadAt {
        /// The handle.
        slot: usize,
        /// From where on.
        offset: Offset,
        /// How many bytes.
        len: usize,
    },
    /// `StorageFile::write_at`.
    WriteAt {
        /// The handle.
        slot: usize,
        /// From where on.
        offset: Offset,
        /// What.
        data: Data,
    },
    /// `StorageFile::set_len`.
    SetLen {
        /// The handle.
        slot: usize,
        /// The new length.
        len: Offset,
    },
    /// `StorageFile::stat`.
    StatFile {
        /// The handle.
        slot: usize,
    },
    /// `StorageFile::sync`.
    SyncFile {
        /// The handle.
        slot: usize,
    },
    /// `StorageFile::close`.
    CloseFile {
        /// The handle.
        slot: usize,
    },
    /// `stat`.
    Stat {
        /// Of what.
        path: &'static str,
    },
    /// `list`, one page.
    List {
        /// The directory.
        path: &'static str,
        /// Behind which name.
        after: Option<&'static str>,
        /// The length of the page.
        limit: usize,
    },
    /// `create_dir`.
    CreateDir {
        /// The new directory.
        path: &'static str,
    },
    /// `remove_file`.
    RemoveFile {
        /// The file.
        path: &'static str,
    },
    /// `remove_dir`.
    RemoveDir {
        /// The directory.
        path: &'static str,
    },
    /// `rename`, of whatever is there.
    Rename {
        /// The old path.
        from: &'static str,
        /// The new one.
        to: &'static str,
    },
    /// `read`, if the file is not too long to be held in memory.
    Read {
        /// The file.
        path: &'static str,
    },
    /// `write`.
    Write {
        /// The file.
        path: &'static str,
        /// What.
        data: Data,
    },
    /// `usage`.
    Usage,
    /// `StorageBackend::sync`.
    Sync,
    /// `sync`, `close`, a look that everything answers `Closed`, and the location opened again. Only on durable engines.
    Reopen,
}

impl Call {
    /// The name of the call without its arguments.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::ReadAt { .. } => "read_at",
            Self::WriteAt { .. } => "write_at",
            Self::SetLen { .. } => "set_len",
            Self::StatFile { .. } => "file.stat",
            Self::SyncFile { .. } => "file.sync",
            Self::CloseFile { .. } => "file.close",
            Self::Stat { .. } => "stat",
            Self::List { .. } => "list",
            Self::CreateDir { .. } => "create_dir",
            Self::RemoveFile { .. } => "remove_file",
            Self::RemoveDir { .. } => "remove_dir",
            Self::Rename { .. } => "rename",
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::Usage => "usage",
            Self::Sync => "sync",
            Self::Reopen => "reopen",
        }
    }
}

impl Call {
    /// The paths in it, to be replaced.
    pub(crate) fn paths_mut(&mut self) -> impl Iterator<Item = &mut &'static str> {
        let (one, other) = match self {
            Self::Open { path, .. }
            | Self::Stat { path }
            | Self::List { path, .. }
            | Self::CreateDir { path }
            | Self::RemoveFile { path }
            | Self::RemoveDir { path }
            | Self::Read { path }
            | Self::Write { path, .. } => (Some(path), None),
            Self::Rename { from, to } => (Some(from), Some(to)),
            _ => (None, None),
        };
        one.into_iter().chain(other)
    }

    /// The slot in it, to be replaced.
    pub(crate) fn slot_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Open { slot, .. }
            | Self::ReadAt { slot, .. }
            | Self::WriteAt { slot, .. }
            | Self::SetLen { slot, .. }
            | Self::StatFile { slot }
            | Self::SyncFile { slot }
            | Self::CloseFile { slot } => Some(slot),
            _ => None,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { slot, path, options } => write!(f, "h{slot} = open({}, {})", Quoted(path), Options(options)),
            Self::ReadAt { slot, offset, len } => write!(f, "h{slot}.read_at({offset}, {len} bytes)"),
            Self::WriteAt { slot, offset, data } => write!(f, "h{slot}.write_at({offset}, {data})"),
            Self::SetLen { slot, len } => write!(f, "h{slot}.set_len({len})"),
            Self::StatFile { slot } => write!(f, "h{slot}.stat()"),
            Self::SyncFile { slot } => write!(f, "h{slot}.sync()"),
            Self::CloseFile { slot } => write!(f, "h{slot}.close()"),
            Self::Stat { path } => write!(f, "stat({})", Quoted(path)),
            Self::List { path, after: None, limit } => write!(f, "list({}, from the start, {limit} at most)", Quoted(path)),
            Self::List { path, after: Some(after), limit } => write!(f, "list({}, after {after:?}, {limit} at most)", Quoted(path)),
            Self::CreateDir { path } => write!(f, "create_dir({})", Quoted(path)),
            Self::RemoveFile { path } => write!(f, "remove_file({})", Quoted(path)),
            Self::RemoveDir { path } => write!(f, "remove_dir({})", Quoted(path)),
            Self::Rename { from, to } => write!(f, "rename({}, {})", Quoted(from), Quoted(to)),
            Self::Read { path } => write!(f, "read({})", Quoted(path)),
            Self::Write { path, data } => write!(f, "write({}, {data})", Quoted(path)),
            Self::Usage => f.write_str("usage()"),
            Self::Sync => f.write_str("sync()"),
            Self::Reopen => f.write_str("sync(), close(), and open the location again"),
        }
    }
}

/// A path as the list of calls shows it: a long name is cut.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get(..16) {
            Some(start) if self.0.len() > 100 => write!(f, "\"{start}...\" ({} bytes)", self.0.len()),
            _ => write!(f, "{:?}", self.0),
        }
    }
}

struct Options<'a>(&'a OpenOptions);

impl fmt::Display for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        for (set, word) in [
            (self.0.is_read(), "read"),
            (self.0.is_write(), "write"),
            (self.0.is_create() && !self.0.is_create_new(), "create"),
            (self.0.is_create_new(), "create_new"),
            (self.0.is_truncate(), "truncate"),
        ] {
            if set {
                words.push(word);
            }
        }
        f.write_str(if words.is_empty() { "nothing" } else { "" })?;
        f.write_str(&words.join("+"))
    }
}

/// A position in a file, or a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Offset {
    /// From the start.
    At(u64),
    /// This many bytes before [`max_file_len`](anystorage_api::Capabilities::max_file_len).
    BeforeLimit(u64),
    /// This many bytes behind it.
    BehindLimit(u64),
}

impl Offset {
    /// In bytes from the start.
    pub(crate) const fn resolve(self, max_file_len: u64) -> u64 {
        match self {
            Self::At(bytes) => bytes,
            Self::BeforeLimit(bytes) => max_file_len.saturating_sub(bytes),
            Self::BehindLimit(bytes) => max_file_len.saturating_add(bytes),
        }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(bytes) => write!(f, "{bytes}"),
            Self::BeforeLimit(bytes) => write!(f, "max_file_len - {bytes}"),
            Self::BehindLimit(bytes) => write!(f, "max_file_len + {bytes}"),
        }
    }
}

/// Bytes to write, as their recipe: none of them is zero, so that they cannot be taken for a hole, and they differ with the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Data {
    /// Tells one writing from another.
    pub tag: u8,
    /// How many bytes.
    pub len: usize,
}

impl Data {
    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let start = usize::from(self.tag) * 31;
        // A period that is no divisor of any block size: a block in the wrong place shows.
        (start..start + self.len).map(|at| (at % 251) as u8 + 1).collect()
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes #{}", self.len, self.tag)
    }
}

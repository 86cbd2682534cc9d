use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link: one that the host has, seen while listing, or one that [`Attributes::link_target`] made. Engines never follow one
    /// out of their root, and those that they keep themselves not at all.
    Symlink,
    /// Something else that the host has: a socket, a device.
    Other,
}

impl FileKind {
    /// The kind in one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Other => "other",
        }
    }
}

/// A moment: whole seconds since 1970-01-01T00:00:00Z, before it negative, and nanoseconds (0 to 999,999,999) after that second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
}

impl Timestamp {
    /// From seconds and nanoseconds; nanoseconds beyond 999,999,999 are cut to it.
    #[must_use]
    pub const fn new(seconds: i64, nanoseconds: u32) -> Self {
        Self { seconds, nanoseconds: if nanoseconds > 999_999_999 { 999_999_999 } else { nanoseconds } }
    }

    /// From milliseconds since 1970, as JavaScript counts.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self::new(millis.div_euclid(1000), (millis.rem_euclid(1000) * 1_000_000) as u32)
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`Self::seconds`].
    #[must_use]
    pub const fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// Milliseconds since 1970, rounded down.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.seconds.saturating_mul(1000).saturating_add((self.nanoseconds / 1_000_000) as i64)
    }

    /// As `std` has it; none where that cannot hold it.
    #[must_use]
    pub fn system_time(self) -> Option<SystemTime> {
        let whole = Duration::from_secs(self.seconds.unsigned_abs());
        let second = if self.seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
        second?.checked_add(Duration::from_nanos(u64::from(self.nanoseconds)))
    }
}

/// What an engine knows of a file or a directory.
///
/// `mode`, `accessed` and `link_target` are what [`set_attributes`](crate::StorageBackend::set_attributes) set; each is none where nobody
/// did, and always where the engine keeps no [`attributes`](crate::Capabilities::attributes).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// The length of a file in bytes; 0 for everything else.
    pub len: u64,
    /// When its bytes (a directory's entries) last changed, or what was set by hand since; none where the engine has no clock.
    pub modified: Option<Timestamp>,
    /// When it was last read, as somebody set it: reading does not change it.
    pub accessed: Option<Timestamp>,
    /// The POSIX permission bits, at most `0o7777`. They are kept, never enforced.
    pub mode: Option<u32>,
    /// Where a symbolic link leads, as it was given: it need not be a path that exists, nor a valid one.
    pub link_target: Option<String>,
    /// Differs after every change of the bytes or the length: equal revisions mean that nothing changed. It says nothing about order, and
    /// is compared only between calls on the same path of the same location.
    pub revision: u64,
}

impl Metadata {
    /// A file of `len` bytes.
    #[must_use]
    pub const fn file(len: u64) -> Self {
        let mut file = Self::of_kind(FileKind::File);
        file.len = len;
        file
    }

    /// A directory.
    #[must_use]
    pub const fn directory() -> Self {
        Self::of_kind(FileKind::Directory)
    }

    /// Something else: a link, a device.
    #[must_use]
    pub const fn of_kind(kind: FileKind) -> Self {
        Self { kind, len: 0, modified: None, accessed: None, mode: None, link_target: None, revision: 0 }
    }

    /// With a time of change.
    #[must_use]
    pub const fn with_modified(mut self, modified: Option<Timestamp>) -> Self {
        self.modified = modified;
        self
    }

    /// With a time of the last read.
    #[must_use]
    pub const fn with_accessed(mut self, accessed: Option<Timestamp>) -> Self {
        self.accessed = accessed;
        self
    }

    /// With permission bits.
    #[must_use]
    pub const fn with_mode(mut self, mode: Option<u32>) -> Self {
        self.mode = mode;
        self
    }

    /// With the target of a link.
    #[must_use]
    pub fn with_link_target(mut self, target: Option<String>) -> Self {
        self.link_target = target;
        self
    }

    /// With a revision.
    #[must_use]
    pub const fn with_revision(mut self, revision: u64) -> Self {
        self.revision = revision;
        self
    }

    /// Whether this is a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }

    /// Whether this is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// Whether this is a symbolic link.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.kind == FileKind::Symlink
    }
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct DirEntry {
    /// The name. Where the host has a name that no [`StoragePath`](crate::StoragePath) can hold (not UTF-8), this is a readable
    /// replacement, and [`Self::addressable`] is false.
    pub name: String,
    /// What it is; a symbolic link is a link here, wherever it leads.
    pub kind: FileKind,
    /// Whether the engine can open the entry by `name`. False only for names that someone else gave on the host and that are not UTF-8.
    pub addressable: bool,
}

impl DirEntry {
    /// An entry.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: FileKind) -> Self {
        Self { name: name.into(), kind, addressable: true }
    }

    /// An entry that exists on the host and cannot be named here; `shown` is for people.
    #[must_use]
    pub fn unaddressable(shown: impl Into<String>, kind: FileKind) -> Self {
        Self { name: shown.into(), kind, addressable: false }
    }
}

/// How full a location is, in bytes; none for what the platform does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// What this location's files take.
    pub used: Option<u64>,
    /// How much this location may take in all.
    pub quota: Option<u64>,
    /// How much can still be written.
    pub free: Option<u64>,
}

impl Usage {
    /// From the three figures.
    #[must_use]
    pub const fn new(used: Option<u64>, quota: Option<u64>, free: Option<u64>) -> Self {
        Self { used, quota, free }
    }
}

/// What [`StorageBackend::set_attributes`](crate::StorageBackend::set_attributes) sets: only what is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attributes {
    /// The POSIX permission bits, as in `chmod(2)`: at most [`MAX_MODE`](Self::MAX_MODE).
    pub mode: Option<u32>,
    /// When the file was last read.
    pub accessed: Option<Timestamp>,
    /// When its bytes last changed.
    pub modified: Option<Timestamp>,
    /// Where a symbolic link leads: makes an empty file one.
    pub link_target: Option<String>,
}

impl Attributes {
    /// All permission bits there are: read, write and execute for three, set-user-ID, set-group-ID and sticky.
    pub const MAX_MODE: u32 = 0o7777;

    /// Nothing to set.
    #[must_use]
    pub const fn new() -> Self {
        Self { mode: None, accessed: None, modified: None, link_target: None }
    }

    /// Sets the permission bits.
    #[must_use]
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the time of the last read.
    #[must_use]
    pub const fn accessed(mut self, at: Timestamp) -> Self {
        self.accessed = Some(at);
        self
    }

    /// Sets the time of the last change.
    #[must_use]
    pub const fn modified(mut self, at: Timestamp) -> Self {
        self.modified = Some(at);
        self
    }

    /// Makes an empty file a symbolic link, or changes where one leads.
    #[must_use]
    pub fn link_target(mut self, target: impl Into<String>) -> Self {
        self.link_target = Some(target.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_keep_their_order_and_their_milliseconds() {
        let early = Timestamp::from_unix_millis(-1);
        assert_eq!((early.seconds(), early.nanoseconds()), (-1, 999_000_000));
        assert_eq!(early.unix_millis(), -1);
        assert!(early < Timestamp::from_unix_millis(0));
        assert_eq!(early.system_time(), UNIX_EPOCH.checked_sub(Duration::from_millis(1)));
    }
}

//! The types of the traits on their way. What the other end does not know of them is the least that is safe to assume.

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Durability, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, StoragePath, Timestamp,
    Usage,
};
use serde::{Deserialize, Serialize};

/// Seconds since 1970, and nanoseconds behind them.
type WireTime = (i64, u32);

fn from_time(time: Timestamp) -> WireTime {
    (time.seconds(), time.nanoseconds())
}

fn to_time((seconds, nanoseconds): WireTime) -> Timestamp {
    Timestamp::new(seconds, nanoseconds)
}

/// Bits: read, write, create, create_new, truncate, from the lowest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireOptions(u8);

impl From<&OpenOptions> for WireOptions {
    fn from(options: &OpenOptions) -> Self {
        // `is_create` is true of `create_new` too, which is the same to an engine.
        let flags = [options.is_read(), options.is_write(), options.is_create(), options.is_create_new(), options.is_truncate()];
        Self(flags.into_iter().enumerate().map(|(bit, on)| u8::from(on) << bit).sum())
    }
}

impl From<WireOptions> for OpenOptions {
    fn from(WireOptions(bits): WireOptions) -> Self {
        let on = |bit: u8| bits >> bit & 1 == 1;
        Self::new().read(on(0)).write(on(1)).create(on(2)).create_new(on(3)).truncate(on(4))
    }
}

/// Bits of `flags`: `atomic_sync`, `atomic_rename_file`, `atomic_rename_dir`, `shared`, `real_names`, `checksums`, `attributes`, `usage`,
/// from the lowest on. `immediate` is not among them: it is up to the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireCapabilities {
    durability: u8,
    flags: u32,
    max_name_len: u64,
    max_file_len: u64,
}

impl From<&Capabilities> for WireCapabilities {
    fn from(offered: &Capabilities) -> Self {
        let flags = [
            offered.atomic_sync,
            offered.atomic_rename_file,
            offered.atomic_rename_dir,
            offered.shared,
            offered.real_names,
            offered.checksums,
            offered.attributes,
            offered.usage,
        ];
        Self {
            durability: match offered.durability {
                Durability::PowerLoss => 2,
                Durability::Process => 1,
                _ => 0,
            },
            flags: flags.into_iter().enumerate().map(|(bit, on)| u32::from(on) << bit).sum(),
            max_name_len: offered.max_name_len as u64,
            max_file_len: offered.max_file_len,
        }
    }
}

impl WireCapabilities {
    /// What is offered at this end.
    pub(crate) fn offered(self, immediate: bool) -> Capabilities {
        let on = |bit: u8| self.flags >> bit & 1 == 1;
        let durability = match self.durability {
            2 => Durability::PowerLoss,
            1 => Durability::Process,
            _ => Durability::None,
        };
        Capabilities::new()
            .durability(durability)
            .atomic_sync(on(0))
            .atomic_rename_file(on(1))
            .atomic_rename_dir(on(2))
            .shared(on(3))
            .real_names(on(4))
            .checksums(on(5))
            .attributes(on(6))
            .usage(on(7))
            .immediate(immediate)
            .max_name_len(usize::try_from(self.max_name_len).unwrap_or(usize::MAX).min(anystorage_api::MAX_NAME_LEN))
            .max_file_len(self.max_file_len)
    }
}

fn from_kind(kind: FileKind) -> u8 {
    match kind {
        FileKind::File => 0,
        FileKind::Directory => 1,
        FileKind::Symlink => 2,
        _ => 3,
    }
}

fn to_kind(kind: u8) -> FileKind {
    match kind {
        0 => FileKind::File,
        1 => FileKind::Directory,
        2 => FileKind::Symlink,
        _ => FileKind::Other,
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireMetadata<'a> {
    kind: u8,
    len: u64,
    modified: Option<WireTime>,
    accessed: Option<WireTime>,
    mode: Option<u32>,
    link_target: Option<&'a str>,
    revision: u64,
}

impl<'a> From<&'a Metadata> for WireMetadata<'a> {
    fn from(found: &'a Metadata) -> Self {
        Self {
            kind: from_kind(found.kind),
            len: found.len,
            modified: found.modified.map(from_time),
            accessed: found.accessed.map(from_time),
            mode: found.mode,
            link_target: found.link_target.as_deref(),
            revision: found.revision,
        }
    }
}

impl From<WireMetadata<'_>> for Metadata {
    fn from(found: WireMetadata<'_>) -> Self {
        let mut metadata = Self::of_kind(to_kind(found.kind))
            .with_modified(found.modified.map(to_time))
            .with_accessed(found.accessed.map(to_time))
            .with_mode(found.mode)
            .with_link_target(found.link_target.map(str::to_owned))
            .with_revision(found.revision);
        metadata.len = found.len;
        metadata
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireEntry<'a> {
    name: &'a str,
    kind: u8,
    addressable: bool,
}

impl<'a> From<&'a DirEntry> for WireEntry<'a> {
    fn from(entry: &'a DirEntry) -> Self {
        Self { name: &entry.name, kind: from_kind(entry.kind), addressable: entry.addressable }
    }
}

impl From<WireEntry<'_>> for DirEntry {
    fn from(entry: WireEntry<'_>) -> Self {
        if entry.addressable { Self::new(entry.name, to_kind(entry.kind)) } else { Self::unaddressable(entry.name, to_kind(entry.kind)) }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireAttributes<'a> {
    mode: Option<u32>,
    accessed: Option<WireTime>,
    modified: Option<WireTime>,
    link_target: Option<&'a str>,
}

impl<'a> From<&'a Attributes> for WireAttributes<'a> {
    fn from(attributes: &'a Attributes) -> Self {
        Self {
            mode: attributes.mode,
            accessed: attributes.accessed.map(from_time),
            modified: attributes.modified.map(from_time),
            link_target: attributes.link_target.as_deref(),
        }
    }
}

impl From<WireAttributes<'_>> for Attributes {
    fn from(wire: WireAttributes<'_>) -> Self {
        let mut attributes = Self::new();
        attributes.mode = wire.mode;
        attributes.accessed = wire.accessed.map(to_time);
        attributes.modified = wire.modified.map(to_time);
        attributes.link_target = wire.link_target.map(str::to_owned);
        attributes
    }
}

/// Used, quota, free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireUsage(Option<u64>, Option<u64>, Option<u64>);

impl From<Usage> for WireUsage {
    fn from(usage: Usage) -> Self {
        Self(usage.used, usage.quota, usage.free)
    }
}

impl From<WireUsage> for Usage {
    fn from(WireUsage(used, quota, free): WireUsage) -> Self {
        Self::new(used, quota, free)
    }
}

/// An error: the code of its kind, its operation in words, what it is about, and what those below said, from the outside in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireError<'a> {
    kind: &'a str,
    operation: &'a str,
    path: Option<&'a str>,
    text: Option<&'a str>,
    cause: Option<String>,
}

impl<'a> From<&'a Error> for WireError<'a> {
    fn from(error: &'a Error) -> Self {
        Self {
            kind: error.kind().code(),
            operation: error.operation().as_str(),
            path: error.path().map(StoragePath::as_str),
            text: error.text(),
            cause: std::error::Error::source(error).map(ToString::to_string),
        }
    }
}

impl WireError<'_> {
    /// The error, as one of `asked` if its operation is not known here.
    pub(crate) fn into_error(self, asked: Operation) -> Error {
        let kind = ErrorKind::from_code(self.kind).unwrap_or(ErrorKind::Io);
        let mut error = Error::new(kind, operation(self.operation).unwrap_or(asked));
        if let Some(path) = self.path.and_then(|path| StoragePath::parse(path).ok()) {
            error = error.with_path(&path);
        }
        if let Some(text) = self.text {
            error = error.with_text(text);
        }
        match self.cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    }
}

fn operation(words: &str) -> Option<Operation> {
    use Operation::*;
    let all = [
        ParsePath,
        Configure,
        OpenLocation,
        Open,
        Stat,
        List,
        CreateDir,
        RemoveFile,
        RemoveDir,
        Rename,
        Read,
        Write,
        SetLen,
        Sync,
        Close,
        Usage,
        SetAttributes,
        Copy,
    ];
    all.into_iter().find(|operation| operation.as_str() == words)
}

//! Frames, and the heads in them.

use anystorage_api::{Error, ErrorKind, Operation, Result};
use serde::{Deserialize, Serialize};

use super::{WireAttributes, WireCapabilities, WireEntry, WireError, WireMetadata, WireOptions, WireUsage};

/// The number of what the server says unasked: why there will be no more answers.
pub(crate) const GOODBYE: u64 = 0;

/// What stands behind the number of a frame.
pub(crate) trait Head<'a>: Serialize + Deserialize<'a> {
    /// Whether bytes follow it.
    fn has_bytes(&self) -> bool;
}

/// What the client asks for. The order of the variants is part of the protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Call<'a> {
    /// The first one. It stays as it is in all versions.
    Hello {
        version: u32,
    },
    Open {
        path: &'a str,
        options: WireOptions,
    },
    Stat {
        path: &'a str,
    },
    List {
        directory: &'a str,
        after: Option<&'a str>,
        limit: u64,
    },
    CreateDir {
        path: &'a str,
    },
    RemoveFile {
        path: &'a str,
    },
    RemoveDir {
        path: &'a str,
    },
    Rename {
        from: &'a str,
        to: &'a str,
    },
    Sync,
    Close,
    /// The whole file.
    Read {
        path: &'a str,
    },
    /// The whole file, which follows.
    Write {
        path: &'a str,
    },
    Usage,
    SetAttributes {
        path: &'a str,
        attributes: WireAttributes<'a>,
    },
    FileRead {
        file: u64,
        offset: u64,
        len: u64,
    },
    /// The bytes follow.
    FileWrite {
        file: u64,
        offset: u64,
    },
    FileSetLen {
        file: u64,
        len: u64,
    },
    FileStat {
        file: u64,
    },
    FileSync {
        file: u64,
    },
    FileClose {
        file: u64,
    },
}

impl<'a> Head<'a> for Call<'a> {
    fn has_bytes(&self) -> bool {
        matches!(self, Self::Write { .. } | Self::FileWrite { .. })
    }
}

impl Call<'_> {
    /// The operation as errors name it.
    pub(crate) const fn operation(&self) -> Operation {
        match self {
            Self::Hello { .. } => Operation::OpenLocation,
            Self::Open { .. } => Operation::Open,
            Self::Stat { .. } | Self::FileStat { .. } => Operation::Stat,
            Self::List { .. } => Operation::List,
            Self::CreateDir { .. } => Operation::CreateDir,
            Self::RemoveFile { .. } => Operation::RemoveFile,
            Self::RemoveDir { .. } => Operation::RemoveDir,
            Self::Rename { .. } => Operation::Rename,
            Self::Sync | Self::FileSync { .. } => Operation::Sync,
            Self::Close | Self::FileClose { .. } => Operation::Close,
            Self::Read { .. } | Self::FileRead { .. } => Operation::Read,
            Self::Write { .. } | Self::FileWrite { .. } => Operation::Write,
            Self::Usage => Operation::Usage,
            Self::SetAttributes { .. } => Operation::SetAttributes,
            Self::FileSetLen { .. } => Operation::SetLen,
        }
    }
}

/// What the server answers. The order of the variants is part of the protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer<'a> {
    /// It stays as it is in all versions.
    Failed(#[serde(borrow)] WireError<'a>),
    /// It stays as it is in all versions, as far as the number of the version; behind that it may be anything.
    Hello {
        version: u32,
        capabilities: WireCapabilities,
    },
    Done,
    /// A file, by the number that calls on it name. No number is given out twice.
    Opened {
        file: u64,
    },
    Metadata(WireMetadata<'a>),
    Entries(Vec<WireEntry<'a>>),
    /// The bytes follow.
    Bytes,
    Usage(WireUsage),
}

impl<'a> Head<'a> for Answer<'a> {
    fn has_bytes(&self) -> bool {
        matches!(self, Self::Bytes)
    }
}

/// A frame, with room for as many bytes behind the head as `room` says.
pub(crate) fn encode<'a>(number: u64, head: &impl Head<'a>, room: usize) -> Result<Vec<u8>> {
    let mut frame = Vec::new();
    // 256: most heads, so that no frame is moved as it grows.
    frame.try_reserve_exact(room.saturating_add(256)).map_err(|_| too_large(room))?;
    postcard::to_extend(&(number, head), frame).map_err(|error| nonsense().with_cause(error))
}

/// The number of a frame: of one that makes no sense otherwise, too.
pub(crate) fn number_of(frame: &[u8]) -> Option<u64> {
    postcard::take_from_bytes::<u64>(frame).ok().map(|(number, _)| number)
}

/// Number, head and bytes of a frame.
///
/// Nothing is allocated for a length that a frame claims: lists grow as their elements are found in it.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if it is not what any end of this version says.
pub(crate) fn decode<'a, H: Head<'a>>(frame: &'a [u8]) -> Result<(u64, H, &'a [u8])> {
    let ((number, head), bytes) = postcard::take_from_bytes::<(u64, H)>(frame).map_err(|error| nonsense().with_cause(error))?;
    if !bytes.is_empty() && !head.has_bytes() {
        return Err(nonsense());
    }
    Ok((number, head, bytes))
}

fn nonsense() -> Error {
    Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_text("what the other end said makes no sense")
}

/// Why no frame can be made.
pub(crate) fn too_large(bytes: usize) -> Error {
    Error::new(ErrorKind::InvalidInput, Operation::Read).with_text(format!("{bytes} bytes do not fit into memory"))
}

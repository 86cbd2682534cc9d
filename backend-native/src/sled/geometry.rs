//! How large sled's segments and the engine's blocks are.

use std::fs;
use std::io;
use std::path::Path;

use anystorage_api::{Error, ErrorKind, Operation, Result};

/// The file in which sled keeps it.
const CONF: &str = "conf";

/// Disks below this size get small segments: sled needs several free ones to work at all.
const SMALL_DISK: u64 = 64 << 20;

/// Sizes that fit each other: a leaf of sled holds up to 19 values, and one above a quarter of a segment would become a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// The bytes of a segment of sled's log, a power of two.
    pub(super) segment: usize,
    /// The bytes of a file in one record.
    pub(super) block: usize,
}

impl Geometry {
    const USUAL: Self = Self { segment: 512 << 10, block: 4 << 10 };
    const SMALL: Self = Self { segment: 64 << 10, block: 512 };

    /// Of a new location below this directory.
    pub(super) fn fresh(root: &Path) -> Self {
        match rustix::fs::statvfs(root) {
            Ok(disk) if disk.f_blocks.saturating_mul(disk.f_frsize) < SMALL_DISK => Self::SMALL,
            _ => Self::USUAL,
        }
    }

    /// Of the database that is there, from its `conf`; none if there is no such file.
    pub(super) fn stored(root: &Path) -> Result<Option<Self>> {
        let path = root.join(CONF);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Error::from_io(error, Operation::OpenLocation).with_text(format!("{} cannot be read", path.display())));
            }
        };
        let segment = segment_of(&bytes).ok_or_else(|| {
            let text = format!(
                "{} is damaged. Nothing was changed. It has three lines, the same for every database of one segment size: restore it from \
                 a backup or from a new location made on a disk of the same kind",
                path.display()
            );
            Error::new(ErrorKind::Corrupt, Operation::OpenLocation).with_text(text)
        })?;
        let block = if segment == Self::SMALL.segment { Self::SMALL.block } else { Self::USUAL.block };
        Ok(Some(Self { segment, block }))
    }
}

/// Three lines and their checksum, of which sled only warns when it is wrong.
fn segment_of(bytes: &[u8]) -> Option<usize> {
    let (text, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32(text) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    text.lines().find_map(|line| line.strip_prefix("segment_size: "))?.parse().ok()
}

/// The checksum of gzip, which sled uses. Byte by byte, for some dozens of bytes.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }))
}

//! The records, and what each holds.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, FileKind, Operation, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::format::{Format, Key, MAGIC, SUPERBLOCK, damaged, decode, encode, seal, unseal};
use crate::map::{BlockMap, Freed};
use crate::options::{MAX_BLOCK_SIZE, MIN_BLOCK_SIZE};
use crate::runs::Runs;

/// No location gives out so many numbers: one for each nanosecond would last for centuries.
const MAX_ID: u64 = u64::MAX / 2;

/// The superblock, behind the magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub(crate) format: Format,
    pub(crate) fields: Fields,
}

/// What the formats of today have behind that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fields {
    /// In bytes.
    pub(crate) block_size: u32,
    /// No number of an inode, a version or a spill has been given out from here on.
    pub(crate) ids: u64,
}

impl Superblock {
    pub(crate) fn encode(self) -> Result<Vec<u8>> {
        let mut payload = MAGIC.to_vec();
        payload.extend_from_slice(&self.format.number().to_le_bytes());
        let fields = postcard::to_allocvec(&self.fields)
            .map_err(|error| Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_cause(error))?;
        payload.extend_from_slice(&fields);
        Ok(seal(SUPERBLOCK, payload))
    }

    /// A later format may lay out what follows its number as it likes, but keeps the place of magic, number and checksum.
    pub(crate) fn decode(value: Vec<u8>) -> Result<Self> {
        if !value.starts_with(MAGIC) && unseal(SUPERBLOCK, value.clone()).is_ok() {
            return Err(damaged(SUPERBLOCK, "it does not begin as ours do"));
        }
        let payload = unseal(SUPERBLOCK, value)?;
        let Some((format, fields)) = payload.strip_prefix(MAGIC).and_then(|rest| rest.split_first_chunk::<4>()) else {
            return Err(damaged(SUPERBLOCK, "it does not begin as ours do"));
        };
        let number = u32::from_le_bytes(*format);
        let Some(format) = Format::of(number) else {
            let latest = Format::LATEST.number();
            let text = format!("the location has format {number}, and this version reads 1 to {latest}: use the version that wrote it");
            return Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text));
        };
        match postcard::take_from_bytes::<Fields>(fields) {
            Ok((fields, [])) if fields.make_sense() => Ok(Self { format, fields }),
            _ => Err(damaged(SUPERBLOCK, "it makes no sense")),
        }
    }
}

impl Fields {
    fn make_sense(self) -> bool {
        let sizes = MIN_BLOCK_SIZE..=MAX_BLOCK_SIZE;
        usize::try_from(self.block_size).is_ok_and(|size| sizes.contains(&size)) && self.ids <= MAX_ID
    }
}

/// What an inode or an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
}

impl From<Kind> for FileKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::File => Self::File,
            Kind::Directory => Self::Directory,
            Kind::Symlink => Self::Symlink,
        }
    }
}

/// Seconds since 1970 and nanoseconds after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Time(i64, u32);

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time.seconds(), time.nanoseconds())
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self::new(time.0, time.1)
    }
}

/// The name of a file or a directory: it has one, or none any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) directory: u64,
    pub(crate) name: Box<str>,
}

impl Place {
    pub(crate) fn key(&self) -> Key {
        Key::Entry { directory: self.directory, name: self.name.clone() }
    }
}

/// A file or a directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inode {
    pub(crate) kind: Kind,
    /// None for the root, and for a file that was removed while it was open.
    pub(crate) place: Option<Place>,
    /// In bytes.
    pub(crate) len: u64,
    pub(crate) modified: Option<Time>,
    pub(crate) accessed: Option<Time>,
    pub(crate) mode: Option<u32>,
    pub(crate) target: Option<Box<str>>,
    pub(crate) revision: u64,
    /// Another one after each sync that published changes of the content; a number that nothing else has. It tells whether what a spill
    /// wrote was published.
    pub(crate) stamp: u64,
    /// The version of blocks that a sync publishes at once. Blocks under it are never waiting to be deleted.
    pub(crate) version: u64,
    pub(crate) map: BlockMap,
    /// The rest is never true in a published record.
    pub(crate) changed: Changed,
}

/// What has become of an inode since it was published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// Its content has changed, and `stamp` is a new one.
    pub(crate) content: bool,
    /// Some of its blocks were spilled.
    pub(crate) spilled: bool,
    /// It took the place of another file: whoever publishes that publishes all its bytes.
    pub(crate) replaced: bool,
}

impl Inode {
    pub(crate) fn new(kind: Kind, ino: u64, place: Option<Place>) -> Self {
        Self {
            kind,
            place,
            len: 0,
            modified: None,
            accessed: None,
            mode: None,
            target: None,
            revision: 0,
            stamp: 0,
            version: ino,
            map: BlockMap::default(),
            changed: Changed::default(),
        }
    }

    /// As it is published.
    pub(crate) fn settled(&self) -> Self {
        Self { changed: Changed::default(), ..self.clone() }
    }
}

/// A name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) ino: u64,
    pub(crate) kind: Kind,
}

/// A metadata record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    Entry(Entry),
    Inode(Arc<Inode>),
    Node(Arc<Runs>),
    Orphan,
}

impl Record {
    /// As it is stored under the bytes of its key, which may be those of its shadow.
    pub(crate) fn encode(&self, key: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Entry(entry) => encode(key, entry),
            Self::Inode(inode) => encode(key, &**inode),
            Self::Node(runs) => encode(key, &**runs),
            Self::Orphan => encode(key, &()),
        }
    }

    /// What is stored for `key` under `stored`.
    pub(crate) fn decode(key: &Key, stored: &[u8], value: Vec<u8>) -> Result<Self> {
        Ok(match key {
            Key::Entry { .. } => Self::Entry(decode(stored, value)?),
            Key::Inode(_) => Self::Inode(Arc::new(decode(stored, value)?)),
            Key::Node(_) => Self::Node(Arc::new(decode(stored, value)?)),
            Key::Orphan(_) => {
                decode::<()>(stored, value)?;
                Self::Orphan
            }
        })
    }

    /// As it is published.
    pub(crate) fn settled(&self) -> Self {
        match self {
            Self::Inode(inode) if inode.changed != Changed::default() => Self::Inode(Arc::new(inode.settled())),
            other => other.clone(),
        }
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn cost(&self) -> usize {
        match self {
            Self::Entry(_) | Self::Orphan => 32,
            Self::Inode(inode) => 256 + inode.map.cost(),
            Self::Node(runs) => 64 + runs.cost(),
        }
    }
}

/// A change of a record that waits in the store for its sync: the record, or its removal.
pub(crate) fn encode_shadow(key: &Key, record: Option<&Record>) -> Result<Vec<u8>> {
    let stored = key.shadow();
    match record {
        Some(record) => record.encode(&stored),
        // A payload that no record has.
        None => Ok(seal(&stored, REMOVED.to_vec())),
    }
}

pub(crate) fn decode_shadow(key: &Key, value: Vec<u8>) -> Result<Option<Record>> {
    let stored = key.shadow();
    if unseal(&stored, value.clone())? == REMOVED {
        return Ok(None);
    }
    Record::decode(key, &stored, value).map(Some)
}

const REMOVED: &[u8] = b"removed";

/// What one relaxed commit spilled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spill {
    pub(crate) files: Vec<SpilledFile>,
}

/// What one relaxed commit spilled of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SpilledFile {
    pub(crate) ino: u64,
    /// The stamp of the inode in the published state at that time, 0 if it had none. As long as that is its stamp, the changes are not
    /// published.
    pub(crate) base: u64,
    /// What was written: to be deleted if it is not published.
    pub(crate) new: Vec<Freed>,
    /// What it replaced: to be deleted when it is published.
    pub(crate) old: Vec<Freed>,
}

impl Spill {
    /// With so many files and runs together, each at most 30 bytes, the record is not longer than records may be.
    pub(crate) const MOST_PARTS: usize = 512;

    /// About so many blocks are named by one record, so that they are deleted a few at a time.
    pub(crate) const MOST_BLOCKS: u64 = 4096;

    /// How many files and runs it has.
    pub(crate) fn parts(&self) -> usize {
        self.files.iter().map(SpilledFile::parts).sum()
    }

    pub(crate) fn decode(key: &[u8], value: Vec<u8>) -> Result<Self> {
        let spill: Self = decode(key, value)?;
        let mut runs = spill.files.iter().flat_map(|file| file.new.iter().chain(&file.old));
        if runs.any(|run| run.block.checked_add(run.count).is_none()) {
            return Err(damaged(key, "it names blocks that cannot be"));
        }
        Ok(spill)
    }
}

impl SpilledFile {
    /// How many runs it has, and itself.
    pub(crate) fn parts(&self) -> usize {
        1 + self.new.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sealed_records_that_cannot_be_are_damage() {
        let with = |format, block_size, ids| Superblock { format, fields: Fields { block_size, ids } };
        for format in [Format::V1, Format::V2, Format::V3] {
            let superblock = with(format, 4096, 7);
            assert_eq!(Superblock::decode(superblock.encode().unwrap()).unwrap(), superblock);
        }
        for (block_size, ids) in [(0, 7), (63, 7), (u32::MAX, 7), (4096, u64::MAX), (4096, MAX_ID + 1)] {
            let found = Superblock::decode(with(Format::LATEST, block_size, ids).encode().unwrap());
            assert_eq!(found.unwrap_err().kind(), ErrorKind::Corrupt, "{block_size}, {ids}");
        }
        for (block, right) in [(u64::MAX - 2, true), (u64::MAX - 1, false)] {
            let file = SpilledFile { ino: 2, base: 0, new: vec![Freed { block, count: 2, version: 3 }], old: Vec::new() };
            let found = Spill::decode(b"ps", encode(b"ps", &Spill { files: vec![file] }).unwrap());
            assert_eq!(found.is_ok(), right, "{found:?}");
        }
    }

    #[test]
    fn the_longest_spill_fits_into_a_record() {
        let run = Freed { block: u64::MAX, count: u64::MAX, version: u64::MAX };
        let file = |runs: usize| SpilledFile { ino: u64::MAX, base: u64::MAX, new: vec![run; runs / 2], old: vec![run; runs - runs / 2] };
        for files in [vec![file(Spill::MOST_PARTS - 1)], vec![file(1); Spill::MOST_PARTS / 2], vec![file(0); Spill::MOST_PARTS]] {
            let spill = Spill { files };
            assert_eq!(spill.parts(), Spill::MOST_PARTS);
            assert!(encode(b"ps", &spill).unwrap().len() <= crate::store::MAX_RECORD_LEN);
        }
    }
}

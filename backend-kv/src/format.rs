//! What is stored: keys, and how a record is sealed.
//!
//! ARCHITECTURE.md has the format on one page.

use anystorage_api::{Error, ErrorKind, Operation, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::map::NodeId;

/// The formats that this version reads and writes. A location keeps the one that it was created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Blocks have a crc32c, as all other records.
    V1,
    /// Blocks have an XXH64.
    V2,
    /// As V2, and the contents of small files are apart from other blocks.
    V3,
}

impl Format {
    pub(crate) const LATEST: Self = Self::V3;

    /// Of new locations: what earlier versions can read, if that is enough.
    pub(crate) const fn of_new(small_contents: usize) -> Self {
        if small_contents == 0 { Self::V2 } else { Self::V3 }
    }

    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }

    pub(crate) fn of(number: u32) -> Option<Self> {
        [Self::V1, Self::V2, Self::V3].into_iter().find(|format| format.number() == number)
    }
}

/// What the superblock begins with.
pub(crate) const MAGIC: &[u8; 12] = b"anystorage\0\0";

/// The key of the superblock.
pub(crate) const SUPERBLOCK: &[u8] = b"s";

/// The key of the mark that the shadow records are published and only have to be moved.
pub(crate) const APPLY: &[u8] = b"pa";

/// The root directory.
pub(crate) const ROOT: u64 = 1;

const CHECKSUM: usize = 4;

/// What a metadata record is about, in the order of the stored keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A name in a directory.
    Entry { directory: u64, name: Box<str> },
    /// A file or a directory.
    Inode(u64),
    /// A part of a file's block map.
    Node(NodeId),
    /// A removed file whose blocks are still to be deleted.
    Orphan(u64),
}

impl Key {
    pub(crate) fn entry(directory: u64, name: &str) -> Self {
        Self::Entry { directory, name: name.into() }
    }

    /// The key under which the record is stored when it is published.
    pub(crate) fn published(&self) -> Vec<u8> {
        self.behind(&[])
    }

    /// The key under which a change of the record waits for its sync.
    pub(crate) fn shadow(&self) -> Vec<u8> {
        self.behind(b"pw")
    }

    fn behind(&self, prefix: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(prefix.len() + 20);
        key.extend_from_slice(prefix);
        match self {
            Self::Entry { directory, name } => {
                key.push(b'e');
                key.extend_from_slice(&directory.to_be_bytes());
                key.extend_from_slice(name.as_bytes());
            }
            Self::Inode(ino) => {
                key.push(b'i');
                key.extend_from_slice(&ino.to_be_bytes());
            }
            Self::Node(node) => {
                key.push(b'n');
                key.extend_from_slice(&node.ino.to_be_bytes());
                key.push(node.level);
                key.extend_from_slice(&node.index.to_be_bytes());
            }
            Self::Orphan(ino) => {
                key.extend_from_slice(b"po");
                key.extend_from_slice(&ino.to_be_bytes());
            }
        }
        key
    }

    /// From a stored key, without the prefix of the shadows.
    pub(crate) fn parse(key: &[u8]) -> Option<Self> {
        match key {
            [b'e', rest @ ..] => {
                let (directory, name) = integer(rest)?;
                Some(Self::Entry { directory, name: str::from_utf8(name).ok().filter(|name| !name.is_empty())?.into() })
            }
            [b'i', rest @ ..] => match integer(rest)? {
                (ino, []) => Some(Self::Inode(ino)),
                _ => None,
            },
            [b'n', rest @ ..] => {
                let (ino, rest) = integer(rest)?;
                let (level, rest) = rest.split_first()?;
                match integer(rest)? {
                    (index, []) => Some(Self::Node(NodeId { ino, level: *level, index })),
                    _ => None,
                }
            }
            [b'p', b'o', rest @ ..] => match integer(rest)? {
                (ino, []) => Some(Self::Orphan(ino)),
                _ => None,
            },
            _ => None,
        }
    }

    /// From the key of a shadow.
    pub(crate) fn parse_shadow(key: &[u8]) -> Option<Self> {
        Self::parse(key.strip_prefix(b"pw")?)
    }

    /// From a stored key, which must be one of ours.
    pub(crate) fn of_stored(key: &[u8]) -> Result<Self> {
        Self::parse(key).ok_or_else(|| damaged(key, NO_SENSE))
    }

    /// From the stored key of a shadow, which must be one of ours.
    pub(crate) fn of_shadow(key: &[u8]) -> Result<Self> {
        Self::parse_shadow(key).ok_or_else(|| damaged(key, NO_SENSE))
    }

    /// How many bytes it has beyond those that every key has, in memory.
    pub(crate) fn name_len(&self) -> usize {
        if let Self::Entry { name, .. } = self { name.len() } else { 0 }
    }
}

fn integer(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*first), rest))
}

/// How a key is damaged that cannot be read.
pub(crate) const NO_SENSE: &str = "its key makes no sense";

/// Set in a version, it says that the block is all that a small file has, and kept where those are. Numbers that are given out are below it.
const SMALL: u64 = 1 << 63;

/// The version of the only block of a small file.
pub(crate) const fn small(version: u64) -> u64 {
    version | SMALL
}

/// Whether it is the version of the only block of a small file.
pub(crate) const fn is_small(version: u64) -> bool {
    version & SMALL != 0
}

/// The number that was given out for a version.
pub(crate) const fn number_of(version: u64) -> u64 {
    version & !SMALL
}

/// The keys of the only blocks of small files begin with it.
pub(crate) const SMALL_TAG: u8 = b'c';

/// The key of a block of a file.
pub(crate) fn block_key(ino: u64, block: u64, version: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(25);
    key.push(if is_small(version) { SMALL_TAG } else { b'b' });
    for part in [ino, block, version] {
        key.extend_from_slice(&part.to_be_bytes());
    }
    key
}

/// Inode, number and version of the block that has this key; none if it is no key of a block.
pub(crate) fn block_of(key: &[u8]) -> Option<(u64, u64, u64)> {
    let (tag, rest) = key.split_first()?;
    let (ino, rest) = rest.split_first_chunk::<8>()?;
    let (block, rest) = rest.split_first_chunk::<8>()?;
    let version = u64::from_be_bytes(<[u8; 8]>::try_from(rest).ok()?);
    let right = if is_small(version) { SMALL_TAG } else { b'b' };
    (*tag == right).then(|| (u64::from_be_bytes(*ino), u64::from_be_bytes(*block), version))
}

/// The key of the record of a spill.
pub(crate) fn spill_key(number: u64) -> Vec<u8> {
    tagged(b"ps", number)
}

/// The number in the key of a record of a spill.
pub(crate) fn spill_number(key: &[u8]) -> Option<u64> {
    match integer(key.strip_prefix(b"ps")?)? {
        (number, []) => Some(number),
        _ => None,
    }
}

fn tagged(tag: &[u8], number: u64) -> Vec<u8> {
    let mut key = tag.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The keys that begin with a tag, and all that lies behind a number in it.
pub(crate) type Range = (Vec<u8>, Vec<u8>);

/// All keys that begin with `prefix`, which does not end in 0xff.
pub(crate) fn prefix(prefix: &[u8]) -> Range {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    (prefix.to_vec(), end)
}

/// All keys of this tag and number.
pub(crate) fn numbered(tag: &[u8], number: u64) -> Range {
    let end = number.checked_add(1).map_or_else(|| prefix(tag).1, |next| tagged(tag, next));
    (tagged(tag, number), end)
}

/// Adds the checksum, which binds the payload to its key.
pub(crate) fn seal(key: &[u8], mut payload: Vec<u8>) -> Vec<u8> {
    let sum = checksum(key, &payload);
    payload.extend_from_slice(&sum.to_le_bytes());
    payload
}

/// Checks the checksum and takes it off.
pub(crate) fn unseal(key: &[u8], mut value: Vec<u8>) -> Result<Vec<u8>> {
    let Some((payload, sum)) = value.split_last_chunk::<CHECKSUM>() else { return Err(damaged(key, "it is too short")) };
    if checksum(key, payload) != u32::from_le_bytes(*sum) {
        return Err(damaged(key, "its checksum does not fit"));
    }
    value.truncate(value.len() - CHECKSUM);
    Ok(value)
}

fn checksum(key: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), payload)
}

/// A record as it is stored under `key`.
pub(crate) fn encode<T: Serialize>(key: &[u8], record: &T) -> Result<Vec<u8>> {
    let payload = postcard::to_allocvec(record)
        .map_err(|error| Error::new(ErrorKind::InvalidInput, Operation::Write).with_text("a record cannot be encoded").with_cause(error))?;
    Ok(seal(key, payload))
}

/// The record stored under `key`.
pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], value: Vec<u8>) -> Result<T> {
    let payload = unseal(key, value)?;
    match postcard::take_from_bytes(&payload) {
        Ok((record, [])) => Ok(record),
        Ok(_) => Err(damaged(key, "it is too long")),
        Err(error) => Err(damaged(key, "it makes no sense").with_cause(error)),
    }
}

/// A damaged record.
pub(crate) fn damaged(key: &[u8], how: &str) -> Error {
    let what = match key {
        [b's', ..] => "superblock",
        [b'b' | SMALL_TAG, ..] => "block",
        [b'e', ..] => "entry",
        [b'i', ..] => "inode",
        [b'n', ..] => "node of a block map",
        _ => "pending record",
    };
    let text = format!("the {what} {} is damaged: {how}", hex(key));
    Error::new(ErrorKind::Corrupt, Operation::Read).with_text(text)
}

/// A record that others say is there.
pub(crate) fn missing(key: &[u8]) -> Error {
    damaged(key, "it is missing")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn stored_keys_have_the_order_of_keys_and_lead_back() {
        let mut keys = vec![
            Key::entry(1, "b"),
            Key::entry(1, "ab"),
            Key::entry(256, "a"),
            Key::Inode(3),
            Key::Inode(u64::MAX),
            Key::Node(NodeId { ino: 3, level: 1, index: 0 }),
            Key::Node(NodeId { ino: 3, level: 0, index: 500 }),
            Key::Orphan(2),
        ];
        keys.sort();
        let stored: Vec<Vec<u8>> = keys.iter().map(Key::published).collect();
        assert!(stored.is_sorted());
        for key in &keys {
            assert_eq!(Key::parse(&key.published()).as_ref(), Some(key));
            assert_eq!(Key::parse_shadow(&key.shadow()).as_ref(), Some(key));
        }
    }

    #[test]
    fn a_sealed_record_opens_under_its_own_key_alone() {
        let sealed = seal(b"key", b"payload".to_vec());
        assert_eq!(unseal(b"key", sealed.clone()).unwrap(), b"payload");
        assert_eq!(unseal(b"kez", sealed.clone()).unwrap_err().kind(), ErrorKind::Corrupt);
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(unseal(b"key", flipped).unwrap_err().kind(), ErrorKind::Corrupt);
        }
        assert_eq!(unseal(b"key", Vec::new()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

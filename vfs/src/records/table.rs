//! The table as bytes: a line that names the format, then records, each with its length and its crc32c in front (4 bytes each,
//! little-endian) and in [postcard](https://postcard.jamesmunns.com/wire-format). The first says how many there are.

use anystorage_api::{Error, ErrorKind, Operation, Result};
use serde::{Deserialize, Serialize};

use super::Record;
use crate::path_map::PathMap;

const MAGIC: &[u8] = b"anystorage-vfs attributes, version 1\n";

#[derive(Serialize, Deserialize)]
enum Line<'a> {
    /// How many lines follow.
    Count(u64),
    /// What is known of a path.
    Record(&'a str, Record),
    /// A rename is about to be done: the records are as before it.
    Moving(&'a str, &'a str),
}

pub(super) struct Table {
    pub(super) records: Vec<(String, Record)>,
    pub(super) moving: Option<(String, String)>,
}

pub(super) fn encode(records: &PathMap<Record>, moving: Option<(&str, &str)>) -> Result<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    push(&mut bytes, &Line::Count((records.len() + usize::from(moving.is_some())) as u64))?;
    if let Some((from, to)) = moving {
        push(&mut bytes, &Line::Moving(from, to))?;
    }
    for (path, record) in records.iter() {
        push(&mut bytes, &Line::Record(path, record.clone()))?;
    }
    Ok(bytes)
}

fn push(bytes: &mut Vec<u8>, line: &Line<'_>) -> Result<()> {
    let failed = |cause| Error::new(ErrorKind::InvalidInput, Operation::SetAttributes).with_cause(cause);
    let payload = postcard::to_allocvec(line).map_err(failed)?;
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&payload).to_le_bytes());
    bytes.extend_from_slice(&payload);
    Ok(())
}

pub(super) fn decode(bytes: &[u8]) -> Result<Table> {
    let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as a table of attributes does"))?;
    let Line::Count(count) = next(&mut rest)? else { return Err(damaged("its first record is not the number of records")) };
    let mut table = Table { records: Vec::new(), moving: None };
    for _ in 0..count {
        match next(&mut rest)? {
            Line::Record(path, record) => table.records.push((path.to_owned(), record)),
            Line::Moving(from, to) => table.moving = Some((from.to_owned(), to.to_owned())),
            Line::Count(_) => return Err(damaged("it says twice how many records it has")),
        }
    }
    if rest.is_empty() { Ok(table) } else { Err(damaged("there is more in it than it says")) }
}

fn next<'a>(rest: &mut &'a [u8]) -> Result<Line<'a>> {
    let cut = || damaged("it ends in the middle of a record");
    let mut number = || -> Result<u32> {
        let (bytes, behind) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        *rest = behind;
        Ok(u32::from_le_bytes(*bytes))
    };
    let (len, checksum) = (number()?, number()?);
    let (payload, behind) = rest.split_at_checked(len as usize).ok_or_else(cut)?;
    *rest = behind;
    if crc32c::crc32c(payload) != checksum {
        return Err(damaged("a record does not have its checksum"));
    }
    postcard::from_bytes(payload).map_err(|cause| damaged("a record is of another form").with_cause(cause))
}

fn damaged(why: &str) -> Error {
    let text =
        format!("the attributes in {:?}: {why}; nothing was changed, and without that file all files have the default ones", super::TABLE);
    Error::new(ErrorKind::Corrupt, Operation::Read).with_text(text)
}

#[cfg(test)]
mod tests {
    use anystorage_api::StoragePath;

    use super::*;
    use crate::records::Special;

    fn sample() -> PathMap<Record> {
        let mut records = PathMap::default();
        records.insert(&StoragePath::root(), Record { mode: Some(0o1777), ..Record::default() });
        let link = Record { special: Some(Special::Link("../a".to_owned())), uid: Some(7), ..Record::default() };
        records.insert(&StoragePath::parse("dir/link").unwrap(), link);
        records
    }

    /// The bytes of version 1, made by hand: what was stored by it must be read for ever.
    const VERSION_1: [&[u8]; 4] = [
        b"anystorage-vfs attributes, version 1\n",
        b"\x02\x00\x00\x00%\x07Z\x10\x00\x02",
        b"\x0b\x00\x00\x00]\x17n\xcb\x01\x00\x01\xff\x07\x00\x00\x00\x00\x00\x00",
        b"\x18\x00\x00\x00\xdc\x13Dt\x01\x08dir/link\x00\x01\x07\x00\x00\x00\x00\x01\x00\x04../a",
    ];

    #[test]
    fn version_1_is_read_and_written_byte_by_byte() {
        assert_eq!(encode(&sample(), None).unwrap(), VERSION_1.concat());
        assert_eq!(decode(&VERSION_1.concat()).unwrap().records.len(), 2);
    }

    #[test]
    fn a_table_comes_back_as_it_was() {
        let bytes = encode(&sample(), Some(("dir", "other"))).unwrap();
        let table = decode(&bytes).unwrap();
        let expected: Vec<_> = sample().iter().map(|(path, record)| (path.clone(), record.clone())).collect();
        assert_eq!(table.records, expected);
        assert_eq!(table.moving, Some(("dir".to_owned(), "other".to_owned())));
    }

    #[test]
    fn no_damaged_byte_and_no_cut_is_taken_for_attributes() {
        let bytes = encode(&sample(), None).unwrap();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert_eq!(decode(&bad).err().map(|error| error.kind()), Some(ErrorKind::Corrupt), "byte {at}");
            assert_eq!(decode(&bytes[..at]).err().map(|error| error.kind()), Some(ErrorKind::Corrupt), "cut at {at}");
        }
    }
}

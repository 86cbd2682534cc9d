//! The name table as bytes.

use std::collections::BTreeSet;

use anystorage_api::StoragePath;

use crate::names::{Entry, Names};

/// What is stored of a location, beside the bytes of its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// Which file each path leads to.
    pub(crate) names: Names,
    /// The files that no name leads to and that are kept nevertheless.
    pub(crate) set_aside: BTreeSet<u32>,
}

/// What stands for a directory where files have their number, plus one.
const DIRECTORY: u32 = 0;

impl Table {
    /// The bytes of one that is empty: two counts.
    pub(crate) const EMPTY: usize = 8;

    /// The numbers of all files that it knows.
    pub(crate) fn numbers(&self) -> BTreeSet<u32> {
        self.names.numbers().chain(self.set_aside.iter().copied()).collect()
    }

    /// Each path is what it shares with the one before it, and the rest.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        count(&mut bytes, self.names.len());
        let mut before = "";
        for (path, entry) in self.names.iter() {
            let shared = path.bytes().zip(before.bytes()).take_while(|(one, other)| one == other).count();
            let rest = path.as_bytes().get(shared..).unwrap_or_default();
            // A path has at most 4,096 bytes.
            bytes.extend_from_slice(&u16::try_from(shared).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend_from_slice(&u16::try_from(rest.len()).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend_from_slice(rest);
            let number = match entry {
                Entry::Directory => DIRECTORY,
                Entry::File(number) => number.saturating_add(1),
            };
            bytes.extend_from_slice(&number.to_le_bytes());
            before = path;
        }
        count(&mut bytes, self.set_aside.len());
        for number in &self.set_aside {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// None for what no location can have: paths that are none, or lead through what is no directory; a file under two names.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut table = Self::default();
        let mut seen = BTreeSet::new();
        let mut before: Vec<u8> = Vec::new();
        for _ in 0..u32::from_le_bytes(take(&mut rest)?) {
            let shared = usize::from(u16::from_le_bytes(take(&mut rest)?));
            let len = usize::from(u16::from_le_bytes(take(&mut rest)?));
            let (tail, behind) = rest.split_at_checked(len)?;
            rest = behind;
            let path = [before.get(..shared)?, tail].concat();
            let parsed = StoragePath::parse(std::str::from_utf8(&path).ok()?).ok().filter(|path| !path.is_root())?;
            let entry = match u32::from_le_bytes(take(&mut rest)?) {
                DIRECTORY => Entry::Directory,
                number => Entry::File(number - 1),
            };
            let is_sound = parsed.parent().is_some_and(|parent| table.names.at(&parent) == Some(Entry::Directory));
            let is_single = match entry {
                Entry::Directory => true,
                Entry::File(number) => seen.insert(number),
            };
            if !is_sound || !is_single || table.names.insert(&parsed, entry).is_some() {
                return None;
            }
            before = path;
        }
        for _ in 0..u32::from_le_bytes(take(&mut rest)?) {
            let number = u32::from_le_bytes(take(&mut rest)?);
            if !seen.insert(number) {
                return None;
            }
            table.set_aside.insert(number);
        }
        rest.is_empty().then_some(table)
    }
}

fn count(bytes: &mut Vec<u8>, len: usize) {
    // An area holds fewer.
    bytes.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*taken)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn table(entries: &[(&str, Entry)], set_aside: &[u32]) -> Table {
        let mut table = Table { set_aside: set_aside.iter().copied().collect(), ..Table::default() };
        for (path, entry) in entries {
            table.names.insert(&StoragePath::parse(path).unwrap(), *entry);
        }
        table
    }

    #[test]
    fn a_table_comes_back_as_it_was() {
        let long = format!("d/{}", "x".repeat(255));
        let full = table(
            &[
                ("d", Entry::Directory),
                ("d-", Entry::File(7)),
                ("d/é", Entry::File(0)),
                ("d/éa", Entry::Directory),
                (&long, Entry::File(3)),
            ],
            &[9, 11],
        );
        for table in [Table::default(), full.clone()] {
            assert_eq!(Table::decode(&table.encode()), Some(table));
        }
        let bytes = full.encode();
        for end in 0..bytes.len() {
            assert_eq!(Table::decode(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(full.numbers().into_iter().collect::<Vec<_>>(), [0, 3, 7, 9, 11]);
    }

    #[test]
    fn what_no_location_can_have_is_refused() {
        let refused = [
            ("a name without its directory", table(&[("d/a", Entry::File(0))], &[])),
            ("a name below a file", table(&[("d", Entry::File(1)), ("d/a", Entry::File(0))], &[])),
            ("a file under two names", table(&[("a", Entry::File(0)), ("b", Entry::File(0))], &[])),
            ("a file that is set aside, and has a name", table(&[("a", Entry::File(0))], &[0])),
        ];
        for (what, table) in refused {
            assert_eq!(Table::decode(&table.encode()), None, "{what}");
        }
    }
}

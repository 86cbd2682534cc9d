//! The two places of the stored name table.
//!
//! A table is stored into one of them and flushed; then, without a flush, into the other one as well. The next table goes to the place that
//! the flush has not covered. So one of the two is whole at any time, whatever becomes of a write; and where nothing was cut off, they are the
//! same, and damage of one of them costs nothing.

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::raw::RawFile;
use crate::table::Table;

/// What each of them takes, in bytes. All of it is written when the location is created, with as much behind both, so that a table is never
/// refused for want of space, nor what has to be set aside for it.
pub(crate) const AREA: u64 = 64 << 10;

const MAGIC: [u8; 15] = *b"anystorage pool";
const VERSION: u8 = 1;
/// Magic, version, number, and the length of what follows.
const HEAD: usize = 15 + 1 + 8 + 4;
const SUM: usize = 4;

/// One of the two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    First,
    Second,
}

impl Place {
    const fn offset(self) -> u64 {
        match self {
            Self::First => 0,
            Self::Second => AREA,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What was found at a place.
#[derive(Debug)]
enum Slot {
    Whole {
        number: u64,
        table: Table,
    },
    /// Bytes that are no table, or not a whole one; none if nothing was written there.
    Bad(Vec<u8>),
}

/// The stored table of an open location.
#[derive(Debug)]
pub(crate) struct Slots<F> {
    file: F,
    /// That of the newest table.
    number: u64,
    /// Where the next one goes.
    next: Place,
    /// What was found in place of a table, until it lies behind both places.
    aside: Vec<u8>,
}

/// What opening found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) table: Table,
    /// Whether one of the two places has no whole table.
    pub(crate) is_damaged: bool,
    /// Whether the other place has another table, or none.
    pub(crate) is_alone: bool,
}

impl<F: RawFile> Slots<F> {
    /// Reads the newest whole table. A location without files that has none is one that was about to be created, and is.
    pub(crate) fn open(file: F, has_files: bool) -> Result<(Self, Found)> {
        let first = slot(&file, Place::First)?;
        let second = slot(&file, Place::Second)?;
        let is_alone = !matches!((&first, &second), (Slot::Whole { number, .. }, Slot::Whole { number: other, .. }) if number == other);
        let (found, bad) = match (first, second) {
            (Slot::Whole { number: older, .. }, Slot::Whole { number, table }) if older < number => ((number, table, Place::First), None),
            (Slot::Whole { number, table }, Slot::Whole { .. }) => ((number, table, Place::Second), None),
            (Slot::Whole { number, table }, Slot::Bad(bytes)) => ((number, table, Place::Second), Some(bytes)),
            (Slot::Bad(bytes), Slot::Whole { number, table }) => ((number, table, Place::First), Some(bytes)),
            (Slot::Bad(first), Slot::Bad(second)) if !has_files && is_begun(&first) && is_begun(&second) => return Self::create(file),
            (Slot::Bad(_), Slot::Bad(_)) => {
                let text = "both places of the name table are damaged: which names its files had is lost; their bytes are as they were";
                return Err(Error::new(ErrorKind::Corrupt, Operation::OpenLocation).with_text(text));
            }
        };
        let (number, table, next) = found;
        if bad.as_deref().is_some_and(is_begun) && !has_files && table == Table::default() {
            return Self::create(file);
        }
        let is_damaged = bad.is_some();
        let slots = Self { file, number, next, aside: bad.unwrap_or_default() };
        // It may be that its writer was killed before it was flushed, and files that it does not name are about to be used anew.
        slots.file.flush()?;
        Ok((slots, Found { table, is_damaged, is_alone }))
    }

    fn create(file: F) -> Result<(Self, Found)> {
        file.write(0, &vec![0; 3 * area()])?;
        let mut slots = Self { file, number: 0, next: Place::First, aside: Vec::new() };
        let table = Table::default();
        slots.write(&table)?;
        slots.flush(&table)?;
        slots.file.flush()?;
        Ok((slots, Found { table, is_damaged: false, is_alone: false }))
    }

    /// Makes a copy of what was found in place of a table last, behind both places.
    ///
    /// # Errors
    /// [`NoSpace`](ErrorKind::NoSpace), which leaves all as it is; what the host reports.
    pub(crate) fn put_aside(&mut self) -> Result<()> {
        if self.aside.is_empty() {
            return Ok(());
        }
        let mut behind = vec![0; area()];
        let read = self.file.read(2 * AREA, &mut behind)?;
        let is_free = read == area() && behind.iter().all(|byte| *byte == 0);
        let at = if is_free { 2 * AREA } else { self.file.len()?.max(3 * AREA) };
        self.file.write(at, &self.aside)?;
        self.file.flush()?;
        self.aside = Vec::new();
        Ok(())
    }

    /// Writes a table. It counts when it is flushed.
    ///
    /// # Errors
    /// [`NoSpace`](ErrorKind::NoSpace) if it is too large; what the host reports. The one before it counts then.
    pub(crate) fn write(&mut self, table: &Table) -> Result<()> {
        let bytes = self.encode(table)?;
        self.file.write(self.next.offset(), &bytes)
    }

    /// Flushes what was written last, and writes it to the other place, too.
    ///
    /// # Errors
    /// What the host reports. Which table counts is unknown then.
    pub(crate) fn flush(&mut self, table: &Table) -> Result<()> {
        self.file.flush()?;
        let copy = self.encode(table)?;
        self.number += 1;
        self.next = self.next.other();
        if let Err(error) = self.file.write(self.next.offset(), &copy) {
            log::warn!("the second copy of the name table was not written, which the next one makes up for: {error}");
        }
        Ok(())
    }

    /// Makes the copy last.
    pub(crate) fn settle(&self) -> Result<()> {
        self.file.flush()
    }

    /// With the number behind that of the newest one.
    fn encode(&self, table: &Table) -> Result<Vec<u8>> {
        let payload = table.encode();
        let number = self.number.saturating_add(1);
        let mut bytes = Vec::with_capacity(HEAD + payload.len() + SUM);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&payload);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        if bytes.len() > area() {
            let text =
                format!("the names take {} bytes, and the name table of a pool has {AREA}: remove some, or give shorter ones", bytes.len());
            return Err(Error::new(ErrorKind::NoSpace, Operation::Sync).with_text(text));
        }
        Ok(bytes)
    }
}

/// Whether bytes are no more than what the creation of a location may leave, of which the first table is empty.
fn is_begun(bytes: &[u8]) -> bool {
    bytes.len() <= HEAD + Table::EMPTY + SUM
}

#[expect(clippy::cast_possible_truncation, reason = "it is small")]
const fn area() -> usize {
    AREA as usize
}

fn slot<F: RawFile>(file: &F, place: Place) -> Result<Slot> {
    let mut bytes = vec![0; area()];
    let read = file.read(place.offset(), &mut bytes)?;
    bytes.truncate(read);
    match decode(&bytes)? {
        Some((number, table)) => Ok(Slot::Whole { number, table }),
        None => {
            let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(len);
            Ok(Slot::Bad(bytes))
        }
    }
}

/// None for what is no whole table.
fn decode(area: &[u8]) -> Result<Option<(u64, Table)>> {
    let Some((version, number, payload)) = framed(area) else { return Ok(None) };
    if version != VERSION {
        let text = format!("its name table has the format {version}, and this version knows {VERSION}: open it with a later version");
        return Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text));
    }
    Ok(Table::decode(payload).filter(|_| number < u64::MAX).map(|table| (number, table)))
}

/// Version, number and payload; none if the checksum is another one.
fn framed(area: &[u8]) -> Option<(u8, u64, &[u8])> {
    let rest = area.strip_prefix(&MAGIC)?;
    let (version, rest) = rest.split_first()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
    let (payload, rest) = rest.split_at_checked(len)?;
    let (sum, _) = rest.split_first_chunk::<SUM>()?;
    let is_whole = crc32c::crc32c(area.get(..HEAD + len)?) == u32::from_le_bytes(*sum);
    is_whole.then_some((*version, u64::from_le_bytes(*number), payload))
}

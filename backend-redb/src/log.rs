//! The log beside the database: durable commits that redb has not made durable so far. One flush makes a record of it last.
//!
//! Records follow each other from the begin of the log, each at the next multiple of [`SECTOR`]. Every commit that redb makes durable holds all
//! that was logged, and gives the log a new number, which the database keeps; records of another number count no more. So the log is
//! never emptied, and a crash leaves it as good as it was.

use std::io;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_kv::Batch;
use twox_hash::XxHash64;

use crate::medium::Medium;

/// Where a record may begin: what a disk writes whole, in bytes. So no write touches a record that was flushed before.
const SECTOR: usize = 512;

/// Checksum, length of what follows the head, number of the log, number of the record in it.
const HEAD: usize = 8 + 4 + 8 + 8;

/// In place of the length of a value: the key is removed.
const REMOVED: u32 = u32::MAX;

/// How far the log was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Log {
    /// How long it may become, in bytes; 0 where there is none.
    room: usize,
    number: u64,
    records: u64,
    /// Where the next record begins.
    end: usize,
}

impl Log {
    /// Of a database that is new.
    pub(crate) fn new(medium: &Medium) -> Self {
        Self { room: usize::try_from(medium.log_len()).unwrap_or(usize::MAX), ..Self::default() }
    }

    /// Of a database that keeps this `number`, with the changes that it has not got yet, in their order.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if `number` is missing or damaged, or a record that another one follows: none is written before
    /// those in front of it last.
    pub(crate) fn read(medium: &Medium, number: Option<&[u8]>) -> Result<(Self, Batch)> {
        let mut log = Self::new(medium);
        let mut logged = Batch::new();
        if log.room == 0 {
            return Ok((log, logged));
        }
        log.number = number.and_then(number_of).ok_or_else(|| damaged("its number is missing or damaged"))?;
        let mut bytes = vec![0; log.room];
        medium.read_log(&mut bytes).map_err(|error| Error::from_io(error, Operation::OpenLocation))?;
        while let Some((record, changes)) = bytes.get(log.end..).and_then(|rest| decode(rest, log.number)) {
            if record != log.records {
                break;
            }
            for (key, value) in changes.batch {
                logged.push(key, value);
            }
            log.append(changes.len);
        }
        let behind = (log.end..log.room).step_by(SECTOR).filter_map(|at| decode(bytes.get(at..)?, log.number));
        if behind.map(|(record, _)| record).any(|record| record >= log.records) {
            return Err(damaged("one of its records is damaged"));
        }
        Ok((log, logged))
    }

    /// What the database is to keep with its next durable commit; none where there is no log.
    pub(crate) fn next_number(&self) -> Option<[u8; 16]> {
        let number = self.number.checked_add(1).filter(|_| self.room > 0)?;
        let [a, b] = [number, XxHash64::oneshot(0, &number.to_le_bytes())].map(u64::to_le_bytes);
        let mut value = [0; 16];
        for (to, from) in value.iter_mut().zip(a.into_iter().chain(b)) {
            *to = from;
        }
        Some(value)
    }

    /// The database has made a durable commit, with the next number.
    pub(crate) fn begin(&mut self) {
        *self = Self { room: self.room, number: self.number.saturating_add(1), ..Self::default() };
    }

    /// Whether a database that keeps this `number` has not got what was logged; none where there is no log.
    pub(crate) fn is_ahead_of(&self, number: Option<&[u8]>) -> Option<bool> {
        (self.room > 0).then(|| number.and_then(number_of) == Some(self.number))
    }

    /// Whether it holds what redb's file does not.
    pub(crate) const fn has_records(&self) -> bool {
        self.records > 0
    }

    /// The next record, where it goes; none if there is no room for it.
    pub(crate) fn record(&self, batch: &Batch) -> Option<Vec<u8>> {
        let len = HEAD + 8 * batch.len() + batch.bytes();
        if len > self.room.saturating_sub(self.end) {
            return None;
        }
        let mut record = Vec::with_capacity(len);
        record.extend_from_slice(&[0; 8]);
        record.extend_from_slice(&u32::try_from(len - HEAD).ok()?.to_le_bytes());
        record.extend_from_slice(&self.number.to_le_bytes());
        record.extend_from_slice(&self.records.to_le_bytes());
        for (key, value) in batch.iter() {
            record.extend_from_slice(&u32::try_from(key.len()).ok()?.to_le_bytes());
            let len = value.map_or(Some(REMOVED), |value| u32::try_from(value.len()).ok().filter(|len| *len != REMOVED))?;
            record.extend_from_slice(&len.to_le_bytes());
            record.extend_from_slice(key);
            record.extend_from_slice(value.unwrap_or_default());
        }
        let (sum, rest) = record.split_first_chunk_mut::<8>()?;
        *sum = XxHash64::oneshot(0, rest).to_le_bytes();
        Some(record)
    }

    /// Writes the record that [`record`](Self::record) has given, and makes it last.
    pub(crate) fn write(&mut self, medium: &Medium, record: &[u8]) -> std::result::Result<(), Unwritten> {
        let at = u64::try_from(self.end).unwrap_or(u64::MAX);
        medium.write_log(at, record).map_err(Unwritten::Write)?;
        medium.flush_log().map_err(Unwritten::Flush)?;
        self.append(record.len());
        Ok(())
    }

    const fn append(&mut self, len: usize) {
        self.records += 1;
        self.end += len.next_multiple_of(SECTOR);
    }
}

/// Why a record was not made to last.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// It is not there as a whole.
    Write(io::Error),
    /// Whether it lasts is unknown.
    Flush(io::Error),
}

struct Changes {
    batch: Batch,
    /// Of the record.
    len: usize,
}

/// The number of the record that begins here, and what it holds; none if there is none of this log, or not as a whole.
fn decode(bytes: &[u8], number: u64) -> Option<(u64, Changes)> {
    let head = bytes.get(..HEAD)?;
    let (sum, rest) = head.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (of, rest) = rest.split_first_chunk::<8>()?;
    let (record, _) = rest.split_first_chunk::<8>()?;
    if u64::from_le_bytes(*of) != number {
        return None;
    }
    let len = HEAD.checked_add(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    if XxHash64::oneshot(0, bytes.get(8..len)?) != u64::from_le_bytes(*sum) {
        return None;
    }
    let mut batch = Batch::new();
    let mut rest = bytes.get(HEAD..len)?;
    while !rest.is_empty() {
        let (key, more) = rest.split_first_chunk::<4>()?;
        let (value, more) = more.split_first_chunk::<4>()?;
        let (key, more) = more.split_at_checked(usize::try_from(u32::from_le_bytes(*key)).ok()?)?;
        let value = u32::from_le_bytes(*value);
        if value == REMOVED {
            batch.push(key.to_vec(), None);
            rest = more;
        } else {
            let (value, more) = more.split_at_checked(usize::try_from(value).ok()?)?;
            batch.push(key.to_vec(), Some(value.to_vec()));
            rest = more;
        }
    }
    Some((u64::from_le_bytes(*record), Changes { batch, len }))
}

fn number_of(value: &[u8]) -> Option<u64> {
    let (number, sum) = value.split_first_chunk::<8>()?;
    (XxHash64::oneshot(0, number).to_le_bytes() == sum).then_some(u64::from_le_bytes(*number))
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, Operation::OpenLocation)
        .with_text(format!("the log of the location is damaged: {what}; restore a backup"))
}

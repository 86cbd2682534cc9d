//! A file whose writes are few and long, where each call costs much, however short it is.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::file::StoreFile;
use crate::numbers::{to_u64, to_usize};

/// How much waits at most, in bytes, unless told otherwise.
pub(crate) const MOST: usize = 4 << 20;

/// How much is written by one call at most, in bytes, of what lies side by side.
const AT_ONCE: usize = 1 << 20;

/// A file over one in which writes within its length wait: for the next flush, or until there are many. Then those that lie side by side are one,
/// and all go in the order of their places. What is read is what was written.
///
/// redb writes each page by a call of its own, and not in their order. What lengthens the file is not waited for: if a quota has no space, that
/// is told by the write or the new length which needs it. Where a disk is full, holes within the file may have none either: the flush tells.
#[derive(Debug)]
pub(crate) struct Gathered<F> {
    file: F,
    /// How much waits at most, in bytes.
    most: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// None of them overlaps another one.
    pieces: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
    /// How long the file below is.
    there: u64,
}

impl Waiting {
    /// Puts bytes over those that wait.
    fn put(&mut self, offset: u64, data: &[u8]) {
        let end = end_of(offset, data);
        while let Some((start, piece)) = self.pieces.range_mut(..end).next_back().filter(|(start, piece)| end_of(**start, piece) > offset) {
            let start = *start;
            if let Some(part) = within(piece, start, offset, end) {
                return part.copy_from_slice(data);
            }
            let Some(mut old) = self.pieces.remove(&start) else { break };
            self.bytes = self.bytes.saturating_sub(old.len());
            if end < end_of(start, &old) {
                self.insert(end, old.split_off(to_usize(end - start)));
            }
            if start < offset {
                old.truncate(to_usize(offset - start));
                self.insert(start, old);
            }
        }
        self.insert(offset, data.to_vec());
    }

    fn insert(&mut self, offset: u64, piece: Vec<u8>) {
        self.bytes += piece.len();
        self.pieces.insert(offset, piece);
    }

    /// Those of which `offset..end` has a part.
    fn between(&self, offset: u64, end: u64) -> impl Iterator<Item = (u64, &Vec<u8>)> {
        let pieces = self.pieces.range(..end).rev().map(|(start, piece)| (*start, piece));
        pieces.take_while(move |(start, piece)| end_of(*start, piece) > offset)
    }

    /// Forgets what lies from `len` on.
    fn cut(&mut self, len: u64) {
        let behind = self.pieces.split_off(&len);
        self.bytes = behind.values().fold(self.bytes, |bytes, piece| bytes.saturating_sub(piece.len()));
        if let Some((start, piece)) = self.pieces.range_mut(..len).next_back() {
            let before = piece.len();
            piece.truncate(to_usize(len - start));
            self.bytes = self.bytes.saturating_sub(before - piece.len());
        }
    }
}

impl<F: StoreFile> Gathered<F> {
    /// # Errors
    /// What the file reports.
    pub(crate) fn over(file: F, most: usize) -> io::Result<Self> {
        let there = file.len()?;
        Ok(Self { file, most, waiting: Mutex::new(Waiting { there, ..Waiting::default() }) })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes at once, what waits there too.
    pub(crate) fn write_through(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let mut waiting = self.waiting();
        if waiting.between(offset, end_of(offset, data)).next().is_some() {
            self.write_all(&mut waiting)?;
        }
        self.file.write(offset, data)?;
        waiting.there = waiting.there.max(end_of(offset, data));
        Ok(())
    }

    /// Writes what waits. What could not be written goes on waiting.
    fn write_all(&self, waiting: &mut Waiting) -> io::Result<()> {
        while let Some((start, piece)) = waiting.pieces.first_key_value() {
            let (start, mut end) = (*start, end_of(*start, piece));
            let mut joined = Vec::new();
            for (next, more) in waiting.pieces.range(end..) {
                if *next != end || to_usize(end - start) + more.len() > AT_ONCE {
                    break;
                }
                if joined.is_empty() {
                    joined.extend_from_slice(piece);
                }
                joined.extend_from_slice(more);
                end = end_of(*next, more);
            }
            self.file.write(start, if joined.is_empty() { piece } else { &joined })?;
            let rest = waiting.pieces.split_off(&end);
            waiting.pieces = rest;
            waiting.bytes = waiting.bytes.saturating_sub(to_usize(end - start));
        }
        Ok(())
    }
}

impl<F: StoreFile> StoreFile for Gathered<F> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.waiting().there)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let waiting = self.waiting();
        let end = end_of(offset, out);
        let mut pieces = waiting.between(offset, end).peekable();
        match pieces.peek() {
            Some((start, piece)) if *start <= offset && end_of(*start, piece) >= end => {}
            _ => self.file.read(offset, out)?,
        }
        for (start, piece) in pieces {
            let (from, to) = (start.max(offset), end_of(start, piece).min(end));
            let read = out.get_mut(to_usize(from - offset)..to_usize(to - offset));
            let held = piece.get(to_usize(from - start)..to_usize(to - start));
            if let (Some(read), Some(held)) = (read, held) {
                read.copy_from_slice(held);
            }
        }
        Ok(())
    }

    fn place_of(&self, offset: u64, len: u64) -> Option<u64> {
        self.file.place_of(offset, len)
    }

    fn read_place(&self, place: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_place(place, out)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let mut waiting = self.waiting();
        let end = end_of(offset, data);
        if end > waiting.there {
            self.write_all(&mut waiting)?;
            self.file.write(offset, data)?;
            waiting.there = end;
            return Ok(());
        }
        if waiting.bytes + data.len() > self.most {
            // Before it: of a write that fails nothing waits.
            self.write_all(&mut waiting)?;
        }
        waiting.put(offset, data);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut waiting = self.waiting();
        self.file.set_len(len)?;
        waiting.there = len;
        waiting.cut(len);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.write_out()?;
        self.file.flush()
    }

    fn occupied(&self) -> io::Result<u64> {
        self.file.occupied()
    }

    fn free(&self) -> io::Result<u64> {
        self.file.free()
    }

    fn write_out(&self) -> io::Result<()> {
        self.write_all(&mut self.waiting())
    }

    fn forget(&self) {
        self.waiting().cut(0);
    }

    fn give_free(&self) {
        // What has to last was flushed.
        self.forget();
        self.file.give_free();
    }
}

fn end_of(offset: u64, data: &[u8]) -> u64 {
    offset.saturating_add(to_u64(data.len()))
}

/// The part of a piece that is `offset..end`, if it has all of that.
fn within(piece: &mut [u8], start: u64, offset: u64, end: u64) -> Option<&mut [u8]> {
    piece.get_mut(to_usize(offset.checked_sub(start)?)..to_usize(end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const KIB: usize = 1024;

    /// Bytes with a quota, and what was written to them by one call each.
    #[derive(Clone, Debug)]
    struct Bytes {
        bytes: Arc<Mutex<Vec<u8>>>,
        written: Arc<Mutex<Vec<(u64, usize)>>>,
        is_broken: Arc<AtomicBool>,
        quota: usize,
    }

    impl Bytes {
        fn new(len: usize, quota: usize) -> Self {
            Self { bytes: Arc::new(Mutex::new(vec![0; len])), written: Arc::default(), is_broken: Arc::default(), quota }
        }

        fn now(&self) -> Vec<u8> {
            self.bytes.lock().unwrap().clone()
        }

        fn written(&self) -> Vec<(u64, usize)> {
            std::mem::take(&mut *self.written.lock().unwrap())
        }
    }

    impl StoreFile for Bytes {
        fn len(&self) -> io::Result<u64> {
            Ok(self.bytes.lock().unwrap().len() as u64)
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            let bytes = self.bytes.lock().unwrap();
            let from = to_usize(offset);
            out.copy_from_slice(bytes.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            if self.is_broken.load(Ordering::Relaxed) {
                return Err(io::Error::other("broken"));
            }
            let end = to_usize(end_of(offset, data));
            if end > self.bytes.lock().unwrap().len() {
                self.set_len(end as u64)?;
            }
            self.written.lock().unwrap().push((offset, data.len()));
            self.bytes.lock().unwrap()[to_usize(offset)..end].copy_from_slice(data);
            Ok(())
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            if to_usize(len) > self.quota {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            self.bytes.lock().unwrap().resize(to_usize(len), 0);
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn pages_in_any_order_are_few_long_writes() {
        let bytes = Bytes::new(512 * KIB, usize::MAX);
        let file = Gathered::over(bytes.clone(), MOST).unwrap();
        // In the steps that redb goes, and two that are elsewhere.
        for number in 0..16 {
            let number = number * 7 % 16;
            file.write((64 + 16 * number as u64) * 1024, &[number; 16 * KIB]).unwrap();
        }
        file.write(400 * 1024, b"a").unwrap();
        file.write(0, b"header").unwrap();
        file.write(0, b"HEADER").unwrap();
        assert_eq!(bytes.written(), []);
        file.flush().unwrap();
        assert_eq!(bytes.written(), [(0, 6), (64 * 1024, 256 * KIB), (400 * 1024, 1)]);
        assert_eq!(&bytes.now()[..6], b"HEADER");
        file.flush().unwrap();
        assert_eq!(bytes.written(), []);
    }

    #[test]
    fn many_do_not_wait() {
        let bytes = Bytes::new(2 * MOST, usize::MAX);
        let file = Gathered::over(bytes.clone(), MOST).unwrap();
        for number in 0..MOST / AT_ONCE {
            file.write((number * AT_ONCE) as u64, &vec![1; AT_ONCE]).unwrap();
        }
        assert_eq!(bytes.written(), []);
        file.write(MOST as u64, &[1]).unwrap();
        assert_eq!(bytes.written().len(), MOST / AT_ONCE);
        assert_eq!(file.waiting().bytes, 1);
    }

    #[test]
    fn what_needs_space_is_not_waited_for() {
        let bytes = Bytes::new(100, 200);
        let file = Gathered::over(bytes.clone(), MOST).unwrap();
        file.write(90, &[1; 10]).unwrap();
        assert_eq!(file.write(95, &[2; 106]).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        assert_eq!(file.set_len(201).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        file.write(95, &[2; 105]).unwrap();
        assert_eq!(bytes.now()[90..], [[1; 5].as_slice(), &[2; 105]].concat());
        assert_eq!(file.len().unwrap(), 200);
        file.give_free();
    }

    #[test]
    fn what_could_not_be_written_goes_on_waiting() {
        let bytes = Bytes::new(100, 100);
        let file = Gathered::over(bytes.clone(), MOST).unwrap();
        file.write(10, &[1; 10]).unwrap();
        bytes.is_broken.store(true, Ordering::Relaxed);
        assert!(file.flush().is_err());
        assert_eq!(bytes.now(), [0; 100]);
        let mut read = [0; 12];
        file.read(9, &mut read).unwrap();
        assert_eq!(read, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
        bytes.is_broken.store(false, Ordering::Relaxed);
        file.flush().unwrap();
        assert_eq!(bytes.now()[10..20], [1; 10]);
    }

    #[test]
    fn of_a_write_that_fails_nothing_waits() {
        let bytes = Bytes::new(100, 100);
        let file = Gathered::over(bytes.clone(), 10).unwrap();
        file.write(0, &[1; 10]).unwrap();
        bytes.is_broken.store(true, Ordering::Relaxed);
        assert!(file.write(50, &[2; 10]).is_err());
        assert!(file.write_through(5, &[3; 10]).is_err());
        bytes.is_broken.store(false, Ordering::Relaxed);
        file.write_through(5, &[4; 10]).unwrap();
        file.flush().unwrap();
        assert_eq!(bytes.now(), [[1; 5].as_slice(), &[4; 10], &[0; 85]].concat());
    }

    #[test]
    fn what_is_forgotten_is_as_it_was() {
        let bytes = Bytes::new(100, 200);
        let file = Gathered::over(bytes.clone(), MOST).unwrap();
        file.write(10, &[1; 10]).unwrap();
        file.flush().unwrap();
        file.write(15, &[2; 10]).unwrap();
        file.write(80, &[3; 10]).unwrap();
        file.forget();
        let mut read = [0; 16];
        file.read(10, &mut read).unwrap();
        assert_eq!(read, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
        file.flush().unwrap();
        assert_eq!((file.len().unwrap(), file.waiting().bytes), (100, 0));
    }

    #[test]
    fn any_calls_are_those_of_the_file_itself() {
        let seed = std::env::var("ANYSTORAGE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64)
        });
        println!("ANYSTORAGE_SEED={seed} repeats this run");
        let mut state = seed | 1;
        let mut below = |most: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % most
        };
        let bytes = Bytes::new(600, 1000);
        let file = Gathered::over(bytes.clone(), 200).unwrap();
        let mut model = vec![0; 600];
        for step in 0..20_000_u32 {
            match below(20) {
                0 => {
                    let len = to_usize(below(1001));
                    file.set_len(len as u64).unwrap();
                    model.resize(len, 0);
                }
                1 => file.flush().unwrap(),
                2 => {
                    bytes.is_broken.store(true, Ordering::Relaxed);
                    let is_all_there = file.waiting().bytes == 0;
                    assert_eq!(file.flush().is_ok(), is_all_there, "step {step}");
                    bytes.is_broken.store(false, Ordering::Relaxed);
                }
                3..8 => {
                    let from = to_usize(below(model.len() as u64 + 1));
                    let mut read = vec![9; to_usize(below((model.len() - from) as u64 + 1))];
                    file.read(from as u64, &mut read).unwrap();
                    assert_eq!(read, model[from..from + read.len()], "step {step}");
                }
                _ => {
                    let from = to_usize(below(950));
                    let data = vec![step.to_le_bytes()[0]; to_usize(below(50))];
                    if below(10) == 0 { file.write_through(from as u64, &data) } else { file.write(from as u64, &data) }.unwrap();
                    if !data.is_empty() {
                        model.resize(model.len().max(from + data.len()), 0);
                        model[from..from + data.len()].copy_from_slice(&data);
                    }
                }
            }
            let waiting = file.waiting();
            assert_eq!(waiting.bytes, waiting.pieces.values().map(Vec::len).sum::<usize>(), "step {step}");
            assert_eq!(waiting.there, model.len() as u64, "step {step}");
        }
        file.flush().unwrap();
        assert_eq!(bytes.now(), model);
    }
}

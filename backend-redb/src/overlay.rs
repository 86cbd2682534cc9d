//! redb over its file, without changing it: what it writes stays in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use crate::guard::lock;
use crate::medium::Medium;
use crate::numbers::{to_u64, to_usize};

const PIECE: u64 = 4096;

/// The file as it is, with the writes of a redb that only looks, or that reads on after the file failed.
#[derive(Debug)]
pub(crate) struct Overlay {
    medium: Arc<Medium>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    len: u64,
    /// What of the file still counts: what was cut off reads as zeros.
    below: u64,
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl Overlay {
    pub(crate) fn over(medium: Arc<Medium>) -> io::Result<Self> {
        let len = medium.len()?;
        let header = medium.header();
        let overlay = Self { medium, state: Mutex::new(State { len, below: len, pieces: BTreeMap::new() }) };
        if let Some(header) = header {
            // After a failed flush the host may forget what it was given.
            overlay.write(0, &header)?;
        }
        Ok(overlay)
    }

    /// What is at `piece`, in the file or in memory.
    fn piece(&self, state: &State, piece: u64) -> io::Result<Vec<u8>> {
        if let Some(bytes) = state.pieces.get(&piece) {
            return Ok(bytes.clone());
        }
        let mut bytes = vec![0; to_usize(PIECE)];
        let there = state.below.saturating_sub(piece * PIECE).min(PIECE);
        if let Some(part) = bytes.get_mut(..to_usize(there)).filter(|part| !part.is_empty()) {
            self.medium.read(piece * PIECE, part)?;
        }
        Ok(bytes)
    }
}

/// The pieces that a range touches: the number of each, where the range begins in it, and how much of the range lies there.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset.saturating_add(to_u64(len));
    (offset / PIECE..end.div_ceil(PIECE)).map(move |piece| {
        let from = offset.max(piece * PIECE);
        let to = end.min((piece + 1) * PIECE);
        (piece, to_usize(from - piece * PIECE), to_usize(to.saturating_sub(from)))
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.state).len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = lock(&self.state);
        if offset.saturating_add(to_u64(out.len())) > state.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = out;
        for (piece, from, len) in pieces(offset, rest.len()) {
            let bytes = self.piece(&state, piece)?;
            let (now, later) = rest.split_at_mut_checked(len).ok_or(io::ErrorKind::UnexpectedEof)?;
            now.copy_from_slice(bytes.get(from..from + len).ok_or(io::ErrorKind::UnexpectedEof)?);
            rest = later;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = lock(&self.state);
        let above = state.pieces.split_off(&len.div_ceil(PIECE));
        drop(above);
        state.below = state.below.min(len);
        state.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = lock(&self.state);
        let mut rest = data;
        for (piece, from, len) in pieces(offset, data.len()) {
            let mut bytes = self.piece(&state, piece)?;
            let (now, later) = rest.split_at_checked(len).ok_or(io::ErrorKind::UnexpectedEof)?;
            bytes.get_mut(from..from + len).ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(now);
            state.pieces.insert(piece, bytes);
            rest = later;
        }
        state.len = state.len.max(offset.saturating_add(to_u64(data.len())));
        Ok(())
    }
}

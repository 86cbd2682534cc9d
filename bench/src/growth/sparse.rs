//! A file of a tebibyte that is nearly all holes.

use std::error::Error;
use std::path::Path;

use anystorage_api::{OpenOptions, StorageFile, StoragePath};
use serde::{Deserialize, Serialize};

use super::content::fill;
use super::counters::peak_memory;
use super::location::open;
use crate::Engine;
use crate::disk::disk_bytes;
use crate::measure::{Outcome, at_once};

const TEBIBYTE: u64 = 1 << 40;

/// Bytes of a piece.
const PIECE: usize = 4096;

/// Where the pieces are: at both ends and in the middle.
const AT: [u64; 3] = [0, TEBIBYTE / 2, TEBIBYTE - PIECE as u64];

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sparse {
    /// Bytes of the file.
    pub(crate) len: u64,
    /// Bytes on the disk of the whole location.
    pub(crate) disk_bytes: u64,
    /// Bytes in use, by the engine's own account; none if it keeps none.
    pub(crate) used_bytes: Option<u64>,
    pub(crate) peak_memory: u64,
}

pub(crate) fn punch(engine: Engine, place: &Path) -> Result<Sparse, Box<dyn Error>> {
    let path = StoragePath::parse("sparse")?;
    let storage = open(engine, place)?;
    let file = at_once(storage.open(&path, &OpenOptions::editing().create_new(true)))?;
    let mut piece = vec![0; PIECE];
    for at in AT {
        fill(at, 0, &mut piece);
        at_once(file.write_at(at, &piece))?;
    }
    let all_there = |file: &dyn StorageFile| -> Outcome {
        let len = at_once(file.stat())?.len;
        if len != TEBIBYTE {
            return Err(format!("it has {len} bytes").into());
        }
        AT.into_iter().try_for_each(|at| expect(file, at, Some(at)))?;
        // Beside the pieces, and far from all.
        let holes = AT.map(|at| if at == 0 { PIECE as u64 } else { at - PIECE as u64 });
        holes.into_iter().chain((1..64).map(|part| part * (TEBIBYTE / 64) + TEBIBYTE / 128)).try_for_each(|at| expect(file, at, None))
    };
    all_there(&*file)?;
    at_once(file.sync())?;
    at_once(file.close())?;
    at_once(storage.close())?;

    let storage = open(engine, place)?;
    let file = at_once(storage.open(&path, &OpenOptions::editing()))?;
    all_there(&*file)?;
    let disk_bytes = disk_bytes(place)?;
    let used_bytes = match storage.capabilities().usage {
        true => at_once(storage.usage())?.used,
        false => None,
    };

    // Through the middle of the piece in the middle, and up again: what was cut off is a hole.
    let [_, middle, end] = AT;
    at_once(file.set_len(middle + PIECE as u64 / 2))?;
    at_once(file.sync())?;
    at_once(file.set_len(TEBIBYTE))?;
    at_once(file.sync())?;
    at_once(file.close())?;
    at_once(storage.close())?;

    let storage = open(engine, place)?;
    let file = at_once(storage.open(&path, &OpenOptions::editing()))?;
    expect(&*file, 0, Some(0))?;
    expect(&*file, end, None)?;
    fill(middle, 0, &mut piece);
    piece.iter_mut().skip(PIECE / 2).for_each(|byte| *byte = 0);
    compare(&*file, middle, &piece)?;
    at_once(file.close())?;
    at_once(storage.remove_file(&path))?;
    at_once(storage.sync())?;
    at_once(storage.close())?;
    Ok(Sparse { len: TEBIBYTE, disk_bytes, used_bytes, peak_memory: peak_memory()? })
}

/// The content of that number, or zeros.
fn expect(file: &dyn StorageFile, at: u64, number: Option<u64>) -> Outcome {
    let mut expected = vec![0; PIECE];
    if let Some(number) = number {
        fill(number, 0, &mut expected);
    }
    compare(file, at, &expected)
}

fn compare(file: &dyn StorageFile, at: u64, expected: &[u8]) -> Outcome {
    let mut found = vec![0xAA; expected.len()];
    let count = at_once(file.read_at(at, &mut found))?;
    if count == expected.len() && found == expected { Ok(()) } else { Err(format!("other bytes at {at} of the sparse file").into()) }
}

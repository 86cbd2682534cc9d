//! The files, and what is in each. `js/files.js` makes the same.

use std::ops::Range;

/// How many small files a directory has.
pub(crate) const DIRECTORY: u32 = 100;

/// In bytes.
const SMALL: usize = 1024;

/// What every file has to hold, one behind the other, the large one last.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) small: u32,
    bytes: Vec<u8>,
}

impl Files {
    /// So many small files of which `changed` were written anew, and a large one of so many bytes, a multiple of four.
    pub(crate) fn new(small: u32, large: u32, changed: u32) -> Self {
        let mut files = Self { small, bytes: Vec::new() };
        for number in 0..small {
            fill(&mut files.bytes, 2 * number, SMALL);
        }
        fill(&mut files.bytes, 2 * small, large as usize);
        files.change(changed);
        files
    }

    /// Other bytes for so many small files, which are returned.
    pub(crate) fn change(&mut self, count: u32) -> Vec<u32> {
        let numbers: Vec<u32> = (0..count.min(self.small)).map(|nth| nth * (self.small / count.max(1))).collect();
        for number in &numbers {
            let mut bytes = Vec::new();
            fill(&mut bytes, 2 * number + 1, SMALL);
            let range = self.range(*number);
            if let Some(old) = self.bytes.get_mut(range) {
                old.copy_from_slice(&bytes);
            }
        }
        numbers
    }

    /// How many bytes all files have.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn range(&self, number: u32) -> Range<usize> {
        let start = number as usize * SMALL;
        start..start + SMALL
    }

    pub(crate) fn large_range(&self) -> Range<usize> {
        self.small as usize * SMALL..self.bytes.len()
    }

    pub(crate) fn small(&self, number: u32) -> &[u8] {
        self.bytes.get(self.range(number)).unwrap_or_default()
    }

    pub(crate) fn large(&self) -> &[u8] {
        self.bytes.get(self.large_range()).unwrap_or_default()
    }

    /// FNV-1a of what was read, which has to be what was written.
    pub(crate) fn check(&self, read: &[u8]) -> Result<u32, String> {
        if let Some(at) = self.bytes.iter().zip(read).position(|(written, read)| written != read) {
            return Err(format!("byte {at} of all that was read is not the one that was written"));
        }
        if read.len() != self.bytes.len() {
            return Err(format!("{} bytes were read, and {} written", read.len(), self.bytes.len()));
        }
        Ok(read.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)))
    }
}

/// Appends bytes that no other number gives.
fn fill(bytes: &mut Vec<u8>, number: u32, len: usize) {
    let mut word = number.wrapping_add(1).wrapping_mul(0x9e37_79b1) | 1;
    for _ in 0..len / 4 {
        word ^= word << 13;
        word ^= word >> 17;
        word ^= word << 5;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
}

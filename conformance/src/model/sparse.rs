//! The bytes of a file as the oracle keeps them: small pages in a map, and nothing where nothing was written.

use std::collections::BTreeMap;

const PAGE: u64 = 512;

/// A file's bytes and length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sparse {
    len: u64,
    /// By number; a page that is missing is zeros, and no byte behind `len` is anything else.
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Sparse {
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// The bytes from `offset` on, at most `len` of them, fewer where the file ends.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        let len = self.len.saturating_sub(offset).min(len as u64) as usize;
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let at = offset + bytes.len() as u64;
            let skip = (at % PAGE) as usize;
            let count = (PAGE as usize - skip).min(len - bytes.len());
            match self.pages.get(&(at / PAGE)) {
                Some(page) => bytes.extend(page.iter().skip(skip).take(count)),
                None => bytes.resize(bytes.len() + count, 0),
            }
        }
        bytes
    }

    /// Whether anything came out different.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) -> bool {
        let mut changed = false;
        let mut at = offset;
        let mut rest = data;
        while !rest.is_empty() {
            let skip = (at % PAGE) as usize;
            let (now, later) = rest.split_at(rest.len().min(PAGE as usize - skip));
            let page = self.pages.entry(at / PAGE).or_insert_with(|| vec![0; PAGE as usize]);
            for (old, new) in page.iter_mut().skip(skip).zip(now) {
                changed |= old != new;
                *old = *new;
            }
            at += now.len() as u64;
            rest = later;
        }
        let end = offset.saturating_add(data.len() as u64);
        if !data.is_empty() && end > self.len {
            self.len = end;
            changed = true;
        }
        changed
    }

    /// Whether anything came out different.
    pub(crate) fn set_len(&mut self, len: u64) -> bool {
        let changed = len != self.len;
        self.len = len;
        self.pages.split_off(&len.div_ceil(PAGE));
        if let Some(last) = self.pages.get_mut(&(len / PAGE)) {
            last.iter_mut().skip((len % PAGE) as usize).for_each(|byte| *byte = 0);
        }
        changed
    }

    /// Ranges that cover every byte that was ever written, and the edges of the holes between them.
    pub(crate) fn ranges(&self) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        let mut add = |start: u64, end: u64| match ranges.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => ranges.push((start, end)),
        };
        for number in self.pages.keys() {
            add((number * PAGE).saturating_sub(64), (number + 1) * PAGE + 64);
        }
        add(self.len.saturating_sub(64), self.len + 64);
        ranges
    }

    /// Equal for equal bytes and length.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        hash.add(&self.len.to_le_bytes());
        for (number, page) in &self.pages {
            if page.iter().any(|byte| *byte != 0) {
                hash.add(&number.to_le_bytes());
                hash.add(page);
            }
        }
        hash.0
    }
}

/// FNV-1a: fast, and the same on every target and in every run.
pub(crate) struct Fnv(pub(crate) u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_is_zero_after_growth() {
        let mut file = Sparse::default();
        assert!(file.write((1 << 33) + 500, &[7; 40]));
        assert!(file.set_len((1 << 33) + 520));
        assert!(file.set_len((1 << 33) + 540));
        let mut expected = vec![7; 20];
        expected.extend([0; 20]);
        assert_eq!(file.read((1 << 33) + 500, 100), expected);
        assert_eq!(file.read(0, 3), [0; 3]);
        assert!(!file.write(10, &[0; 5]) && !file.write(u64::MAX, &[]));
    }
}

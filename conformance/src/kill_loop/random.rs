//! Numbers from a seed: splitmix64.

/// A stream of numbers, the same for the same seed and the same position.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The stream that belongs to `position` of `seed`.
    pub(super) fn new(seed: u64, position: u64) -> Self {
        let mut whole = Self(seed);
        Self(whole.next() ^ position.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of 0 to `end` - 1; 0 for an `end` of 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or_default()
    }

    /// True in `percent` of 100 cases.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of them; none if there are none.
    pub(super) fn one_of<T>(&mut self, mut from: impl ExactSizeIterator<Item = T>) -> Option<T> {
        let at = self.below(from.len() as u64);
        from.nth(usize::try_from(at).ok()?)
    }

    /// `len` bytes: one random block over and over, each time with its number in it. Bytes that strayed from one write, or from one place
    /// in it, to another are told apart, and making them takes next to no time.
    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        const BLOCK: usize = 4096;
        let mut block: Vec<u8> = std::iter::repeat_with(|| self.next().to_le_bytes()).take(BLOCK / 8).flatten().collect();
        let mut bytes = Vec::with_capacity(len + BLOCK);
        let mut number = self.next();
        while bytes.len() < len {
            number = number.wrapping_add(1);
            if let Some(stamp) = block.first_chunk_mut() {
                *stamp = number.to_le_bytes();
            }
            bytes.extend_from_slice(&block);
        }
        bytes.truncate(len);
        bytes
    }
}

//! How much is done.

/// Bytes of a random read or overwrite.
pub(crate) const BLOCK: usize = 4096;

/// Bytes of one step of a stream.
pub(crate) const STEP: usize = 1 << 20;

/// Bytes of a small file.
pub(crate) const SMALL: usize = 1000;

/// Sizes and counts of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Bytes of the large file and of a stream.
    pub(crate) large: usize,
    /// Random reads, overwrites and stats in a round.
    pub(crate) random: usize,
    /// Operations with a sync in a round.
    pub(crate) synced: usize,
    /// Random overwrites in a round that has one sync at its end.
    pub(crate) overwrites: usize,
    /// Small files in a round that has one sync at its end.
    pub(crate) files: usize,
    /// Entries of the directory that is listed.
    pub(crate) listed: usize,
    /// Bytes of a store's memory where the large file is to exceed it.
    pub(crate) cache: usize,
    /// No-op calls in a round.
    pub(crate) calls: usize,
    /// Rounds.
    pub(crate) rounds: usize,
    /// Rounds of operations with a sync: more and shorter ones, for the disk has moods.
    pub(crate) synced_rounds: usize,
    /// Rounds of what takes long.
    pub(crate) stream_rounds: usize,
}

impl Scale {
    pub(crate) const fn full() -> Self {
        Self {
            large: 64 << 20,
            random: 20_000,
            synced: 10,
            overwrites: 2000,
            files: 1000,
            listed: 10_000,
            cache: 16 << 20,
            calls: 1_000_000,
            rounds: 11,
            synced_rounds: 51,
            stream_rounds: 5,
        }
    }

    pub(crate) const fn quick() -> Self {
        Self {
            large: 2 << 20,
            random: 200,
            synced: 2,
            overwrites: 50,
            files: 20,
            listed: 200,
            cache: 512 << 10,
            calls: 1000,
            rounds: 3,
            synced_rounds: 3,
            stream_rounds: 3,
        }
    }

    /// The offsets of the random operations: aligned, in an order without order, the same in every run.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        let blocks = self.large / BLOCK;
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % blocks as u64) as usize * BLOCK
        };
        (0..self.random).map(|_| next()).collect()
    }

    /// The offsets of a stream.
    pub(crate) fn steps(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.large).step_by(STEP)
    }
}

/// Bytes that do not compress into one another.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
}

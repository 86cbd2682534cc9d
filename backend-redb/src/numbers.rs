//! Lengths and places as numbers of a file and of memory.

/// Of a file, in memory: what is too large for memory fits nowhere there.
pub(crate) fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(crate) fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

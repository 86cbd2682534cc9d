//! Bytes that are known from where they are.

/// Fills `buf` with what belongs at `offset` of the content of that number; both are multiples of eight.
pub(crate) fn fill(number: u64, offset: u64, buf: &mut [u8]) {
    for (at, word) in (offset / 8..).zip(buf.chunks_mut(8)) {
        let bytes = mixed(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ at).to_le_bytes();
        word.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    }
}

/// Splitmix64.
pub(crate) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

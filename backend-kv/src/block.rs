//! How a block is stored.

use anystorage_api::Result;
use twox_hash::XxHash64;

use crate::format::{Format, damaged, seal, unseal};

/// The bytes of a checksum since format 2.
const CHECKSUM: usize = 8;

/// What is stored under `key` for the bytes of a block: they, without the zeros at their end, and a checksum.
pub(crate) fn seal_block(format: Format, key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut payload = Vec::with_capacity(used + CHECKSUM);
    payload.extend_from_slice(bytes.get(..used).unwrap_or_default());
    match format {
        Format::V1 => seal(key, payload),
        Format::V2 | Format::V3 => {
            let sum = checksum(key, &payload);
            payload.extend_from_slice(&sum.to_le_bytes());
            payload
        }
    }
}

/// The bytes of a block, of what is stored under `key`.
pub(crate) fn unseal_block(format: Format, key: &[u8], mut value: Vec<u8>) -> Result<Vec<u8>> {
    if format == Format::V1 {
        return unseal(key, value);
    }
    let Some((payload, sum)) = value.split_last_chunk::<CHECKSUM>() else { return Err(damaged(key, "it is too short")) };
    if checksum(key, payload) != u64::from_le_bytes(*sum) {
        return Err(damaged(key, "its checksum does not fit"));
    }
    value.truncate(value.len() - CHECKSUM);
    Ok(value)
}

/// Of 16 KiB a browser takes a crc32c in 8 microseconds or more, for it cannot use the processor's instructions for that, and this in little
/// more than one.
fn checksum(key: &[u8], payload: &[u8]) -> u64 {
    XxHash64::oneshot(XxHash64::oneshot(0, key), payload)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use anystorage_api::ErrorKind;

    use super::*;

    #[test]
    fn a_block_opens_under_its_own_key_in_its_own_format_alone() {
        for (format, other) in [(Format::V1, Format::V2), (Format::V2, Format::V1)] {
            let sealed = seal_block(format, b"key", b"payload\0\0\0");
            assert_eq!(unseal_block(format, b"key", sealed.clone()).unwrap(), b"payload");
            assert_eq!(unseal_block(format, b"kez", sealed.clone()).unwrap_err().kind(), ErrorKind::Corrupt);
            assert_eq!(unseal_block(other, b"key", sealed.clone()).unwrap_err().kind(), ErrorKind::Corrupt);
            for at in 0..sealed.len() {
                let mut flipped = sealed.clone();
                flipped[at] ^= 1;
                assert_eq!(unseal_block(format, b"key", flipped).unwrap_err().kind(), ErrorKind::Corrupt);
                assert_eq!(unseal_block(format, b"key", sealed[..at].to_vec()).unwrap_err().kind(), ErrorKind::Corrupt);
            }
        }
    }
}

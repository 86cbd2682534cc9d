use std::fmt;
use std::str::FromStr;

/// A count of bytes, as URLs write it: `4096`, `64KiB`, `64MiB`, `1GiB`, `2TiB`.
///
/// ```
/// use anystorage::ByteSize;
///
/// assert_eq!("64KiB".parse::<ByteSize>()?.bytes(), 65_536);
/// assert_eq!(ByteSize::new(3 << 20).to_string(), "3MiB");
/// # Ok::<(), anystorage::InvalidByteSize>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];

impl ByteSize {
    /// From a count of bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The count of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// A text that is not a [`ByteSize`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidByteSize {
    text: String,
}

impl fmt::Display for InvalidByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a size: write whole bytes, or KiB, MiB, GiB, TiB (64MiB), below 16 EiB", self.text)
    }
}

impl std::error::Error for InvalidByteSize {}

impl FromStr for ByteSize {
    type Err = InvalidByteSize;

    fn from_str(text: &str) -> Result<Self, InvalidByteSize> {
        let invalid = || InvalidByteSize { text: text.chars().take(40).collect() };
        let (digits, shift) =
            UNITS.iter().find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits, *shift))).unwrap_or((text, 0));
        // `u64::from_str` takes a sign, which a size does not have.
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let count: u64 = digits.parse().map_err(|_| invalid())?;
        count.checked_mul(1 << shift).map(Self).ok_or_else(invalid)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in UNITS {
            if self.0 > 0 && self.0.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_bytes_or_binary_units() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("64KiB", 65_536), ("64MiB", 64 << 20), ("1GiB", 1 << 30), ("2TiB", 2 << 40)] {
            assert_eq!(text.parse::<ByteSize>().map(ByteSize::bytes), Ok(bytes), "{text}");
        }
        for bad in ["", "KiB", "64MB", "64 MiB", "-1", "+1", "1.5GiB", "64mib", "99999999999999999999", "16777216TiB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_back() {
        for bytes in [0, 1, 1023, 1024, 65_536, 3 << 20, (1 << 30) + 1, u64::MAX] {
            assert_eq!(ByteSize::new(bytes).to_string().parse(), Ok(ByteSize::new(bytes)));
        }
    }
}

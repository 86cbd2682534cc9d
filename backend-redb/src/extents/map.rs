//! Where each piece of the file lies, and how that is stored.

/// A piece of the file, in bytes.
pub(super) const EXTENT: u64 = 256 << 10;

/// What the map takes at most, in bytes. There are two of it, at the begin of the file.
pub(super) const AREA: u64 = 256 << 10;

/// The log, which lies behind the two, in bytes.
pub(super) const LOG: u64 = 512 << 10;

/// Where the log begins.
pub(super) const LOG_BEGIN: u64 = 2 * AREA;

const MAGIC: [u8; 15] = *b"anystorage map\0";
/// Magic, layout, number, length, and how many entries follow.
const HEAD: usize = 15 + 1 + 8 + 8 + 4;
const SUM: usize = 4;
/// So many entries fit into an area.
const MOST: usize = (AREA as usize - HEAD - SUM) / 4;

/// The longest file that it can map.
pub(super) const MOST_BYTES: u64 = MOST as u64 * EXTENT;

/// What lies between the maps and the slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Layout {
    /// Nothing: files that were made before there were logs.
    Bare = 1,
    /// The log.
    #[default]
    Logged = 2,
}

impl Layout {
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Bare),
            2 => Some(Self::Logged),
            _ => None,
        }
    }

    /// How long the log is, in bytes.
    pub(super) const fn log_len(self) -> u64 {
        match self {
            Self::Bare => 0,
            Self::Logged => LOG,
        }
    }

    /// Where the first slot begins.
    pub(super) const fn slots(self) -> u64 {
        LOG_BEGIN + self.log_len()
    }

    /// Where a slot begins.
    pub(super) const fn begin_of(self, slot: u32) -> u64 {
        self.slots() + slot as u64 * EXTENT
    }
}

/// Which slot each extent has; none where nothing was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) layout: Layout,
    /// Counts the maps that were stored.
    pub(super) number: u64,
    /// Of the file that is mapped, in bytes.
    pub(super) len: u64,
    pub(super) slots: Vec<Option<u32>>,
}

impl Map {
    pub(super) fn slot(&self, extent: usize) -> Option<u32> {
        self.slots.get(extent).copied().flatten()
    }

    pub(super) fn set(&mut self, extent: usize, slot: Option<u32>) {
        if extent >= self.slots.len() {
            self.slots.resize(extent + 1, None);
        }
        if let Some(entry) = self.slots.get_mut(extent) {
            *entry = slot;
        }
    }

    /// Where it is stored: not where the one before it is.
    pub(super) const fn place(&self) -> u64 {
        if self.number.is_multiple_of(2) { AREA } else { 0 }
    }

    /// Where the one after it goes.
    pub(super) const fn place_of_next(&self) -> u64 {
        AREA - self.place()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + 4 * self.slots.len() + SUM);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(self.layout as u8);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.len.to_le_bytes());
        // Not more than fit into an area.
        bytes.extend_from_slice(&u32::try_from(self.slots.len()).unwrap_or(u32::MAX).to_le_bytes());
        for slot in &self.slots {
            bytes.extend_from_slice(&slot.map_or(0, |slot| slot + 1).to_le_bytes());
        }
        let sum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// None if that is no map, or not a whole one.
    pub(super) fn decode(area: &[u8]) -> Option<Self> {
        let rest = area.strip_prefix(&MAGIC)?;
        let (layout, rest) = rest.split_first()?;
        let layout = Layout::of(*layout)?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (len, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok().filter(|count| *count <= MOST)?;
        let (entries, rest) = rest.split_at_checked(4 * count)?;
        let (sum, _) = rest.split_first_chunk::<SUM>()?;
        if crc32c::crc32c(area.get(..HEAD + 4 * count)?) != u32::from_le_bytes(*sum) {
            return None;
        }
        let slots = entries.as_chunks::<4>().0.iter().map(|entry| u32::from_le_bytes(*entry).checked_sub(1)).collect();
        let map = Self { layout, number: u64::from_le_bytes(*number), len: u64::from_le_bytes(*len), slots };
        (map.number < u64::MAX && map.len <= MOST_BYTES && map.is_sound()).then_some(map)
    }

    /// Whether no two extents have the same slot.
    fn is_sound(&self) -> bool {
        let mut taken: Vec<u32> = self.slots.iter().flatten().copied().collect();
        let all = taken.len();
        taken.sort_unstable();
        taken.dedup();
        taken.len() == all && taken.last().is_none_or(|last| usize::try_from(*last).is_ok_and(|last| last < 2 * MOST))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_map_comes_back_whole_or_not_at_all() {
        let mut map = Map { layout: Layout::Bare, number: 7, len: 3 * EXTENT + 5, slots: Vec::new() };
        map.set(3, Some(0));
        map.set(0, Some(2));
        let bytes = map.encode();
        assert_eq!(Map::decode(&bytes), Some(map.clone()));
        assert_eq!(Map::decode(&[bytes.as_slice(), &[0; 100]].concat()), Some(map.clone()));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert_eq!(Map::decode(&damaged), None, "byte {at}");
            assert_eq!(Map::decode(&bytes[..at]), None, "cut at {at}");
        }
        map.set(1, Some(2));
        assert_eq!(Map::decode(&map.encode()), None, "two extents in one slot");
    }

    #[test]
    fn the_longest_map_fits_into_its_area() {
        let map =
            Map { layout: Layout::Logged, number: 1, len: MOST_BYTES, slots: (0..MOST).map(|slot| u32::try_from(slot).ok()).collect() };
        assert!(map.encode().len() as u64 <= AREA);
        assert_eq!(Map::decode(&map.encode()), Some(map));
    }
}

//! What each file of SQLite's pool begins with, up to where its data begins: 512 bytes of path, with zeros behind it; the flags that SQLite
//! opened it with (4, big-endian); a digest of these 516 bytes (two numbers of 4, little-endian).

/// Where the data begins.
pub(super) const DATA: u64 = 4096;

const PATH: usize = 512;
const DIGESTED: usize = PATH + 4;
/// How many bytes of a header are used.
pub(super) const LEN: usize = DIGESTED + 8;

/// SQLite's flags of `sqlite3_open_v2`.
const READ_WRITE: u32 = 0x2;
const CREATE: u32 = 0x4;
const DELETE_ON_CLOSE: u32 = 0x8;
const MAIN_DB: u32 = 0x100;
const MAIN_JOURNAL: u32 = 0x800;
const SUPER_JOURNAL: u32 = 0x4000;
const WAL: u32 = 0x8_0000;
/// What the pool uses `SQLITE_OPEN_MEMORY` for: that the digest is one. Without it, it is zeros.
const DIGEST: u32 = 0x80;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// No file has it.
    Spare,
    /// As the pool has it: it begins with `/`, and is escaped like the path of a URL.
    Named(String),
    /// It does not check, or is of a file that was not to stay. The pool would make it spare.
    Refused,
}

impl Header {
    pub(super) fn decode(bytes: &[u8; LEN]) -> Self {
        let (digested, digest) = bytes.split_at(DIGESTED);
        let (path, flags) = digested.split_at(PATH);
        let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
        let flags = flags.first_chunk().map_or(0, |flags| u32::from_be_bytes(*flags));
        if path.is_empty() {
            return Self::Spare;
        }
        let stays = flags & (MAIN_DB | MAIN_JOURNAL | SUPER_JOURNAL | WAL) != 0 && flags & DELETE_ON_CLOSE == 0;
        let expected = if flags & DIGEST == 0 { [0; 8] } else { digest_of(digested) };
        match std::str::from_utf8(path) {
            Ok(path) if stays && digest == expected => Self::Named(path.to_owned()),
            _ => Self::Refused,
        }
    }

    /// That of a file with this path; none if it is too long. What it is for is told by its name, as SQLite gives it.
    pub(super) fn encode(path: &str) -> Option<[u8; LEN]> {
        let mut bytes = [0; LEN];
        // One byte stays zero, and the pool asks for one more.
        if path.len() + 1 >= PATH {
            return None;
        }
        let kind = if path.ends_with("-journal") {
            MAIN_JOURNAL
        } else if path.ends_with("-wal") {
            WAL
        } else {
            MAIN_DB
        };
        let flags = READ_WRITE | CREATE | DIGEST | kind;
        bytes.get_mut(..path.len())?.copy_from_slice(path.as_bytes());
        bytes.get_mut(PATH..DIGESTED)?.copy_from_slice(&flags.to_be_bytes());
        let digest = digest_of(bytes.get(..DIGESTED)?);
        bytes.get_mut(DIGESTED..)?.copy_from_slice(&digest);
        Some(bytes)
    }
}

fn digest_of(bytes: &[u8]) -> [u8; 8] {
    let (mut one, mut other) = (0xdead_beef_u32, 0x41c6_ce57_u32);
    for byte in bytes {
        one = (one ^ u32::from(*byte)).wrapping_mul(2_654_435_761);
        other = (other ^ u32::from(*byte)).wrapping_mul(104_729);
    }
    let mut digest = [0; 8];
    let (first, second) = digest.split_at_mut(4);
    first.copy_from_slice(&one.to_le_bytes());
    second.copy_from_slice(&other.to_le_bytes());
    digest
}

//! What the first bytes of a file tell, before redb is asked.

use std::io;

use crate::medium::Medium;

/// The bytes of redb's header: what it says of the file, and its two commit slots.
pub(crate) const HEADER_LEN: usize = 320;

const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
/// One byte behind the magic: which slot is in force, whether the file was left open, whether the last commit was made in two steps.
const FLAGS: usize = 9;
const IN_FORCE: u8 = 1;
const LEFT_OPEN: u8 = 2;
const TWO_STEPS: u8 = 4;
/// The number of the transaction that each slot holds.
const NUMBERS: [usize; 2] = [64 + 104, 192 + 104];

/// No file that redb has just begun is longer.
const BEGUN: u64 = 2 << 20;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// Without bytes, or with what redb had written when its creation was interrupted.
    New,
    /// A redb database.
    Redb,
    /// A redb database whose first bytes are damaged.
    DamagedRedb,
    /// Something else: what, in words.
    Else(&'static str),
    /// Something else.
    Unknown,
}

/// Looks at the first bytes.
pub(crate) fn look(medium: &Medium) -> io::Result<Looks> {
    let len = medium.len()?;
    if len == 0 {
        return Ok(Looks::New);
    }
    let mut head = vec![0; usize::try_from(len).map_or(4096, |len| len.min(4096))];
    medium.read(0, &mut head)?;
    let equal = head.iter().zip(MAGIC).filter(|(seen, magic)| **seen == *magic).count();
    if equal == MAGIC.len() {
        return Ok(Looks::Redb);
    }
    if len <= BEGUN && head.iter().take(MAGIC.len()).all(|byte| *byte == 0) && is_begun(medium, len, &head)? {
        return Ok(Looks::New);
    }
    if equal >= MAGIC.len() - 3 {
        return Ok(Looks::DamagedRedb);
    }
    Ok(known(&head))
}

/// Whether a file without the magic holds nothing but zeros, or but the header of a database without a commit.
fn is_begun(medium: &Medium, len: u64, head: &[u8]) -> io::Result<bool> {
    let header = head.get(..HEADER_LEN).unwrap_or(head);
    let untouched = header.iter().all(|byte| *byte == 0) || (flags(header) == Some(TWO_STEPS) && numbers(header) == Some([0, 0]));
    let mut rest = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    medium.read(0, &mut rest)?;
    Ok(untouched && rest.iter().skip(HEADER_LEN).all(|byte| *byte == 0))
}

fn known(head: &[u8]) -> Looks {
    const SIGNATURES: [(&[u8], &str); 9] = [
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"%PDF-", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "a gzip file"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
        (b"\x7fELF", "a program"),
        (b"<?xml", "an XML file"),
    ];
    if let Some((_, name)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Looks::Else(name);
    }
    let is_text = |byte: u8| byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r');
    if std::str::from_utf8(head).is_ok() && head.iter().all(|byte| is_text(*byte)) {
        return Looks::Else("a text file");
    }
    Looks::Unknown
}

fn flags(header: &[u8]) -> Option<u8> {
    header.get(FLAGS).copied()
}

fn numbers(header: &[u8]) -> Option<[u64; 2]> {
    let number = |at: usize| Some(u64::from_le_bytes(header.get(at..at + 8)?.try_into().ok()?));
    let [first, second] = NUMBERS;
    Some([number(first)?, number(second)?])
}

/// The slot of the header that is in force.
pub(crate) fn primary_slot(header: &[u8]) -> Option<u8> {
    flags(header).map(|flags| flags & IN_FORCE)
}

/// Why the header cannot be one that this engine left; none if it can. No checksum of redb covers these flags, and one wrong bit of them
/// would give an older commit for the last one.
pub(crate) fn impossible(header: &[u8]) -> Option<&'static str> {
    let (flags, [first, second]) = (flags(header)?, numbers(header)?);
    if flags & !(IN_FORCE | LEFT_OPEN | TWO_STEPS) != 0 {
        return Some("its header has flags that redb does not know");
    }
    if flags & TWO_STEPS == 0 {
        return Some("its header says that the last commit was made in one step, which this engine never does");
    }
    let (in_force, other) = if flags & IN_FORCE == 0 { (first, second) } else { (second, first) };
    if flags & LEFT_OPEN == 0 && in_force < other {
        return Some("its header names an older commit than the last one, although it was closed properly");
    }
    None
}

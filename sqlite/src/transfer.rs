//! Whole databases, in and out.

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};

/// The bytes that every database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Where the header says by which version the file is written and read: 1 for rollback journals, 2 for a write-ahead log.
const VERSIONS: std::ops::Range<usize> = 18..20;

/// Journals that may lie beside a database.
pub(crate) const SUFFIXES: [&str; 2] = ["-journal", "-wal"];

/// Whether these are the bytes of a database.
///
/// # Errors
/// [`ErrorKind::Corrupt`], and what is wrong.
pub(crate) fn check(path: &StoragePath, bytes: &[u8]) -> Result<()> {
    let failed = |text: String| Err(Error::new(ErrorKind::Corrupt, Operation::Write).with_path(path).with_text(text));
    let (Some(magic), Some(size), Some(versions)) = (bytes.get(..16), bytes.get(16..18), bytes.get(VERSIONS)) else {
        return failed(format!("{} bytes are no SQLite database: its header has 100", bytes.len()));
    };
    if magic != MAGIC {
        return failed("no SQLite database: it does not begin as one".to_owned());
    }
    let page = match size {
        [0, 1] => 65_536,
        size => size.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
    };
    if !page.is_power_of_two() || page < 512 {
        return failed(format!("no SQLite database: pages of {page} bytes"));
    }
    if !matches!(versions, [1..=2, 1..=2]) {
        return failed("an SQLite database of a version that is not known".to_owned());
    }
    if !bytes.len().is_multiple_of(page) {
        return failed(format!("part of an SQLite database: {} bytes are no whole pages of {page}", bytes.len()));
    }
    Ok(())
}

/// Marks a database as one without a write-ahead log, which any SQLite opens.
pub(crate) fn without_log(bytes: &mut [u8]) {
    if let Some(versions) = bytes.get_mut(VERSIONS) {
        versions.fill(1);
    }
}

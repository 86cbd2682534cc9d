use anystorage::{Error, ErrorKind, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath};

use super::CHUNK;

/// How the names of part files begin.
pub(crate) const PREFIX: &str = ".anystorage-cp-";
const SUFFIX: &str = ".part";
const DIGITS: usize = 16;

/// Where the bytes of a new file come from.
pub(crate) trait Source {
    /// Fills `buf` with the next bytes. Fewer than it holds mean that the end was reached.
    async fn fill(&mut self, buf: &mut [u8]) -> Result<usize>;

    /// Called once all bytes were read, before the new file takes its name: whether they belong together.
    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Stores a file whole: its bytes go to the part file beside it, which is then renamed over it. Gives their count.
///
/// With `sync_first` the bytes are durable before the file takes its name. Where it replaces another file this is a must: the name would
/// otherwise, after a power cut, have lost the old bytes and not have the new ones.
pub(crate) async fn store(
    destination: &dyn StorageBackend,
    path: &StoragePath,
    part: &StoragePath,
    source: &mut impl Source,
    sync_first: bool,
) -> Result<u64> {
    match destination.stat(path).await {
        Ok(found) if found.is_dir() => return Err(Error::new(ErrorKind::IsADirectory, Operation::Write).with_path(path)),
        _ => {}
    }
    let stored = async {
        let file = destination.open(part, &OpenOptions::new().write(true).create(true).truncate(true)).await?;
        let bytes = fill(&*file, source).await?;
        if sync_first {
            file.sync().await?;
        }
        file.close().await?;
        source.finish().await?;
        destination.rename(part, path).await?;
        Ok(bytes)
    };
    let stored = stored.await;
    if stored.is_err() {
        // It frees the space, which may be what is missing; the error that matters is the first one.
        let _ = destination.remove_file(part).await;
    }
    // The part file stands for the file that was asked for.
    stored.map_err(|error: Error| if error.path() == Some(part) { error.with_path(path) } else { error })
}

async fn fill(file: &dyn StorageFile, source: &mut impl Source) -> Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut len: u64 = 0;
    let mut ends_in_hole = false;
    loop {
        let count = source.fill(&mut chunk).await?;
        let data = chunk.get(..count).unwrap_or_default();
        // Zeros need not be written, since a gap reads as zeros: large holes stay holes.
        let is_hole = count == CHUNK && data.iter().all(|byte| *byte == 0);
        if count > 0 && !is_hole {
            file.write_at(len, data).await?;
        }
        if count > 0 {
            ends_in_hole = is_hole;
        }
        len += count as u64;
        if count < CHUNK {
            break;
        }
    }
    if ends_in_hole {
        file.set_len(len).await?;
    }
    Ok(len)
}

/// The part file of a file: in the same directory, its name a hash of the file's name, so that the next run finds it again.
pub(crate) fn part_of(path: &StoragePath) -> Result<StoragePath> {
    let directory = path.parent().unwrap_or_default();
    directory.join(&part_name(PREFIX, path.file_name().unwrap_or_default().as_bytes()))
}

/// The name of the part file of a file with this name: always the same one.
pub(crate) fn part_name(prefix: &str, name: &[u8]) -> String {
    format!("{prefix}{:0DIGITS$x}{SUFFIX}", fnv1a(name))
}

/// Whether a name is that of a part file.
pub(crate) fn is_part(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX))
        .is_some_and(|hash| hash.len() == DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// FNV-1a, 64 bits: the same on every machine and in every version, which the hashes of `std` are not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_file_of_a_name_never_changes() {
        let part = part_of(&StoragePath::parse("dir/foobar").unwrap()).unwrap();
        // The published test vector of FNV-1a for "foobar".
        assert_eq!(part.as_str(), "dir/.anystorage-cp-85944171f73967e8.part");
        assert!(is_part(part.file_name().unwrap()));
        for other in [".anystorage-cp-.part", ".anystorage-cp-85944171f73967e.part", "anystorage-cp-85944171f73967e8.part", "foobar"] {
            assert!(!is_part(other), "{other}");
        }
    }
}

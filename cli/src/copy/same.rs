use anystorage::{OpenOptions, Result, StorageBackend, StorageFile, StoragePath};

use super::CHUNK;

/// Whether the file at `path` can be read and holds exactly the bytes of `source`, of which `len` is the length.
///
/// A file of the destination that cannot be read is one to replace: it is not the same.
///
/// # Errors
/// Those of `source` alone.
pub(crate) async fn same_bytes(source: &dyn StorageFile, len: u64, destination: &dyn StorageBackend, path: &StoragePath) -> Result<bool> {
    let differs = |error| {
        log::debug!("{path} cannot be read and is replaced: {error}");
        Ok(false)
    };
    let file = match destination.open(path, &OpenOptions::reading()).await {
        Ok(file) => file,
        Err(error) => return differs(error),
    };
    match file.stat().await {
        Ok(found) if found.len == len => {}
        Ok(_) => return Ok(false),
        Err(error) => return differs(error),
    }
    let (mut ours, mut theirs) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut offset = 0;
    loop {
        let count = source.read_at(offset, &mut ours).await?;
        let other = match file.read_at(offset, &mut theirs).await {
            Ok(other) => other,
            Err(error) => return differs(error),
        };
        if ours.get(..count) != theirs.get(..other) {
            return Ok(false);
        }
        if count < CHUNK {
            return Ok(true);
        }
        offset += count as u64;
    }
}

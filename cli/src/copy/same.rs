use anystorage::{OpenOptions, Result, StorageBackend, StorageFile, StoragePath};

use super::CHUNK;

/// Whether the file at `path` holds exactly the bytes of `source`, of which `len` is the length.
pub(crate) async fn same_bytes(source: &dyn StorageFile, len: u64, destination: &dyn StorageBackend, path: &StoragePath) -> Result<bool> {
    let file = destination.open(path, &OpenOptions::reading()).await?;
    if file.stat().await?.len != len {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut offset = 0;
    loop {
        let count = source.read_at(offset, &mut ours).await?;
        let other = file.read_at(offset, &mut theirs).await?;
        if ours.get(..count) != theirs.get(..other) {
            return Ok(false);
        }
        if count < CHUNK {
            return Ok(true);
        }
        offset += count as u64;
    }
}

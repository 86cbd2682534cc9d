use std::io::{self, Write};
use std::process::ExitCode;

use anystorage::{OpenOptions, StorageBackend, StoragePath};

use crate::arguments::Cat;
use crate::copy::CHUNK;
use crate::failure::Failure;
use crate::place::Place;

pub(crate) async fn run(options: &Cat) -> Result<ExitCode, Failure> {
    let place = Place::below_root(&options.url, &options.path)?;
    let storage = place.open_for_reading().await?;
    let mut out = io::stdout().lock();
    pour(&*storage, &place.path, |chunk| out.write_all(chunk).map_err(Failure::stdout)).await.map_err(|failure| failure.at(&place.url))?;
    out.flush().map_err(Failure::stdout)?;
    Ok(ExitCode::SUCCESS)
}

/// Hands a file's bytes to `sink`, in order, one chunk after another. Gives their count.
pub(crate) async fn pour(
    storage: &dyn StorageBackend,
    path: &StoragePath,
    mut sink: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let file = storage.open(path, &OpenOptions::reading()).await?;
    let mut chunk = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let count = file.read_at(offset, &mut chunk).await?;
        sink(chunk.get(..count).unwrap_or_default())?;
        offset += count as u64;
        if count < CHUNK {
            return Ok(offset);
        }
    }
}

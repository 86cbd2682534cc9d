//! Databases of SQLite's own pool, through a pool of ours and back.

use anystorage_api::{Result, StorageBackend};
use anystorage_conformance::browser::wire::Refusal;
use anystorage_opfs::pool::{self, PoolOptions};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// What a copy found.
#[derive(Serialize)]
struct Copied {
    files: Vec<(String, u64)>,
    refused: usize,
}

/// Copies what is in the pool of `opfs-sahpool` in one directory to a location of the layout `pool`, opens that again, and copies it to
/// another directory: `{"Ok": {"files": [[path, length], ...], "refused": n}}` or `{"Err": {"kind": ..., "text": ...}}`.
#[wasm_bindgen]
pub async fn anystorage_copy_sahpool(location: String, from: String, to: String) -> String {
    let copied = copy(&location, &from, &to).await.map_err(Refusal::from);
    serde_json::to_string(&copied).unwrap_or_else(|error| error.to_string())
}

async fn copy(location: &str, from: &str, to: &str) -> Result<Copied> {
    let pool = pool::open(location, &PoolOptions::new().capacity(1)).await?;
    let imported = pool.import_sahpool(from).await?;
    pool.close().await?;
    drop(pool);
    let pool = pool::open(location, &PoolOptions::new().capacity(1)).await?;
    let mut files = Vec::new();
    for path in &imported.files {
        files.push((path.to_string(), pool.stat(path).await?.len));
    }
    pool.export_sahpool(to, &imported.files).await?;
    pool.close().await?;
    Ok(Copied { files, refused: imported.refused.len() })
}

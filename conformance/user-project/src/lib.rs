//! Counts the visits of a page, in a file.
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown
//! wasm-bindgen --target web --out-dir pkg target/wasm32-unknown-unknown/release/user_project.wasm
//! ```
//!
//! Then any server of files will do; or `npm ci` and `npm run build`, and one that serves `dist`.

use anystorage::{StorageBackend, StorageBackendExt, StorageConfig, StoragePath};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// Tells what was opened, and how many visits there were.
#[wasm_bindgen]
pub async fn visit(url: String, fallback: Vec<String>) -> Result<String, JsError> {
    let fallback = fallback.iter().map(|url| url.parse()).collect::<Result<Vec<_>, _>>()?;
    let storage = fallback.into_iter().fold(StorageConfig::new(url.parse()?), StorageConfig::or).open().await?;
    let file = StoragePath::parse("visits")?;
    let before: u32 = if storage.exists(&file).await? { storage.read_to_string(&file).await?.parse()? } else { 0 };
    storage.write(&file, (before + 1).to_string().as_bytes()).await?;
    storage.sync().await?;
    storage.close().await?;
    Ok(format!("{} {}", storage.report().opened, before + 1))
}

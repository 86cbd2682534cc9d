//! Locations that are synced by themselves.

use std::time::Duration;

use anystorage::{StorageConfig, StorageUrl};
use anystorage_api::{Error, StorageBackend, StoragePath};
use anystorage_layers::{AutoSync, AutoSyncOptions, Mirror, MirrorOptions};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

type Told<T> = Result<T, JsError>;

/// An error begins with its kind.
fn told(error: Error) -> JsError {
    JsError::new(&format!("{}: {error}", error.kind().as_str()))
}

/// What a file has that was written with this seed.
fn bytes(len: u32, seed: u32) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(2_654_435_761) >> 24 ^ seed).to_le_bytes()).map(|[byte, ..]| byte).collect()
}

/// A location behind an `AutoSync`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct AutoSynced(AutoSync);

#[wasm_bindgen]
impl AutoSynced {
    /// Opens what a URL says, behind a mirror if that is asked for, and syncs it after these times, in milliseconds.
    pub async fn open(url: &str, mirrored: bool, interval: Option<u32>, quiet: Option<u32>) -> Told<Self> {
        let storage = StorageConfig::new(StorageUrl::parse(url).map_err(told)?).probe(false).open().await.map_err(told)?;
        let mut options = AutoSyncOptions::new();
        if let Some(time) = interval {
            options = options.interval(Duration::from_millis(time.into()));
        }
        if let Some(time) = quiet {
            options = options.quiet(Duration::from_millis(time.into()));
        }
        let auto_sync = if mirrored {
            AutoSync::new(Mirror::open(storage, MirrorOptions::new()).await.map_err(told)?, options)
        } else {
            AutoSync::new(storage, options)
        };
        Ok(Self(auto_sync.map_err(told)?))
    }

    /// Replaces a file by one of that length, known by its seed.
    pub async fn write(&self, path: &str, len: u32, seed: u32) -> Told<()> {
        self.0.write(&StoragePath::parse(path).map_err(told)?, &bytes(len, seed)).await.map_err(told)
    }

    /// Of the seeds up to `last`, the one that the file was written with; an error if it is of none, or of a part of one.
    pub async fn seed(&self, path: &str, len: u32, last: u32) -> Told<u32> {
        let found = self.0.read(&StoragePath::parse(path).map_err(told)?).await.map_err(told)?;
        let seed = (0..=last).find(|seed| bytes(len, *seed) == found);
        seed.ok_or_else(|| JsError::new(&format!("{} bytes of which nobody has written all", found.len())))
    }

    /// Whether syncs have covered everything.
    pub fn is_synced(&self) -> bool {
        self.0.is_synced()
    }

    /// How many bytes none has covered.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub fn unsynced_bytes(&self) -> f64 {
        self.0.unsynced_bytes() as f64
    }

    /// Syncs what is left, and closes.
    pub async fn close(&self) -> Told<()> {
        self.0.close().await.map_err(told)
    }
}

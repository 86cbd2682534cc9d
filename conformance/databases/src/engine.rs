//! What a URL opens: for the facade, or with `remote+` in front of it behind a bridge, where what waits is immediate.

use std::sync::Arc;

use anystorage::{StorageConfig, StorageUrl};
use anystorage_api::{Result, StorageBackend};
use anystorage_remote::shared::{self, Opening, SharedOptions};

/// In front of the URL of an engine that a worker of its own is to have.
const BRIDGED: &str = "remote+";

pub(crate) async fn open(url: &str) -> Result<Arc<dyn StorageBackend>> {
    #[expect(clippy::arc_with_non_send_sync, reason = "there is one thread, and engines of browsers stay in it")]
    match url.strip_prefix(BRIDGED) {
        Some(url) => Ok(Arc::new(shared::open(elsewhere, url, &SharedOptions::new()).await?)),
        None => Ok(Arc::new(here(url).await?)),
    }
}

/// In the worker of the bridge.
fn elsewhere(url: String) -> Opening {
    Box::pin(async move { Ok(Box::new(here(&url).await?) as Box<dyn StorageBackend>) })
}

async fn here(url: &str) -> Result<anystorage::Storage> {
    StorageConfig::new(StorageUrl::parse(url)?).probe(false).open().await
}

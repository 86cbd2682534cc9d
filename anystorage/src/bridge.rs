//! Locations that another worker has open, for code that cannot wait.

use anystorage_api::{Blocking, Result, StorageBackend};
use anystorage_remote::shared::{self, Opening, SharedOptions};

use crate::storage::Storage;
use crate::{StorageConfig, StorageUrl};

/// Opens a location for code without `async`, whatever its engine: as [`StorageConfig::open_bridged`] does, not probed and without a fallback.
///
/// # Errors
/// Those of [`StorageUrl::parse`], and of [`StorageConfig::open_bridged`].
pub async fn open_bridged(url: &str, options: &SharedOptions) -> Result<Blocking<Storage>> {
    StorageConfig::new(StorageUrl::parse(url)?).probe(false).open_bridged(options).await
}

/// Has another worker open it.
pub(crate) async fn open(url: &StorageUrl, options: &SharedOptions) -> Result<Box<dyn StorageBackend>> {
    Ok(Box::new(shared::open(in_worker, url.as_str(), options).await?))
}

fn in_worker(url: String) -> Opening {
    Box::pin(async move { Ok(Box::new(crate::open(&url).await?) as Box<dyn StorageBackend>) })
}

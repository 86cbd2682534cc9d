//! Locations that another worker has open, for code that cannot wait.

use anystorage_api::{Blocking, Result, StorageBackend};
use anystorage_remote::Remote;
use anystorage_remote::shared::{self, Opening, SharedOptions};

use crate::StorageUrl;

/// Opens a location for code without `async`, whatever its engine: another worker is started, which opens it there as [`open`](crate::open)
/// does, and the calling worker sleeps in each call until that answers. What it asks of the page, and what becomes of a call whose other end
/// dies, is told in [`anystorage_remote::shared`].
///
/// Engines that are immediate in a dedicated worker, `memory:` and the layouts `packed` and `pool` of `opfs:`, are faster without:
/// [`open_inline`](crate::open_inline) and [`Blocking::new`].
///
/// # Errors
/// Those of [`open`](crate::open); [`Unsupported`](crate::ErrorKind::Unsupported) in a page, and where the page is not isolated from other
/// origins, with what works instead; [`Disconnected`](crate::ErrorKind::Disconnected) if the other worker ends meanwhile.
pub async fn open_bridged(url: &str, options: &SharedOptions) -> Result<Blocking<Remote>> {
    // What is wrong with it is said before a worker is started.
    StorageUrl::parse(url)?;
    Blocking::new(shared::open(in_worker, url, options).await?)
}

fn in_worker(url: String) -> Opening {
    Box::pin(async move { Ok(Box::new(crate::open(&url).await?) as Box<dyn StorageBackend>) })
}

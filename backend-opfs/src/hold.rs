//! Who holds a location: others may neither open it, nor one that it lies in, nor one that lies in it.

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};
use anystorage_browser_host::lock::WebLock;

const DENIED: &str = "the browser denies this site its storage (cookies and site data blocked, or a frame of another site): allow it for this \
                      site";

/// The lock of the location, and those of the directories that lead to it, which are shared with locations beside this one.
#[derive(Debug)]
pub(crate) struct Hold(Vec<WebLock>);

impl Hold {
    pub(crate) async fn take(location: &StoragePath) -> Result<Self> {
        // Each is given back when this is dropped on the way.
        let mut held = Self(Vec::new());
        for above in location.ancestors() {
            held.0.push(WebLock::acquire_shared(&name(&above)).await.map_err(refused)?);
        }
        held.0.push(WebLock::acquire(&name(location)).await.map_err(refused)?);
        Ok(held)
    }

    /// Gives the location back, and waits until it is free.
    pub(crate) async fn release(self) {
        for lock in self.0.into_iter().rev() {
            lock.release().await;
        }
    }
}

fn name(location: &StoragePath) -> String {
    format!("anystorage:opfs:{location}")
}

fn refused(error: Error) -> Error {
    match (error.kind(), error.text()) {
        (ErrorKind::PermissionDenied, None) => Error::new(error.kind(), Operation::OpenLocation).with_text(DENIED).with_cause(error),
        _ => error,
    }
}

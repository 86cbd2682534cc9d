use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::options::KvOptions;
use crate::store::KvStore;

/// A tree of files in a key-value store.
#[derive(Debug)]
pub struct KvBackend<S> {
    #[expect(dead_code)]
    store: Arc<S>,
}

impl<S: KvStore> KvBackend<S> {
    /// Opens the location that `store` holds; an empty store becomes an empty location.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if the store holds something else or is damaged, [`Unsupported`](ErrorKind::Unsupported) if a newer
    /// version wrote it; what the store reports.
    pub async fn open(store: S, options: KvOptions) -> Result<Self> {
        options.check()?;
        let _ = store;
        Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation))
    }
}

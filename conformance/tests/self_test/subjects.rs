//! Subjects for the tests of this folder.

use std::fmt;
use std::sync::Arc;

use anystorage_api::{Result, StorageBackend, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_memory::MemoryBackend;

/// Places that last no longer than the instance: every opening gives a new backend.
#[derive(Clone)]
pub(crate) struct Volatile {
    name: String,
    make: Arc<dyn Fn() -> Box<dyn StorageBackend> + Send + Sync>,
}

impl Volatile {
    pub(crate) fn new(name: &str, make: impl Fn() -> Box<dyn StorageBackend> + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), make: Arc::new(make) }
    }

    pub(crate) fn memory() -> Self {
        Self::new("memory", || Box::new(MemoryBackend::new()))
    }
}

impl fmt::Debug for Volatile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[engine]
impl Subject for Volatile {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn place(&self, _: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(self.clone()))
    }
}

#[engine]
impl Place for Volatile {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok((self.make)())
    }
}

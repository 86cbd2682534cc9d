//! Every case of the conformance suite over memory, natively and in browsers.

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::table;
use anystorage_memory::MemoryBackend;

#[derive(Debug)]
struct Memory;

#[engine]
impl Subject for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
    fn expected(&self) -> Option<Capabilities> {
        Some(table::MEMORY)
    }
    async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(Bytes { limit: None }))
    }
}

/// Every opening is a new, empty location: nothing outlives an instance.
#[derive(Debug)]
struct Bytes {
    limit: Option<u64>,
}

#[engine]
impl Place for Bytes {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(self.limit.map_or_else(MemoryBackend::new, MemoryBackend::with_limit)))
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(Some(Box::new(Self { limit: Some(bytes) })))
    }
}

anystorage_conformance::suite!(subject = Memory);

//! Every case of the conformance suite over memory behind the `Offload` layer.
#![cfg(not(all(target_family = "wasm", target_os = "unknown")))]

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::table;
use anystorage_layers::Offload;
use anystorage_memory::MemoryBackend;

#[derive(Debug)]
struct Offloaded;

#[engine]
impl Subject for Offloaded {
    fn name(&self) -> String {
        "memory behind offload".to_owned()
    }
    fn expected(&self) -> Option<Capabilities> {
        Some(table::MEMORY.immediate(false))
    }
    async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(Bytes { limit: None }))
    }
}

#[derive(Debug)]
struct Bytes {
    limit: Option<u64>,
}

#[engine]
impl Place for Bytes {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(Offload::new(self.limit.map_or_else(MemoryBackend::new, MemoryBackend::with_limit))))
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(Some(Box::new(Self { limit: Some(bytes) })))
    }
}

anystorage_conformance::suite!(subject = Offloaded);

//! The memory engine as a subject.

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::table;
use anystorage_memory::MemoryBackend;

/// The memory engine, and a place of it. Every opening is a location of its own.
#[derive(Debug)]
pub(crate) struct MemorySubject {
    limit: u64,
}

impl MemorySubject {
    /// With so many bytes of room.
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit }
    }
}

#[engine]
impl Subject for MemorySubject {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::MEMORY)
    }

    async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(Self::new(self.limit)))
    }
}

#[engine]
impl Place for MemorySubject {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(MemoryBackend::with_limit(self.limit)))
    }

    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(Some(Box::new(Self::new(bytes))))
    }
}

//! The engine as a subject of the conformance suite.

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::table;

use crate::MemoryBackend;

/// The memory engine, and a place of it. Every opening is a location of its own.
#[derive(Clone, Debug)]
pub struct MemorySubject {
    limit: u64,
}

impl MemorySubject {
    /// With so many bytes of room in each.
    #[must_use]
    pub const fn new(limit: u64) -> Self {
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

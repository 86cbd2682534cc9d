use std::path::Path;

use anystorage::{Result, StorageBackend, StorageConfig, StorageUrl};
use anystorage_api::{Capabilities, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_conformance::table;

/// The memory engine under test: every opening is a location of its own.
#[derive(Debug)]
pub(crate) struct MemorySubject {
    url: StorageUrl,
}

impl MemorySubject {
    pub(crate) const fn new(url: StorageUrl) -> Self {
        Self { url }
    }
}

#[engine]
impl Subject for MemorySubject {
    fn name(&self) -> String {
        self.url.engine().scheme.to_owned()
    }

    fn url(&self) -> String {
        self.url.to_string()
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::MEMORY)
    }

    async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(MemoryPlace { url: self.url.clone() }))
    }
}

#[derive(Debug)]
struct MemoryPlace {
    url: StorageUrl,
}

#[engine]
impl Place for MemoryPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        open(&self.url).await
    }

    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(Some(Box::new(Self { url: StorageUrl::parse(&format!("memory:?limit={bytes}"))? })))
    }
}

/// Opens a location for a case: unprobed, so that nothing but the case touches it.
async fn open(url: &StorageUrl) -> Result<Box<dyn StorageBackend>> {
    Ok(StorageConfig::new(url.clone()).probe(false).open_inline().await?.into_backend())
}

/// Opens the address of a place in the process that a case runs in. Only places on the host have one: their directory.
pub(crate) async fn open_address(address: String) -> Result<Box<dyn StorageBackend>> {
    open(&StorageUrl::directory(Path::new(&address))?).await
}

/// The files engine under test, each place a directory of its own below `directory`.
#[cfg(unix)]
pub(crate) fn files(directory: &Path) -> Result<Box<dyn Subject>> {
    Ok(Box::new(anystorage_native::files::subject::FilesSubject::new(directory)))
}

/// The files engine exists on Unix alone.
#[cfg(not(unix))]
pub(crate) fn files(directory: &Path) -> Result<Box<dyn Subject>> {
    let why = format!("there is no engine for the directory {directory:?} on this target");
    Err(anystorage::Error::new(anystorage::ErrorKind::Unsupported, anystorage::Operation::OpenLocation).with_text(why))
}

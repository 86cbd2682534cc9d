use std::io;
use std::path::Path;
use std::process::Command;

use anystorage::{Location, Result, StorageBackend, StorageConfig, StorageUrl};
use anystorage_api::{Capabilities, engine};
use anystorage_conformance::process::Processes;
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

/// Opens the address of a place in the process that a case runs in: its path on the host. What to open there is the only argument.
pub(crate) async fn open_address(address: String) -> Result<Box<dyn StorageBackend>> {
    let like = std::env::args().nth(1).unwrap_or_default();
    open(&at(&StorageUrl::parse(&like)?, Path::new(&address))?).await
}

/// This program once more, as the other process of cases on locations like that of the URL.
pub(crate) fn elsewhere(like: &StorageUrl) -> io::Result<Processes> {
    let program = std::env::current_exe()?;
    let in_directory = matches!(like.location(), Location::Files { .. });
    // Sled's log needs room for another one beside it.
    let times = if matches!(like.location(), Location::Sled { .. }) { 4 } else { 1 };
    let like = like.to_string();
    let processes = Processes::new(move || {
        let mut command = Command::new(&program);
        command.arg(&like);
        command
    });
    Ok(processes.with_small_places_times(times).with_small_places(move |directory| {
        let place = if in_directory { directory.to_owned() } else { directory.join("store") };
        place.display().to_string()
    }))
}

/// A location of the same engine with the same parameters at another path, created if it is missing.
fn at(like: &StorageUrl, path: &Path) -> Result<StorageUrl> {
    let url = StorageUrl::on_host(like.engine().scheme, path)?;
    let (Location::Sled { options, .. } | Location::Redb { options, .. }) = like.location() else {
        return Ok(url);
    };
    let sizes = [("block", options.block), ("cache", options.cache)];
    let given: Vec<String> = sizes.iter().filter_map(|(name, size)| size.map(|size| format!("{name}={size}"))).collect();
    StorageUrl::parse(&format!("{url}?{}", given.join("&")))
}

/// An engine that keeps its locations on the host, with the parameters of the URL, each place by itself in `directory`.
#[cfg(unix)]
pub(crate) fn on_host(like: &StorageUrl, directory: &Path) -> Result<Box<dyn Subject>> {
    use anystorage_native::{files, redb, sled};

    let bytes = |size: anystorage::ByteSize| usize::try_from(size.bytes()).unwrap_or(usize::MAX);
    Ok(match like.location() {
        Location::Sled { options: given, .. } => {
            let mut options = sled::SledOptions::new();
            if let Some(block) = given.block {
                options = options.block_size(bytes(block));
            }
            if let Some(cache) = given.cache {
                options = options.cache_bytes(cache.bytes());
            }
            Box::new(sled::subject::SledSubject::new(directory).options(options))
        }
        Location::Redb { options: given, .. } => {
            let mut options = redb::RedbOptions::new().block_size(given.block.map(bytes));
            if let Some(cache) = given.cache {
                options = options.cache_bytes(bytes(cache));
            }
            Box::new(redb::subject::RedbSubject::new(directory).options(options))
        }
        _ => Box::new(files::subject::FilesSubject::new(directory)),
    })
}

/// The engines on the host exist on Unix alone.
#[cfg(not(unix))]
pub(crate) fn on_host(_: &StorageUrl, directory: &Path) -> Result<Box<dyn Subject>> {
    let why = format!("there is no engine for {directory:?} on this target");
    Err(anystorage::Error::new(anystorage::ErrorKind::Unsupported, anystorage::Operation::OpenLocation).with_text(why))
}

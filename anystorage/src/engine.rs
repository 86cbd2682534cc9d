#[cfg(all(any(feature = "opfs", feature = "idb"), target_family = "wasm", target_os = "unknown"))]
use anystorage_api::StoragePath;
use anystorage_api::{Error, ErrorKind, Operation, Result, StorageBackend};

#[cfg(all(feature = "files", unix))]
use crate::url::FilesMode;
#[cfg(any(
    all(any(feature = "sled", feature = "redb"), unix),
    all(any(feature = "opfs", feature = "idb"), target_family = "wasm", target_os = "unknown")
))]
use crate::url::StoreMode;
#[cfg(all(feature = "idb", target_family = "wasm", target_os = "unknown"))]
use crate::url::StoreOptions;
use crate::url::{Location, StorageUrl};
#[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
use crate::url::{OpfsIo, OpfsLayout, OpfsOptions};

/// An engine that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineInfo {
    /// The scheme of its URLs.
    pub scheme: &'static str,
    /// The cargo feature of `anystorage` that brings it.
    pub feature: &'static str,
    /// The parameters that its URLs take.
    pub parameters: &'static [&'static str],
    /// Whether the feature is on in this build.
    pub enabled: bool,
    /// Whether the engine exists on this target.
    pub on_target: bool,
}

impl EngineInfo {
    /// Whether a URL of this scheme can be opened in this build.
    #[must_use]
    pub const fn is_built_in(&self) -> bool {
        self.enabled && self.on_target
    }
}

pub(crate) const MEMORY: EngineInfo =
    EngineInfo { scheme: "memory", feature: "memory", parameters: &["limit"], enabled: cfg!(feature = "memory"), on_target: true };

pub(crate) const FILES: EngineInfo =
    EngineInfo { scheme: "file", feature: "files", parameters: &["mode"], enabled: cfg!(feature = "files"), on_target: cfg!(unix) };

pub(crate) const SLED: EngineInfo =
    EngineInfo { scheme: "sled", feature: "sled", parameters: STORE_PARAMETERS, enabled: cfg!(feature = "sled"), on_target: cfg!(unix) };

pub(crate) const REDB: EngineInfo =
    EngineInfo { scheme: "redb", feature: "redb", parameters: STORE_PARAMETERS, enabled: cfg!(feature = "redb"), on_target: cfg!(unix) };

pub(crate) const OPFS: EngineInfo = EngineInfo {
    scheme: "opfs",
    feature: "opfs",
    parameters: &["mode", "layout", "io", "block", "cache", "capacity", "worker_url"],
    enabled: cfg!(feature = "opfs"),
    on_target: cfg!(all(target_family = "wasm", target_os = "unknown")),
};

pub(crate) const IDB: EngineInfo = EngineInfo {
    scheme: "idb",
    feature: "idb",
    parameters: STORE_PARAMETERS,
    enabled: cfg!(feature = "idb"),
    on_target: cfg!(all(target_family = "wasm", target_os = "unknown")),
};

/// Those of every engine over a key-value store.
const STORE_PARAMETERS: &[&str] = &["mode", "block", "cache"];

/// Every engine that this version knows, whether it is in this build or not.
pub const ENGINES: &[EngineInfo] = &[MEMORY, FILES, SLED, REDB, OPFS, IDB];

/// Where the engine's work is done.
#[derive(Clone, Debug)]
pub(crate) enum Running {
    /// Inside the call, on the caller's thread.
    Inline,
    /// Away from the executor, wherever the engine would block it.
    Offloaded,
    /// In another worker, while the caller sleeps.
    #[cfg(all(feature = "bridge", target_family = "wasm", target_os = "unknown"))]
    Bridged(anystorage_remote::shared::SharedOptions),
}

impl Running {
    /// Opens the engine, with the layer that this asks for around it.
    pub(crate) async fn open(&self, url: &StorageUrl) -> Result<Box<dyn StorageBackend>> {
        match (self, url.location()) {
            #[cfg(all(feature = "bridge", target_family = "wasm", target_os = "unknown"))]
            (Self::Bridged(options), _) => crate::bridge::open(url, options).await,
            #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
            (Self::Offloaded, Location::Files { .. } | Location::Sled { .. } | Location::Redb { .. }) => {
                let url = url.clone();
                let engine = blocking::unblock(move || open_at_once(&url)).await?;
                Ok(Box::new(anystorage_layers::Offload::new(engine)))
            }
            #[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
            (_, Location::Opfs { name, options }) => open_opfs(name, options).await,
            #[cfg(all(feature = "idb", target_family = "wasm", target_os = "unknown"))]
            (_, Location::Idb { name, options }) => open_idb(name, *options).await,
            // The work of all others is to copy memory, which is done before another thread has woken up.
            _ => open_at_once(url),
        }
    }
}

#[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
async fn open_opfs(name: &StoragePath, options: &OpfsOptions) -> Result<Box<dyn StorageBackend>> {
    use anystorage_opfs::{Io, Layout, Mode, OpfsOptions as Opening, WorkerUrl};
    let mode = if options.mode == StoreMode::ReadWrite { Mode::ReadWrite } else { Mode::ReadWriteCreate };
    let io = if options.io == OpfsIo::Stream { Io::Stream } else { Io::Handle };
    let worker = options.worker_url.clone().map_or(WorkerUrl::Embedded, WorkerUrl::At);
    let layout = match options.layout {
        Some(OpfsLayout::Tree) => Layout::Tree,
        Some(OpfsLayout::Packed) => Layout::Packed,
        Some(OpfsLayout::Pool) => Layout::Pool,
        None => Layout::of(name.as_str()).await?.unwrap_or(Layout::Tree),
    };
    let refused = |kind, text| Err(Error::new(kind, Operation::OpenLocation).with_text(text));
    match (layout, io) {
        (Layout::Tree, io) => {
            let opening = Opening::new().mode(mode).io(io).worker(worker);
            Ok(Box::new(anystorage_opfs::tree::open(name.as_str(), &opening).await?))
        }
        (Layout::Packed | Layout::Pool, Io::Stream) => {
            let text =
                format!("it is a location of the layout {}, which takes synchronous handles: open it without io=stream", layout.as_str());
            refused(ErrorKind::InvalidInput, text)
        }
        #[cfg(feature = "opfs-pool")]
        (Layout::Pool, Io::Handle) => {
            let mut opening = anystorage_opfs::pool::PoolOptions::new().mode(mode);
            if let Some(capacity) = options.capacity {
                opening = opening.capacity(usize::try_from(capacity).unwrap_or(usize::MAX));
            }
            Ok(Box::new(anystorage_opfs::pool::open(name.as_str(), &opening).await?))
        }
        #[cfg(feature = "opfs-packed")]
        (Layout::Packed, Io::Handle) => {
            let mut opening = anystorage_opfs::packed::PackedOptions::new().mode(mode).worker(worker);
            if let Some(block) = options.block {
                opening = opening.block_size(in_memory(block));
            }
            if let Some(cache) = options.cache {
                opening = opening.cache_bytes(in_memory(cache));
            }
            anystorage_opfs::packed::open(name.as_str(), &opening).await
        }
        _ => {
            let text = format!("the layout {0} is not compiled in: enable the cargo feature \"opfs-{0}\" of anystorage", layout.as_str());
            refused(ErrorKind::Unsupported, text)
        }
    }
}

#[cfg(all(feature = "idb", target_family = "wasm", target_os = "unknown"))]
async fn open_idb(name: &StoragePath, options: StoreOptions) -> Result<Box<dyn StorageBackend>> {
    use anystorage_idb::{IdbMode, IdbOptions};
    let mode = if options.mode == StoreMode::ReadWrite { IdbMode::ReadWrite } else { IdbMode::ReadWriteCreate };
    let mut opening = IdbOptions::new().mode(mode).block_size(options.block.map(in_memory));
    if let Some(cache) = options.cache {
        opening = opening.cache_bytes(in_memory(cache));
    }
    Ok(Box::new(anystorage_idb::open(name.as_str(), &opening).await?))
}

/// Opens an engine whose opening waits for nothing but the host's disk, with no layer around it.
fn open_at_once(url: &StorageUrl) -> Result<Box<dyn StorageBackend>> {
    match url.location() {
        #[cfg(feature = "memory")]
        Location::Memory { limit } => Ok(Box::new(match limit {
            Some(limit) => anystorage_memory::MemoryBackend::with_limit(limit.bytes()),
            None => anystorage_memory::MemoryBackend::new(),
        })),
        #[cfg(all(feature = "files", unix))]
        Location::Files { root, mode } => {
            use anystorage_native::files::FilesBackend;
            Ok(Box::new(match mode {
                FilesMode::ReadOnly => FilesBackend::open_read_only(root)?,
                FilesMode::ReadWrite => FilesBackend::open_existing(root)?,
                FilesMode::ReadWriteCreate => FilesBackend::open(root)?,
            }))
        }
        #[cfg(all(feature = "sled", unix))]
        Location::Sled { directory, options } => {
            use anystorage_native::sled::{Mode, SledOptions, open};
            let mode = if options.mode == StoreMode::ReadWrite { Mode::ReadWrite } else { Mode::ReadWriteCreate };
            let mut opening = SledOptions::new().mode(mode);
            if let Some(block) = options.block {
                opening = opening.block_size(in_memory(block));
            }
            if let Some(cache) = options.cache {
                opening = opening.cache_bytes(cache.bytes());
            }
            Ok(Box::new(open(directory, &opening)?))
        }
        #[cfg(all(feature = "redb", unix))]
        Location::Redb { file, options } => {
            use anystorage_native::redb::{RedbMode, RedbOptions, open};
            let mode = if options.mode == StoreMode::ReadWrite { RedbMode::ReadWrite } else { RedbMode::ReadWriteCreate };
            let mut opening = RedbOptions::new().mode(mode).block_size(options.block.map(in_memory));
            if let Some(cache) = options.cache {
                opening = opening.cache_bytes(in_memory(cache));
            }
            Ok(Box::new(open(file, &opening)?))
        }
        #[allow(unreachable_patterns)] // Reachable wherever a feature is off.
        _ => Err(not_built_in(url.engine())),
    }
}

/// A size that the URL was checked to have room for in memory.
#[cfg(any(
    all(any(feature = "sled", feature = "redb"), unix),
    all(any(feature = "idb", feature = "opfs-packed"), target_family = "wasm", target_os = "unknown")
))]
fn in_memory(size: crate::size::ByteSize) -> usize {
    usize::try_from(size.bytes()).unwrap_or(usize::MAX)
}

/// Why a known engine is not there, and what to do about it.
fn not_built_in(engine: &EngineInfo) -> Error {
    let why = if engine.on_target {
        format!("the engine of {}: is not compiled in: enable the cargo feature {:?} of anystorage", engine.scheme, engine.feature)
    } else {
        format!("there is no engine of {}: on this target: choose another one", engine.scheme)
    };
    Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        let not_enabled = not_built_in(&EngineInfo { enabled: false, on_target: true, ..FILES });
        assert_eq!(not_enabled.kind(), ErrorKind::Unsupported);
        assert!(not_enabled.to_string().contains("enable the cargo feature \"files\" of anystorage"), "{not_enabled}");
        let elsewhere = not_built_in(&EngineInfo { enabled: true, on_target: false, ..FILES });
        assert!(elsewhere.to_string().contains("no engine of file: on this target"), "{elsewhere}");
    }
}

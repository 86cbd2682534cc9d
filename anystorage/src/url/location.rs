use std::path::PathBuf;

use anystorage_api::StoragePath;

use crate::size::ByteSize;

/// What a [`StorageUrl`](crate::StorageUrl) leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// `memory:`
    #[non_exhaustive]
    Memory {
        /// The size at which it is full; none where only the machine's memory limits it.
        limit: Option<ByteSize>,
    },
    /// `file:///...`
    #[non_exhaustive]
    Files {
        /// The root directory, absolute.
        root: PathBuf,
        /// The parameter `mode`.
        mode: FilesMode,
    },
    /// `sled:///...`
    #[non_exhaustive]
    Sled {
        /// The directory of the store, absolute.
        directory: PathBuf,
        /// The parameters.
        options: StoreOptions,
    },
    /// `redb:///...`
    #[non_exhaustive]
    Redb {
        /// The file of the store, absolute.
        file: PathBuf,
        /// The parameters.
        options: StoreOptions,
    },
    /// `opfs://...`
    #[non_exhaustive]
    Opfs {
        /// The directory below the root of the origin's private file system.
        name: StoragePath,
        /// The parameters.
        options: OpfsOptions,
    },
    /// `idb://...`
    #[non_exhaustive]
    Idb {
        /// The name of the location among those of the origin.
        name: StoragePath,
        /// The parameters.
        options: StoreOptions,
    },
}

/// The parameter `mode` of a `file:` URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilesMode {
    /// `ro`: opened without a lock, and nothing can be changed. The directory must exist.
    ReadOnly,
    /// `rw`: for reading and writing. The directory must exist.
    ReadWrite,
    /// `rwc`: for reading and writing. The directory and those that lead to it are created if they are missing.
    #[default]
    ReadWriteCreate,
}

/// The parameters of a `sled:`, `redb:` or `idb:` URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StoreOptions {
    /// The parameter `mode`.
    pub mode: StoreMode,
    /// The parameter `block`: how many bytes of a file one record of the store holds, from 64 bytes to 1 MiB. It counts where the store is
    /// created; from then on the store has its own. None is the engine's default.
    pub block: Option<ByteSize>,
    /// The parameter `cache`: about how many bytes of what is stored are kept in memory. None is the engine's default.
    pub cache: Option<ByteSize>,
}

/// The parameters of an `opfs:` URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OpfsOptions {
    /// The parameter `mode`.
    pub mode: StoreMode,
    /// The parameter `layout`. None is the layout that the location has, and [`Tree`](OpfsLayout::Tree) for one that is created.
    pub layout: Option<OpfsLayout>,
    /// The parameter `io`, for the layout `tree`.
    pub io: OpfsIo,
    /// The parameter `block`, for the layout `packed`: as that of [`StoreOptions`].
    pub block: Option<ByteSize>,
    /// The parameter `cache`, for the layout `packed`: as that of [`StoreOptions`].
    pub cache: Option<ByteSize>,
    /// The parameter `capacity`, for the layout `pool`: how many files there can be at least. None is the engine's default.
    pub capacity: Option<u32>,
    /// The parameter `worker_url`: where a page finds the script of the worker that the engine starts, if its content security policy does not
    /// allow `worker-src blob:`. None is the one that is compiled in.
    pub worker_url: Option<String>,
}

/// The parameter `io` of an `opfs:` URL: by which way the bytes of files are read and written. The files are the same either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpfsIo {
    /// `handle`: synchronous access handles, which dedicated workers alone have. In a page they are those of a worker that the engine starts.
    #[default]
    Handle,
    /// `stream`: snapshots and writable streams, which pages and workers of all kinds have.
    Stream,
}

/// The parameter `layout` of an `opfs:` URL: how files lie in the origin's private file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpfsLayout {
    /// `tree`: one OPFS file for each file, under its own name.
    Tree,
    /// `packed`: one OPFS file for all files.
    Packed,
    /// `pool`: OPFS files that are opened ahead, in dedicated workers.
    Pool,
}

impl OpfsLayout {
    /// As URLs have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Packed => "packed",
            Self::Pool => "pool",
        }
    }
}

/// The parameter `mode` of all URLs but `file:`. There is no `ro`: these engines cannot open a location without its lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreMode {
    /// `rw`: for reading and writing. The location must exist.
    ReadWrite,
    /// `rwc`: for reading and writing. The location is created if it is missing.
    #[default]
    ReadWriteCreate,
}

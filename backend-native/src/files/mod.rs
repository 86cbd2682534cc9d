//! One host file per file, below a root directory: real names, which other programs see, and nothing else in the tree.
//!
//! [`FilesBackend::open`] takes a directory for itself, and creates it if need be; [`FilesBackend::open_existing`] never creates it;
//! [`FilesBackend::open_read_only`] reads one without a lock or a change. Every call is done, by the system calls that it needs, when its
//! future is first polled: an executor that must not wait for a disk wants the `Offload` layer around it.
//!
//! ```
//! use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
//! use anystorage_native::files::FilesBackend;
//!
//! # let directory = tempfile::tempdir()?;
//! # let root = directory.path().join("journal");
//! # futures_lite::future::block_on(async {
//! let backend = FilesBackend::open(&root)?;
//! let log = backend.open(&StoragePath::parse("log")?, &OpenOptions::editing()).await?;
//! log.write_at(0, b"first entry\n").await?;
//! log.sync().await?; // the bytes, and the name that leads to them, survive a power cut from here on
//! # Ok::<(), anystorage_api::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it keeps files
//!
//! - **Names** on the host are the names in the path. The one exception: while a file is being replaced there is a temporary one beside it,
//!   `.anystorage-~` and 16 hexadecimal digits. Such files are never shown. One that a killed process left is removed, and the log told so
//!   at level `warn`, when a [`list`](anystorage_api::StorageBackend::list) or [`remove_dir`](anystorage_api::StorageBackend::remove_dir)
//!   meets it. Whoever is at work on one holds `flock` on it, and it is removed by nobody else; nor is one that its owner can neither read
//!   nor write. A user's name of that shape gets one more `~` on the host; where that makes it longer than 255 bytes, it is `InvalidPath`.
//! - **Replacing**: [`write`](anystorage_api::StorageBackend::write) fills a temporary file, flushes it, renames it over the old one and
//!   flushes the directory, and whichever above it is new: when it returns, the new file is durable. Permission bits are kept; owner,
//!   extended attributes and hard links are not, for it is a new file. A symbolic link at the path is replaced by the file.
//! - **Syncs** flush what is dirty and nothing else. A file's sync flushes the file, then the directories that lead to it, the deepest
//!   first, then the other ends of renames into or out of those. Up to 128 closed files wait for the next sync with their descriptor open;
//!   beyond that the oldest is flushed at once, and all of them when the process has no descriptor left.
//! - **Moves** flush first what must not be lost with them: the source, if it replaces a file and is dirty; the directory that something
//!   moves into, if that is new.
//! - **Links**: a symbolic link is listed as one. Opening, reading and `stat` follow it as long as it stays below the root; one that leads
//!   out is `PermissionDenied`. Removing and renaming are about the link. A missing target is never created through one.
//! - **Other things**: pipes, sockets and devices are listed, and never opened. Names that are not UTF-8 are listed as unaddressable.
//! - **Directories** are read whole, sorted, and kept while somebody reads them page by page, until the engine changes them.
//!
//! # What it assumes
//!
//! Of the host's file system:
//! - `fsync` of a file makes its bytes and its length durable, and `fsync` of a directory the names in it. Disks that answer a flush before
//!   they made it are beyond help.
//! - A rename is one step, on the disk too, also between two directories: ext4, xfs, btrfs, zfs and APFS do this. So is creating and removing
//!   a name.
//! - A write does not change bytes beside those written, also when the power is cut. (What is torn are the written bytes alone.)
//! - Names are byte-exact and case-sensitive. On a disk that folds case or normalises Unicode, two paths may be the same file.
//! - `flock` works on directories and files: local Linux and BSD file systems do, some network file systems do not, and the lock does not reach other
//!   machines.
//! - Device and inode number stay those of a file while it is open. A clock that stands still for a while is no harm to revisions, except that
//!   a file replaced twice within one tick may get the inode and the revision of the one before.
//!
//! And of its neighbours: other programs may read below the root at any time, and write at their own risk. What they move away under open
//! files is not followed, and what they write is not synced. They cannot make the engine leave its root.
//!
//! Instances whose roots lie one in the other, `d` and `d/notes`, are such neighbours, for these are two locations, each with its own lock.
//! Neither takes away the other's temporary files while they are in use, so a `write` in one is whole and durable whatever the other lists.
//! But each has its own order of calls, revisions, open files and dirty directories: whoever writes the same file through both, or renames a
//! directory of the one that is above the root of the other, does it at the risk named.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract):
//!
//! 1. *Two syncs*: as above. `fsync` is asked for, never `fdatasync` or `sync_file_range`. New directories on the way to the root are flushed
//!    as [`FilesBackend::open`] makes them.
//! 2. *Unsynced is bounded*: files are written in place, so unsynced bytes may be old, new or torn, each for itself. Everything else rests on
//!    the order of flushes and renames, which is proven over a simulated disk that is cut at every operation.
//! 3. *`atomic_sync`* is not declared: files are flushed one after another.
//! 4. *Replacing*: by rename alone, and only after the new bytes were flushed.
//! 5. *Reads* are the host's: they see every write, holes and growth are zeros, files reach up to 2^53 - 1 bytes, or to what the host can
//!    hold (beyond is `InvalidInput`).
//! 6. *Order*: a file has one lock, whatever the number of its handles; reads share it, changes have it alone. Flushes do not hold it. A call
//!    runs to its end within its first poll. A `write_at` that fails may have written a prefix.
//! 7. *One holder*: `flock` on the root directory itself, so no file of the engine in the tree, and nothing to clean up after a kill. It is
//!    that directory that is held, not what lies below it as somebody else's root: see the neighbours above.
//! 8. *Space*: `ENOSPC` and `EDQUOT` are `NoSpace`. A replacement that runs out leaves the old file, and takes its temporary one away.
//! 9. *Damage* cannot be told: there are no checksums, and other bytes than written read as they are. Nothing is repaired, cut or deleted.
//! 10. *No silent fall-back*: without `openat2` (Linux before 5.6, other systems) `cap-std` walks paths itself, confined all the same. What is
//!     not offered (attributes) is `Unsupported`.
//! 11. *A failed flush* of a file stays with that file, also when it is closed, until it is removed, replaced whole or the location opened
//!     anew: writes to it and every sync that covers it answer the error. It cannot replace another file either. A failed flush of a
//!     directory stops all changes. Reads go on. A `write` whose flush failed left the old file, and may be tried again. A directory that
//!     cannot even be opened for its flush (no descriptor left, or its permissions forbid to read it) is no failed flush: the sync answers the
//!     error, the directory stays dirty, and the next sync tries again.
//! 12. *Open files*: handles hold the host's descriptor, and the engine follows its own renames of a file and of the directories above it.
//!
//! # What is in which file
//!
//! `backend` and `file` are the two traits; `instance` is what they share; `node` is a host file with all its handles, `dirty` the directories
//! to flush; `names`, `listing`, `revision`, `lock` and `error` are what they say. [`disk`] is the raw interface below, `host` the
//! real one, [`fault`] one that fails.

pub mod disk;
pub mod fault;

mod backend;
mod dirty;
mod error;
mod file;
mod guard;
mod host;
mod instance;
mod listing;
mod lock;
mod names;
mod node;
mod revision;
#[cfg(feature = "conformance")]
pub mod subject;

pub use backend::FilesBackend;
pub use host::{HostDisk, HostFile};

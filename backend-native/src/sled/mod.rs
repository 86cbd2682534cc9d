//! Files in a sled store: a directory in which sled keeps one log, and in it every file, name and block as a record.
//!
//! [`open`] takes a directory for itself, and creates it if need be. Every call is done when its future is first polled, and may wait for the
//! disk there: an executor that must not wait wants the `Offload` layer around it.
//!
//! ```
//! use anystorage_api::{StorageBackend, StoragePath};
//! use anystorage_native::sled::{self, SledOptions};
//!
//! # let directory = tempfile::tempdir()?;
//! # let root = directory.path().join("notes");
//! # futures_lite::future::block_on(async {
//! let backend = sled::open(&root, &SledOptions::new())?;
//! backend.write(&StoragePath::parse("today")?, b"first entry\n").await?;
//! backend.sync().await?; // all of it, or nothing, survives a power cut from here on
//! backend.close().await?;
//! # Ok::<(), anystorage_api::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Sled, or redb
//!
//! Sled calls itself beta. Its last stable release, 0.34.7, is of 2021, and that is the one used here, pinned: the engine relies on how it
//! works inside. The engine adds what sled leaves out (below). Prefer the redb engine for everything new, and where damage must be told, disks
//! are small, or locations are large: redb is maintained, and its opening hardly grows with what is stored. Sled is for those who
//! have it already.
//!
//! # What the engine adds to sled
//!
//! - **Flushes.** Sled's own `flush` starts the writing of its log and waits for it (`sync_file_range`); it asks no disk to keep anything. A
//!   durable commit is sled's batch, sled's flush, and then one `fsync` of its file `db`. `strace` counts exactly that one for a sync. An
//!   opening flushes `conf`, `blobs`, the directory and then `db`, in this order, so that a log with bytes in it has all that leads to it.
//!   Leaves that are larger than a quarter of a segment become files in `blobs`, and are flushed, with that directory, before the log; with
//!   the usual sizes there are none.
//! - **An order among flushes.** Sled uses a segment of its log again when what replaced it was written, flushed or not. So before a batch
//!   begins, everything below the segment at hand is flushed; a batch itself frees nothing before it is whole, because sled counts nothing
//!   behind its first record as stable until then. A relaxed commit is therefore without a flush as long as it stays in the segment at hand.
//! - **Atomic batches** are sled's: a batch begins with the position of its end, and recovery stops before one that is not all there.
//! - **No threads of its own** flush or clean in the background. Sled keeps seven to write with, for the whole process.
//! - **Space** is reserved ahead of each commit, for sled does not survive running out of it. Where it runs out all the same, what the batch
//!   had added to the log is cut off and the database opened anew: the batch is not there, what was before it is. Some segments are kept back
//!   in the file `reserve`, for removals and for the snapshot that sled writes when it is opened.
//! - **A new log on a full disk.** Sled cleans its log late or never. So when a commit has no room, all records are copied into a new log, in
//!   the directory `rebuilt`, which then takes the place of the old one; a kill in the middle leaves one of them, and the next opening
//!   finishes the swap or removes the copy. It takes 1.3 to 1.45 bytes for each live one and up to twelve segments, and about 0.2 s for
//!   4 MiB, 0.8 s for 40 MiB; calls wait meanwhile. For it to fit, a commit that adds more than it removes is refused unless the disk has 1.5
//!   times the live bytes and twelve segments free beside it. So a location fills a quarter to a third of a disk of its own. On a disk with more
//!   space free than that nothing is copied. A removal of many files at once may take more of the log than that leaves: then a new log is
//!   tried from 1.3 times the live bytes on, before the next commit is refused.
//! - **A snapshot when it is closed.** Sled takes damage in what it logged since its last snapshot for the end of its log, and goes on from
//!   there, with an older state and without a word. So `close` opens the database once more, which checks what was logged and covers it by a
//!   snapshot; what is damaged after that is told. It takes as long as the next opening would have.
//! - **A marker**, the file `anystorage`: it is made first, is locked, and tells the location from a sled database of somebody else, which is
//!   never opened, since opening changes it. Snapshots that a kill left unfinished, which sled would take for damage, are removed.
//!
//! # Sizes
//!
//! A block is 4 KiB, a segment of the log 512 KiB; on a disk of less than 64 MiB they are 512 bytes and 64 KiB. A leaf of sled holds up to
//! 19 values and is written whole each time that ten changes have gathered: 2.1 to 2.7 times the bytes of a write go to the log, whatever the
//! size of a block, and about 0.9 times for a removal. So what matters is the leaf: 64 KiB of it stay inline, and a read of a block that
//! is not in memory reads no more than that.
//!
//! Sled reads its page table when it is opened: opening grows with what is stored, far more than in the redb engine.
//!
//! | records of 100 bytes | 1,000 | 1,000,000 |
//! |---|---|---|
//! | opening after `close` | 52 ms | 115 ms |
//! | opening after a kill | 35 ms | 1.1 s |
//!
//! A file of 2 GiB, written in one go with one sync, took 2.9 GB on the disk and 182 MB of memory at most; the address space is larger,
//! mostly for sled's threads. Sled empties its cache by 256 parts, each when 64 pages of it were asked for: reads that are spread over
//! a large file may take more than [`SledOptions::cache_bytes`].
//!
//! # What it assumes
//!
//! Of the host's file system: that `fsync` of a file makes its bytes and length durable, and of a directory its names; that a rename is one
//! step; that a write changes no bytes beside those written; that `flock` works, for the marker and for `db`. Where `fallocate` is not offered,
//! running out of space is found out in the middle of a commit, which is then undone as above.
//!
//! Of its neighbours: that nobody writes into the directory. Of the program: that panics unwind; sled panics over some damage, which is
//! caught and becomes `Corrupt`.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract); what is not said here is as in `anystorage-kv`:
//!
//! 1. *Two syncs*: one durable commit each. 200 SIGKILLs in the middle of a mixed load, 42 % of them inside a sync, lost nothing.
//! 2. *Unsynced is bounded*: by atomic batches, old or new.
//! 3. *`atomic_sync`*: all of a sync is in one batch. 40 SIGKILLs in the middle of batches of 600 records left each of them whole or out.
//! 4. *Replacing* is part of a batch.
//! 5. *Reads* see every write.
//! 6. *Order*: a commit is alone; reads wait while it is made, and not while it is flushed.
//! 7. *One holder*: `flock` on the marker, and sled's own on `db`. The error names the process, where the host tells.
//! 8. *Space*: `NoSpace` is refused whole, and what was there stands. Removals have what is kept back, and what they free comes back by a new
//!    log. It is not set aside from other programs: where they fill the disk, there may be no room for a new log until they free some.
//! 9. *Damage*: `checksums` is not declared. Every record has one, and so has what sled keeps; no flipped bit was ever read as other bytes.
//!    But a location that was not closed, because its process was killed, may answer an older state when what was logged since its opening is
//!    damaged before the next one. Flipped bits, one at a time, in one run: of 450 in a closed location 212 were `Corrupt` and 238 did no harm; of 450 in
//!    one that was not closed 321 were `Corrupt`, 2 did no harm, and 127 gave the older state. None gave another error, a panic or a hang.
//! 10. *No silent fall-back*: nothing is left out.
//! 11. *A failed flush*: the commit answers `Io`, and so does every later one until the location is opened anew. Reads go on.
//! 12. *Open files* are the engine's.

mod database;
mod error;
mod geometry;
mod options;
mod place;
mod rebuild;
mod room;
mod store;
#[cfg(feature = "conformance")]
pub mod subject;

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_kv::KvBackend;

pub use crate::faults::FlushSwitch;
pub use options::{Mode, SledOptions};
pub use store::SledStore;

/// Files in a sled store.
pub type SledBackend = KvBackend<SledStore>;

/// Opens the location in a directory.
///
/// # Errors
/// [`NotFound`](ErrorKind::NotFound) if it is not there and the mode does not create it; [`InvalidInput`](ErrorKind::InvalidInput) if the
/// directory holds something else; [`Locked`](ErrorKind::Locked) with the process that holds it, where the host tells;
/// [`NotADirectory`](ErrorKind::NotADirectory), [`PermissionDenied`](ErrorKind::PermissionDenied) as the host says;
/// [`Corrupt`](ErrorKind::Corrupt) if it is damaged, [`Unsupported`](ErrorKind::Unsupported) if a newer version wrote it.
pub fn open(path: impl AsRef<Path>, options: &SledOptions) -> Result<SledBackend> {
    over(SledStore::open(path, options)?, options)
}

/// The same with flushes that a switch can make fail.
///
/// # Errors
/// As [`open`].
pub fn open_with_faults(path: impl AsRef<Path>, options: &SledOptions) -> Result<(SledBackend, FlushSwitch)> {
    let (store, switch) = SledStore::open_with_faults(path, options)?;
    Ok((over(store, options)?, switch))
}

fn over(store: SledStore, options: &SledOptions) -> Result<SledBackend> {
    let options = options.kv(store.geometry()?);
    // Every call of the store is ready at once, so this is.
    match pin!(KvBackend::open(store, options)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(backend) => backend,
        Poll::Pending => Err(Error::new(ErrorKind::WouldBlock, Operation::OpenLocation)),
    }
}

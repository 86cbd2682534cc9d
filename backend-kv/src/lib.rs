//! A complete anystorage engine over any transactional key-value store.
//!
//! Whoever has the five functions of [`KvStore`] (get, scan, commit, size, close) has an engine: [`KvBackend`] is a
//! [`StorageBackend`](anystorage_api::StorageBackend) with directories, sparse files, both kinds of sync, atomic renames, attributes and
//! checksums. sled and redb are such stores natively, IndexedDB is one in browsers. Where a put costs much, however small, [`Paged`] goes
//! around the store.
//!
//! # How it keeps files
//!
//! Files and directories have inodes; a name is a record under its directory's inode, so that renaming a directory is no more than
//! renaming a file. The bytes of a file are in blocks, of a size that the location has from its creation. A map in the inode, in further
//! records if the file is large, tells which blocks are there and under which version: a hole costs nothing, and a block that the store has
//! lost is noticed. Every record carries a checksum over its key and its content: blocks an XXH64, which is fast in a browser too, the others a
//! crc32c. ARCHITECTURE.md in the repository has the format on one page.
//!
//! What is changed stays in memory until a sync publishes it by one durable commit. Beyond [`KvOptions::dirty_bytes`] it goes to the store
//! by relaxed commits: blocks under versions that no published map names, other records as shadows, all of it noted under `pending/`. The
//! sync is then still one durable commit of a few records. What a kill leaves behind is undone or finished when the location is opened,
//! which reads what is under `pending/` and nothing else; what is no longer needed is deleted a piece at a time, after later syncs.
//!
//! # Memory
//!
//! Changed blocks and changed records take about [`KvOptions::dirty_bytes`] each, however large a file or a sync is; the batch of a commit
//! takes as much again for a moment. Stored blocks and records are cached in [`KvOptions::cache_bytes`]. Over a store that
//! tells where values lie ([`KvStore::get_located`]), that and checksums of their parts take up to half as much besides: a hundredth of the blocks of
//! which a part was read. There is an entry for each open file, and up to 2 MiB for the names of directories that were created since the location
//! was opened: for one that none of them was given the store is not asked. Only these are not bounded by that: the names of a directory that was
//! removed and replaced, when a file that replaces it is synced; and the parts of the block map of one file, some bytes for every 512 of its
//! blocks, when it alone is synced.
//!
//! # What it assumes
//!
//! - That the store keeps what [`KvStore`] promises: its commits are atomic, and its durable ones last.
//! - That the store is its own: whoever else writes to it damages it.
//! - Over a store that is not [immediate](KvOptions::immediate): that a future which was polled is polled on, or dropped; until then those
//!   that were polled later may wait for it. A call that changes something and is dropped goes on with a
//!   [spawner](KvOptions::spawner). Without one it leaves what it had done until then; in the middle of a commit, which the store may have
//!   made, it is as if that had failed.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract):
//!
//! 1. *Two syncs*: a file's sync publishes its bytes, its inode and the names that lead to it. Where such a name is published as that of
//!    something else, that is published too, under the name that it has now, with the bytes of its own last sync. A backend sync publishes
//!    everything. Each is one durable commit, and none if nothing has changed; a backend
//!    sync also commits when deletions of before have not been made to last.
//! 2. *Unsynced is bounded*: nothing that is unsynced is found after a kill.
//! 3. *`atomic_sync`* follows: what is found is what was published. Blocks are overwritten only within the commit that publishes them. One
//!    exception: a sync for which there is no space first publishes that files were removed, to have theirs.
//! 4. *Replacing*: `write` fills a new inode and gives it the name. What has replaced something is published whole or not at all.
//! 5. *Reads* see changed blocks, then stored ones, through whichever handle. Holes and growth read as zeros. Files reach up to 2^53 - 1
//!    bytes.
//! 6. *Order*: calls take effect in the order in which they were first polled. Calls that change something wait for each other, calls that
//!    read wait for changes before them, but not for commits of syncs. Over a store that waits: a read behind a change that is behind a
//!    sync waits for both, because it has to see the change; and one that is dropped runs to its end where there is a spawner.
//! 7. *One holder* is up to the store.
//! 8. *Space*: a commit that the store refuses for want of space leaves changes as they were; what nothing needs is deleted, and the commit
//!    tried once more. Removing goes on where nothing can be spilled. Opening and reading need no space.
//! 9. *Damage*: a record whose checksum does not fit, or that another one says is there and is not, is `Corrupt`. Lost entries of a
//!    directory alone are not noticed: their names are not found.
//! 10. *No silent fall-back*: there is nothing below it.
//! 11. *A failed flush*: after a commit that failed, but for want of space, every change and sync answers its error until the location is
//!     opened again. Reads go on, and see what was written.
//! 12. *Open files*: handles hold the inode. Its blocks are deleted when the last handle is gone and the removal is published.

mod ahead;
mod backend;
mod block;
mod cache;
mod content;
mod detach;
mod engine;
mod file;
mod format;
mod garbage;
mod handles;
mod located;
mod map;
mod names;
mod open;
mod options;
mod paged;
mod pages;
pub mod panics;
mod placement;
mod publish;
mod records;
mod recovery;
mod runs;
mod spill;
mod state;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tree;
mod whole;

pub use backend::KvBackend;
pub use options::{KvOptions, MAX_BLOCK_SIZE, MIN_BLOCK_SIZE};
pub use paged::Paged;
pub use store::{Batch, Commit, KvEntry, KvStore, MAX_KEY_LEN, MAX_RECORD_LEN};

#[doc = include_str!("../GUIDE.md")]
pub mod guide {}

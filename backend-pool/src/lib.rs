//! Files over a few files of a host that are opened ahead, with a name table in front.
//!
//! Some hosts take long to open a file, or can only do it asynchronously, and are fast once it is open: the origin private file system of
//! browsers is one. This engine is given files that are open already, and keeps its own files in them, one in each: so opening, creating,
//! renaming and removing one is done in memory, reading and writing is one call of the host, and nothing waits. It is for databases and
//! whoever else wants direct I/O on a few large files. What the host's files are is a matter of who implements [`RawFile`];
//! `anystorage-opfs` does it for browsers, as its layout `pool`.
//!
//! # How it keeps them
//!
//! One file of the host has the name table: which path is a directory, and which leads to the file of which number. The others have
//! the bytes of one file each, from the first to the last, and their length is its length; or they are spare, and empty.
//!
//! The table is changed in memory, and stored as a whole by the sync of a file whose name is new, by that of the location, and where files that
//! were removed are needed for new ones. It has two places of 64 KiB. A table is written to one of them and flushed, then to the other, without
//! a flush; the next one begins with that other. Each is numbered, and has a crc32c of all of it. So one of the two is whole, whatever becomes
//! of a write; and where the power stayed, they are the same.
//!
//! Before a table is stored, each file whose name is new is flushed. Only after it is flushed are files emptied that it does not name any more;
//! and the first flush of a new file, which comes before a table leads to it, makes that last, so that the old bytes never show up.
//!
//! Opening reads the table whose number is the highest, and flushes it before anything is used anew. A place that does not check is set aside:
//! the other one counts, the bytes of the bad one are kept behind both when the next table is stored, and files that have bytes and no name are
//! kept, until [`PoolBackend::discard_set_aside`] gives them up. A power cut in the middle of storing a table looks the same.
//!
//! ## The format, version 1
//!
//! Numbers are little-endian. A place is: `anystorage pool` (15 bytes), the format (1), the number (8), how many bytes of table follow (4),
//! these, and the crc32c of all before it (4). A table is: how many names (4), in the order of their bytes; of each, how many bytes it shares with
//! the one before (2), how many others follow (2), these, and 0 for a directory or the number of the file plus one (4); then how many files are
//! set aside (4), and their numbers (4 each).
//!
//! # What it costs
//!
//! - A sync of a file whose name is stored is one flush, and none without a change. With a new name it is two: the file's, and the
//!   table's; and one for each other file whose name is new.
//! - Renaming and removing read and write no byte of the file.
//! - [`write`](anystorage_api::StorageBackend::write) takes a spare file, also where it replaces one.
//! - All names, with their directories, have 64 KiB: about two thousand of usual length.
//!
//! # What it assumes
//!
//! - A flush makes the bytes and the length of one file last, as far as the host goes: [`PoolHost::durability`] says how far.
//! - A file that is new lasts before it is given to the pool, and no two have the same number.
//! - Nobody else has these files.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract):
//!
//! 1. *Two syncs*: that of a file flushes it, and stores the table if its name is not stored. That of the location flushes all files that have a
//!    name, and stores the table if it has changed.
//! 2. *Unsynced is bounded*: bytes are written in place, so a file that was not synced may be torn where it was written, and nowhere else. Names
//!    are as some table has them.
//! 3. *`atomic_sync`* is not declared.
//! 4. *Replacing*: one table flips the name, after the new file was flushed. That goes for directories with all that is in them, too.
//! 5. *Reads* are those of the host's file.
//! 6. *Order*: every call is done when its future is first polled.
//! 7. *One holder* is up to the host, which gives the files to one pool.
//! 8. *Space*: what the host refuses is `NoSpace`, and so is a new file where none is spare, with a text that says what to do. The table has its
//!    space from the begin. Where space runs out that removed files still have, their removal is made to last, spare files whose space the host keeps
//!    ([`RawFile::keeps_space`]) are closed, and the write is tried again.
//! 9. *Damage*: of the table it is noticed. Where one place is left, it has the newest table, unless a power cut came before the copy lasted and
//!    nothing was synced since: then the one before counts. With none opening is `Corrupt`. A host's file that is missing is `Corrupt` for
//!    the path that led to it. Bytes of files have no checksums. Nothing is deleted or cut.
//! 10. *No silent fall-back*: there is nothing below it. What it does not offer (attributes, usage) answers `Unsupported`.
//! 11. *A failed flush*: of a file, it takes no more changes until the location is opened anew, and no new file has its place; while its name
//!     is new, no table is stored, with an error that names it, until it is removed. Of the table, the tree takes no more changes.
//! 12. *Open files* have the file, and not the name. One that is removed or replaced stays as it is until the last handle is gone.

mod backend;
mod file;
mod location;
mod names;
mod node;
mod raw;
mod slots;
mod table;

pub use backend::{PoolBackend, PoolHost};
pub use raw::RawFile;

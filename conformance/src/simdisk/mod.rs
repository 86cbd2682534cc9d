//! A disk that loses, reorders and tears what was not synced, and whose power can be cut at every operation.
//!
//! Killing a process cannot lose the operating system's page cache: it proves recovery, and never an fsync. [`SimDisk`] is a host file
//! system in memory that knows of every byte and every name whether it is durable, and [`SimDisk::cut`] gives the disk as it may be found
//! after a power cut at this moment. [`Sweep`] replays a workload with a cut before every operation, and has each outcome checked.
//!
//! ```
//! use anystorage_conformance::simdisk::{Outcome, SimDisk, SimOpen};
//!
//! let disk = SimDisk::new();
//! let file = disk.open("new", SimOpen::CreateNew)?;
//! file.write_at(0, b"data")?;
//! disk.rename("new", "name")?;
//! disk.sync_dir("")?;
//!
//! // The name is durable and the bytes are not: the classical empty file.
//! let found = disk.cut(Outcome::NothingUnsynced);
//! assert_eq!(found.metadata("name")?.len, 0);
//!
//! file.sync()?;
//! let found = disk.cut(Outcome::NothingUnsynced);
//! assert_eq!(found.metadata("name")?.len, 4);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it assumes of media
//! It promises less than ext4, xfs or btrfs do; a protocol that passes here relies on nothing but this.
//! - A sector of [`SECTOR`] bytes is written whole or not at all. After a cut each sector is any one of the versions it had since its file
//!   was last synced, chosen for each sector alone: writes are lost, reordered and torn.
//! - A file's length is any one that it had since its last sync, whatever became of its bytes. Bytes that did not make it read as they
//!   were before, in what grew as zeros. Behind the end of a file nothing stays: growing over it reads as zeros.
//! - fsync of a file makes its bytes and its length durable, not its name, and nothing of any other file.
//! - Creating, removing or renaming is one atomic operation on the one or two directories whose entries change. Operations keep their
//!   order within each directory, and a directory that is moved or removed keeps its own operations before that move: one survives only if
//!   every earlier one in its directories has survived. Directories are otherwise independent, and each may be cut at a point of its own.
//!   A file may survive in a directory that has not, and is lost with it.
//! - fsync of a directory makes the operations on its entries durable, with those that have to come before them; not its own name.
//! - What was durable stays. A cut damages no sector that was not being written.

mod errno;
mod names;
mod operation;
mod outcome;
mod sectors;
mod sweep;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use errno::Errno;
use names::{Edit, Entry, Names, ROOT};
pub use operation::{Call, Operation, SyncCall};
use outcome::Chooser;
pub use outcome::{Outcome, Rng};
pub use sectors::SECTOR;
use sectors::Sectors;
pub use sweep::{Failure, Medium, Survey, Sweep};

const MAX_NAME: usize = 255;
const MAX_LEN: u64 = i64::MAX as u64;

/// How to open a file of a [`SimDisk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimOpen {
    /// One that exists, for reading.
    Read,
    /// One that exists, for writing.
    Write,
    /// One that exists, for both.
    ReadWrite,
    /// A new one, for both.
    CreateNew,
}

/// What is at a path of a [`SimDisk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimMetadata {
    /// Whether it is a directory; otherwise it is a file.
    pub is_directory: bool,
    /// The length in bytes; 0 for a directory.
    pub len: u64,
    /// Its identity. No inode's number is ever used again.
    pub inode: u64,
    /// How many names it has: 1, or 0 once it is removed.
    pub links: u64,
    /// Permission bits.
    pub mode: u32,
    /// When its bytes or entries last changed, in operations since the disk was new: it has no clock.
    pub modified: u64,
    /// When anything of it last changed.
    pub changed: u64,
}

/// A simulated disk with a file system on it. Clones are the same disk. Paths are relative to its root, `/`-separated; the empty path is
/// the root. Errors are those of POSIX.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// An open file of a [`SimDisk`]. It stays usable after its name has changed or gone.
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    inode: u64,
    path: String,
    reads: bool,
    writes: bool,
}

#[derive(Clone, Debug)]
struct Inode {
    /// None for a directory.
    bytes: Option<Sectors>,
    links: u64,
    /// How many open files there are of it.
    handles: u64,
    mode: u32,
    modified: u64,
    changed: u64,
}

type LeaveOut = Box<dyn Fn(&SyncCall<'_>) -> bool + Send + Sync>;

struct State {
    names: Names,
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    /// Operations since the disk was new, over all cuts.
    time: u64,
    log: Vec<Operation>,
    reads: u64,
    syncs: u64,
    power: Power,
    leave_out: Option<LeaveOut>,
    longest_write: usize,
    capacity: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    On,
    OffBefore(usize),
    Off,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("inodes", &self.inodes.len())
            .field("operations", &self.log.len())
            .field("power", &self.power)
            .finish_non_exhaustive()
    }
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// An empty disk of 1 TiB.
    #[must_use]
    pub fn new() -> Self {
        let root = Inode { bytes: None, links: 1, handles: 0, mode: 0o755, modified: 0, changed: 0 };
        Self::with_state(Names::new(), BTreeMap::from([(ROOT, root)]), ROOT + 1, 0, 1 << 40)
    }

    fn with_state(names: Names, inodes: BTreeMap<u64, Inode>, next_inode: u64, time: u64, capacity: u64) -> Self {
        let state = State {
            names,
            inodes,
            next_inode,
            time,
            log: Vec::new(),
            reads: 0,
            syncs: 0,
            power: Power::On,
            leave_out: None,
            longest_write: usize::MAX,
            capacity,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `IsADirectory`, `NotADirectory`.
    pub fn open(&self, path: &str, how: SimOpen) -> io::Result<SimFile> {
        let mut state = self.state();
        let inode = match how {
            SimOpen::CreateNew => state.create(path, false)?,
            SimOpen::Read | SimOpen::Write | SimOpen::ReadWrite => {
                state.reading()?;
                let found = state.find(path)?;
                if found.is_directory {
                    return Err(Errno::IsDirectory.into());
                }
                found.inode
            }
        };
        if let Some(inode) = state.inodes.get_mut(&inode) {
            inode.handles += 1;
        }
        drop(state);
        Ok(SimFile { disk: self.clone(), inode, path: path.to_owned(), reads: how != SimOpen::Write, writes: how != SimOpen::Read })
    }

    /// What is at a path.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn metadata(&self, path: &str) -> io::Result<SimMetadata> {
        let mut state = self.state();
        state.reading()?;
        let inode = state.find(path)?.inode;
        state.metadata(inode)
    }

    /// The names in a directory, each with whether it is a directory, by name.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn entries(&self, directory: &str) -> io::Result<Vec<(String, bool)>> {
        let mut state = self.state();
        state.reading()?;
        let inode = state.find_directory(directory)?;
        let entries = state.names.entries(inode).into_iter().flatten();
        Ok(entries.map(|(name, entry)| (name.clone(), entry.is_directory)).collect())
    }

    /// `mkdir(2)`.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `NotADirectory`.
    pub fn create_dir(&self, path: &str) -> io::Result<()> {
        self.state().create(path, true).map(|_| ())
    }

    /// `unlink(2)`.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `NotADirectory`.
    pub fn remove_file(&self, path: &str) -> io::Result<()> {
        self.state().remove(path, false)
    }

    /// `rmdir(2)`.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `DirectoryNotEmpty`, `InvalidInput` for the root.
    pub fn remove_dir(&self, path: &str) -> io::Result<()> {
        self.state().remove(path, true)
    }

    /// `rename(2)`: replaces a file, or an empty directory by a directory.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `IsADirectory`, `DirectoryNotEmpty`, `InvalidInput` for a directory into itself and for the root.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.state().rename(from, to)
    }

    /// `fsync(2)` of a directory.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`.
    pub fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.find_directory(path)?;
        if state.sync_counts(Call::SyncDir, path)? {
            state.names.sync(inode);
        }
        Ok(())
    }

    /// How many bytes the disk holds at most, and how many are free.
    #[must_use]
    pub fn space(&self) -> (u64, u64) {
        let state = self.state();
        (state.capacity, state.capacity.saturating_sub(state.stored()))
    }

    /// The disk as it may be found after a power cut now: everything on it is durable, its log is empty, and it has none of the settings
    /// below. This one stays as it is.
    #[must_use]
    pub fn cut(&self, outcome: Outcome) -> Self {
        let state = self.state();
        let mut chooser = Chooser::new(outcome);
        let names = state.names.after_cut(&mut chooser);
        let mut inodes = BTreeMap::new();
        for inode in names.named().chain([ROOT]) {
            let Some(before) = state.inodes.get(&inode) else { continue };
            let bytes = before.bytes.as_ref().map(|bytes| bytes.after_cut(&mut chooser));
            inodes.insert(inode, Inode { bytes, links: 1, handles: 0, ..before.clone() });
        }
        Self::with_state(names, inodes, state.next_inode, state.time, state.capacity)
    }

    /// Turns the power off before operation number `operation`, counted from 0 over the whole log: it and every later call, reads too,
    /// fail and do nothing.
    pub fn stop_before(&self, operation: usize) {
        self.state().power = Power::OffBefore(operation);
    }

    /// Whether an operation was refused because the power is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.state().power == Power::Off
    }

    /// From now on every fsync of which `rule` is true reports success and does nothing: a protocol without that fsync.
    pub fn leave_out_syncs(&self, rule: impl Fn(&SyncCall<'_>) -> bool + Send + Sync + 'static) {
        self.state().leave_out = Some(Box::new(rule));
    }

    /// From now on one write takes at most `bytes`, as `pwrite(2)` may: longer ones are short. At least 1.
    pub fn limit_writes(&self, bytes: usize) {
        self.state().longest_write = bytes.max(1);
    }

    /// How many bytes the disk can hold, in whole sectors of files; names take nothing.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Every operation so far, oldest first; reads are not among them.
    #[must_use]
    pub fn log(&self) -> Vec<Operation> {
        self.state().log.clone()
    }

    /// How many operations the log has.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.state().log.len()
    }

    /// How many fsyncs there were.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How many calls only read: opening what exists, reading, listing, metadata.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimFile {
    /// `pread(2)`: short only at the end of the file.
    ///
    /// # Errors
    /// `EBADF` if the file was not opened for reading.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.reading()?;
        if !self.reads {
            return Err(Errno::ReadOnly.into());
        }
        Ok(state.bytes(self.inode)?.read_at(offset, buf))
    }

    /// `pwrite(2)`: how many bytes it took.
    ///
    /// # Errors
    /// `EBADF` if the file was not opened for writing, `EFBIG`, `ENOSPC`.
    pub fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        self.check_writable()?;
        let data = data.get(..data.len().min(state.longest_write)).unwrap_or_default();
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > MAX_LEN) {
            return Err(Errno::TooLarge.into());
        }
        state.operation(Call::Write, &self.path, "", data.len() as u64)?;
        if state.capacity.saturating_sub(state.stored()) < data.len() as u64 + SECTOR as u64 {
            return Err(Errno::NoSpace.into());
        }
        state.bytes(self.inode)?.write_at(offset, data);
        state.touch(self.inode);
        Ok(data.len())
    }

    /// `ftruncate(2)`.
    ///
    /// # Errors
    /// As [`write_at`](Self::write_at).
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        self.check_writable()?;
        if len > MAX_LEN {
            return Err(Errno::TooLarge.into());
        }
        state.operation(Call::SetLen, &self.path, "", len)?;
        state.bytes(self.inode)?.set_len(len);
        state.touch(self.inode);
        Ok(())
    }

    /// `fstat(2)`.
    ///
    /// # Errors
    /// Only once the power is off.
    pub fn metadata(&self) -> io::Result<SimMetadata> {
        let mut state = self.disk.state();
        state.reading()?;
        state.metadata(self.inode)
    }

    /// `fsync(2)`.
    ///
    /// # Errors
    /// Only once the power is off.
    pub fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.sync_counts(Call::SyncFile, &self.path)? {
            state.bytes(self.inode)?.sync();
        }
        Ok(())
    }

    /// `fchmod(2)`.
    ///
    /// # Errors
    /// Only once the power is off.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        let mut state = self.disk.state();
        let time = state.operation(Call::SetMode, &self.path, "", 0)?;
        state.bytes(self.inode)?.set_mode(mode);
        if let Some(inode) = state.inodes.get_mut(&self.inode) {
            inode.changed = time;
        }
        Ok(())
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.writes { Ok(()) } else { Err(Errno::ReadOnly.into()) }
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if let Some(inode) = self.disk.state().inodes.get_mut(&self.inode) {
            inode.handles = inode.handles.saturating_sub(1);
        }
    }
}

impl State {
    fn power(&mut self) -> io::Result<()> {
        if self.power == Power::OffBefore(self.log.len()) {
            self.power = Power::Off;
        }
        if self.power == Power::Off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn reading(&mut self) -> io::Result<()> {
        // Reads before the operation that the power goes off at are done: they change nothing.
        if self.power == Power::Off {
            return Err(io::Error::other("the power is off"));
        }
        self.reads += 1;
        Ok(())
    }

    /// Logs an operation that is about to be done, and gives its time.
    fn operation(&mut self, call: Call, path: &str, to: &str, len: u64) -> io::Result<u64> {
        self.power()?;
        self.log.push(Operation { call, path: path.to_owned(), to: to.to_owned(), len, left_out: false });
        self.time += 1;
        Ok(self.time)
    }

    /// Logs an fsync, and says whether it is one that does something.
    fn sync_counts(&mut self, call: Call, path: &str) -> io::Result<bool> {
        self.operation(call, path, "", 0)?;
        let nth = self.syncs;
        self.syncs += 1;
        let left_out = match (&self.leave_out, self.log.split_last()) {
            (Some(rule), Some((operation, before))) => rule(&SyncCall { nth, operation, before }),
            _ => false,
        };
        if let Some(operation) = self.log.last_mut() {
            operation.left_out = left_out;
        }
        Ok(!left_out)
    }

    /// What takes space: files that have a name or are open. Others are kept in memory alone, because a cut may bring them back.
    fn stored(&self) -> u64 {
        let taking = self.inodes.values().filter(|inode| inode.links > 0 || inode.handles > 0);
        taking.filter_map(|inode| inode.bytes.as_ref()).map(Sectors::stored).sum()
    }

    fn bytes(&mut self, inode: u64) -> io::Result<&mut Sectors> {
        self.inodes.get_mut(&inode).and_then(|inode| inode.bytes.as_mut()).ok_or_else(|| Errno::IsDirectory.into())
    }

    fn touch(&mut self, inode: u64) {
        let time = self.time;
        if let Some(inode) = self.inodes.get_mut(&inode) {
            inode.modified = time;
            inode.changed = time;
        }
    }

    fn metadata(&self, number: u64) -> io::Result<SimMetadata> {
        let inode = self.inodes.get(&number).ok_or(Errno::NotFound)?;
        Ok(SimMetadata {
            is_directory: inode.bytes.is_none(),
            len: inode.bytes.as_ref().map_or(0, Sectors::len),
            inode: number,
            links: inode.links,
            mode: inode.bytes.as_ref().map_or(inode.mode, Sectors::mode),
            modified: inode.modified,
            changed: inode.changed,
        })
    }

    fn find(&self, path: &str) -> Result<Entry, Errno> {
        let mut found = Entry { inode: ROOT, is_directory: true };
        for part in path.split('/').filter(|_| !path.is_empty()) {
            check_name(part)?;
            if !found.is_directory {
                return Err(Errno::NotDirectory);
            }
            found = self.names.entry(found.inode, part).ok_or(Errno::NotFound)?;
        }
        Ok(found)
    }

    fn find_directory(&self, path: &str) -> Result<u64, Errno> {
        let found = self.find(path)?;
        if found.is_directory { Ok(found.inode) } else { Err(Errno::NotDirectory) }
    }

    /// The directory and the name of a path that is not the root.
    fn place<'a>(&self, path: &'a str, root: Errno) -> Result<(u64, &'a str), Errno> {
        if path.is_empty() {
            return Err(root);
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        check_name(name)?;
        Ok((self.find_directory(parent)?, name))
    }

    fn create(&mut self, path: &str, is_directory: bool) -> io::Result<u64> {
        let (directory, name) = self.place(path, Errno::Exists)?;
        if self.names.entry(directory, name).is_some() {
            return Err(Errno::Exists.into());
        }
        let (call, mode) = if is_directory { (Call::CreateDir, 0o755) } else { (Call::Create, 0o644) };
        let time = self.operation(call, path, "", 0)?;
        let inode = self.next_inode;
        self.next_inode += 1;
        let bytes = (!is_directory).then(|| Sectors::empty(mode));
        self.inodes.insert(inode, Inode { bytes, links: 1, handles: 0, mode, modified: time, changed: time });
        let entry = Some(Entry { inode, is_directory });
        self.names.change(vec![Edit { directory, name: name.to_owned(), entry }], &[]);
        self.touch(directory);
        Ok(inode)
    }

    fn remove(&mut self, path: &str, is_directory: bool) -> io::Result<()> {
        let (directory, name) = self.place(path, if is_directory { Errno::Invalid } else { Errno::IsDirectory })?;
        let entry = self.names.entry(directory, name).ok_or(Errno::NotFound)?;
        if entry.is_directory != is_directory {
            return Err(if is_directory { Errno::NotDirectory } else { Errno::IsDirectory }.into());
        }
        if is_directory && !self.is_empty(entry.inode) {
            return Err(Errno::NotEmpty.into());
        }
        self.operation(if is_directory { Call::RemoveDir } else { Call::RemoveFile }, path, "", 0)?;
        let moved = if is_directory { vec![entry.inode] } else { Vec::new() };
        self.names.change(vec![Edit { directory, name: name.to_owned(), entry: None }], &moved);
        self.unlink(entry.inode);
        self.touch(directory);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let (from_directory, from_name) = self.place(from, Errno::Invalid)?;
        let entry = self.names.entry(from_directory, from_name).ok_or(Errno::NotFound)?;
        if entry.is_directory && to.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
            return Err(Errno::Invalid.into());
        }
        let (to_directory, to_name) = self.place(to, Errno::Invalid)?;
        let replaced = self.names.entry(to_directory, to_name);
        match replaced {
            Some(replaced) if replaced.inode == entry.inode => return Ok(()),
            Some(replaced) if replaced.is_directory && !entry.is_directory => return Err(Errno::IsDirectory.into()),
            Some(replaced) if !replaced.is_directory && entry.is_directory => return Err(Errno::NotDirectory.into()),
            Some(replaced) if replaced.is_directory && !self.is_empty(replaced.inode) => return Err(Errno::NotEmpty.into()),
            _ => {}
        }
        let time = self.operation(Call::Rename, from, to, 0)?;
        let moved: Vec<u64> = replaced.into_iter().chain([entry]).filter(|entry| entry.is_directory).map(|entry| entry.inode).collect();
        let edits = vec![
            Edit { directory: from_directory, name: from_name.to_owned(), entry: None },
            Edit { directory: to_directory, name: to_name.to_owned(), entry: Some(entry) },
        ];
        self.names.change(edits, &moved);
        if let Some(replaced) = replaced {
            self.unlink(replaced.inode);
        }
        if let Some(inode) = self.inodes.get_mut(&entry.inode) {
            inode.changed = time;
        }
        self.touch(from_directory);
        self.touch(to_directory);
        Ok(())
    }

    fn is_empty(&self, directory: u64) -> bool {
        self.names.entries(directory).is_none_or(BTreeMap::is_empty)
    }

    fn unlink(&mut self, inode: u64) {
        let time = self.time;
        if let Some(inode) = self.inodes.get_mut(&inode) {
            inode.links = 0;
            inode.changed = time;
        }
    }
}

fn check_name(name: &str) -> Result<(), Errno> {
    match name {
        "" | "." | ".." => Err(Errno::Invalid),
        _ if name.contains('\0') => Err(Errno::Invalid),
        _ if name.len() > MAX_NAME => Err(Errno::NameTooLong),
        _ => Ok(()),
    }
}

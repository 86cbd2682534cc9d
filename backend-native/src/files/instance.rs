//! What the backend and all its files share.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, RwLock};

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};

use super::dirty::{DirtyDirs, ToFlush};
use super::disk::{Disk, DiskFile, DiskOpen, DiskOpened, SyncDirError};
use super::error::{host_error, is_lack_of_descriptors};
use super::guard::{exclusive, lock};
use super::listing::Listings;
use super::lock::RootLock;
use super::names::{child, temporary, user_path};
use super::node::{Name, Node, Nodes};
use super::revision::Revisions;

/// One open location.
///
/// Locks are taken in this order and never the other way: `structure`, `flushing`, a node's flush, `tree`, a node's state, `revisions`.
#[derive(Debug)]
pub(super) struct Instance<D: Disk> {
    pub(super) disk: D,
    pub(super) read_only: bool,
    lock: Mutex<Option<RootLock>>,
    closed: AtomicBool,
    /// The flush of a directory that failed.
    failed: OnceLock<Error>,
    /// Shared by whoever relies on a path staying where it is, exclusive for renames and removals.
    pub(super) structure: RwLock<()>,
    pub(super) tree: Mutex<Tree<D::File>>,
    pub(super) revisions: Mutex<Revisions>,
    /// One flush of directories at a time; whoever waited often finds nothing left to do.
    flushing: Mutex<()>,
    temporaries: Temporaries,
}

/// What is known of the tree.
#[derive(Debug)]
pub(super) struct Tree<F> {
    pub(super) nodes: Nodes<F>,
    pub(super) dirty: DirtyDirs,
    pub(super) listings: Listings,
}

impl<D: Disk> Instance<D> {
    pub(super) fn new(disk: D, lock: Option<RootLock>, read_only: bool) -> Self {
        Self {
            disk,
            read_only,
            lock: Mutex::new(lock),
            closed: AtomicBool::new(false),
            failed: OnceLock::new(),
            structure: RwLock::new(()),
            tree: Mutex::new(Tree { nodes: Nodes::default(), dirty: DirtyDirs::default(), listings: Listings::default() }),
            revisions: Mutex::new(Revisions::default()),
            flushing: Mutex::new(()),
            temporaries: Temporaries::default(),
        }
    }

    /// Refuses every call after `close`.
    pub(super) fn check_open(&self, operation: Operation) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, operation).with_text("this location was closed"));
        }
        Ok(())
    }

    /// Refuses changes when reading alone was asked for, or after a flush of a directory failed.
    pub(super) fn check_changes(&self, operation: Operation, path: &StoragePath) -> Result<()> {
        self.check_open(operation)?;
        if self.read_only {
            return Err(Error::new(ErrorKind::PermissionDenied, operation)
                .with_path(path)
                .with_text("the location is open for reading alone"));
        }
        self.check_flushes(operation)
    }

    /// Refuses after a flush of a directory failed.
    pub(super) fn check_flushes(&self, operation: Operation) -> Result<()> {
        match self.failed.get() {
            Some(failed) => Err(failed.clone().in_operation(operation)),
            None => Ok(()),
        }
    }

    /// Gives the location free. Calls that are under way end first.
    pub(super) fn close(&self) -> Result<()> {
        let _alone = exclusive(&self.structure);
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(Error::new(ErrorKind::Closed, Operation::Close).with_text("this location was closed before"));
        }
        let nodes = {
            let mut tree = lock(&self.tree);
            let nodes = tree.nodes.named();
            tree.nodes.clear();
            nodes
        };
        for (node, _) in nodes {
            drop(exclusive(&node.state));
        }
        lock(&self.lock).take();
        Ok(())
    }

    /// Asks the disk for something. Where the process has no descriptors left, those of closed files are given back first: whoever closed
    /// a file may count on it.
    pub(super) fn ask<T>(&self, call: impl Fn(&D) -> io::Result<T>) -> io::Result<T> {
        let answer = call(&self.disk);
        match &answer {
            Err(error) if is_lack_of_descriptors(error) && self.flush_waiting() => call(&self.disk),
            _ => answer,
        }
    }

    /// Flushes the closed files that wait for it. False if there are none.
    fn flush_waiting(&self) -> bool {
        let waiting = lock(&self.tree).nodes.waiting();
        for (node, file) in &waiting {
            self.flush_closed(node, file);
        }
        !waiting.is_empty()
    }

    /// Flushes a file that nobody has open. A failure stays with the file, and the next sync tells it.
    pub(super) fn flush_closed(&self, node: &Node, file: &D::File) {
        if let Name::At(path) = node.name() {
            let _ = self.flush_file(node, file, &user_path(&path).unwrap_or_default());
        } else {
            let _ = self.flush_file(node, file, &StoragePath::root());
        }
        lock(&self.tree).nodes.forget_clean(node.id());
    }

    /// An entry of a directory came, went or was replaced.
    pub(super) fn entry_changed(&self, directory: &str) {
        let mut tree = lock(&self.tree);
        tree.dirty.mark(directory);
        tree.listings.forget(directory);
        drop(tree);
        lock(&self.revisions).directory_changed(directory);
    }

    /// Flushes a file if it is dirty; the error names its path.
    pub(super) fn flush_file(&self, node: &Node, file: &D::File, path: &StoragePath) -> Result<()> {
        node.flush(file, |error| failed_flush(error, path))
    }

    /// Flushes the dirty directories that lead to a file.
    pub(super) fn flush_leading_to(&self, name: impl Fn() -> Name) -> Result<()> {
        self.flush_directories(|dirty| match name() {
            Name::At(path) => dirty.leading_to(&path),
            Name::Elsewhere => dirty.all(),
            Name::Removed => Vec::new(),
        })
    }

    /// Flushes the directories chosen, wherever they move meanwhile.
    pub(super) fn flush_directories(&self, choose: impl Fn(&DirtyDirs) -> Vec<ToFlush>) -> Result<()> {
        let choose = || choose(&lock(&self.tree).dirty);
        if choose().is_empty() {
            return self.check_flushes(Operation::Sync);
        }
        let _turn = lock(&self.flushing);
        self.check_flushes(Operation::Sync)?;
        let mut next = choose();
        let mut wanted: BTreeSet<u64> = next.iter().map(|directory| directory.record).collect();
        while !next.is_empty() {
            for directory in &next {
                if self.flush_directory(directory)? {
                    wanted.remove(&directory.record);
                }
            }
            next = lock(&self.tree).dirty.still(&wanted);
        }
        Ok(())
    }

    /// False if the directory was moved before the flush reached it.
    fn flush_directory(&self, directory: &ToFlush) -> Result<bool> {
        let flushed = self.ask(|disk| match disk.sync_dir(&directory.path) {
            Ok(()) => Ok(Ok(())),
            Err(SyncDirError::Flush(error)) => Ok(Err(error)),
            Err(SyncDirError::Open(error)) => Err(error),
        });
        match flushed {
            Ok(Ok(())) => Ok(lock(&self.tree).dirty.flushed(directory)),
            Ok(Err(error)) => {
                let failed = failed_flush(error, &user_path(&directory.path).unwrap_or_default());
                Err(self.failed.get_or_init(|| failed).clone())
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                let dirty = &mut lock(&self.tree).dirty;
                let gone = dirty.is_at(directory);
                if gone {
                    // Somebody else removed it: nothing of ours is left in it.
                    dirty.removed(&directory.path);
                }
                Ok(gone)
            }
            // No flush was asked for, so nothing is unknown: it stays dirty, and the next sync tries again.
            Err(error) => Err(host_error(error, Operation::Sync, &user_path(&directory.path).unwrap_or_default())),
        }
    }

    /// Creates a temporary file in this directory. It is removed when it is dropped.
    ///
    /// It is locked while it is open: an instance whose root is above or below this one's then knows that somebody is at work on it.
    pub(super) fn temporary(&self, directory: &str) -> io::Result<Temporary<'_, D>> {
        loop {
            let name = self.temporaries.next();
            let path = child(directory, &name);
            match self.ask(|disk| disk.open(&path, DiskOpen::CreateNew)) {
                Ok(DiskOpened { file, metadata, through_link }) => {
                    let mut temporary = Temporary { instance: self, file, id: metadata.id, through_link, path, name, kept: false };
                    // Another instance may take it for stale before the lock is there. What that one has locked it removes, and what has no
                    // name any more it has removed.
                    if temporary.file.try_lock()? && temporary.file.metadata()?.links > 0 {
                        return Ok(temporary);
                    }
                    temporary.keep();
                }
                Err(error) => {
                    self.temporaries.done(&name);
                    if error.kind() != io::ErrorKind::AlreadyExists {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Removes temporary files that an instance before this one left in the directory.
    pub(super) fn remove_stale(&self, directory: &str, names: &[String]) {
        if self.read_only {
            return;
        }
        for name in names.iter().filter(|name| !self.temporaries.is_ours(name)) {
            match self.remove_abandoned(&child(directory, name)) {
                Ok(true) => log::warn!("removed {name:?}, which an interrupted write had left in {directory:?}"),
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => log::warn!("could not remove {name:?}, which an interrupted write had left in {directory:?}: {error}"),
            }
        }
    }

    /// Removes a temporary file, unless an instance with a root above or below this one's is at work on it.
    fn remove_abandoned(&self, path: &str) -> io::Result<bool> {
        let opened = self.ask(|disk| match disk.open(path, DiskOpen::Read) {
            // It has the permissions of the file that it was to replace.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => disk.open(path, DiskOpen::Write),
            outcome => outcome,
        })?;
        if !opened.file.try_lock()? {
            return Ok(false);
        }
        self.ask(|disk| disk.remove_file(path)).map(|()| true)
    }
}

fn failed_flush(error: io::Error, path: &StoragePath) -> Error {
    let text = "a flush failed, and what reached the disk is unknown: no more writes until the location is opened again";
    host_error(error, Operation::Sync, path).with_text(text)
}

/// A temporary file at work.
#[derive(Debug)]
pub(super) struct Temporary<'i, D: Disk> {
    instance: &'i Instance<D>,
    pub(super) file: D::File,
    pub(super) id: (u64, u64),
    /// Whether a link led to its directory.
    pub(super) through_link: bool,
    pub(super) path: String,
    name: String,
    kept: bool,
}

impl<D: Disk> Temporary<'_, D> {
    /// It has got its real name, or is removed by somebody else: nothing is left to remove here.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    /// Writes everything.
    pub(super) fn fill(&self, data: &[u8]) -> io::Result<()> {
        write_all(&self.file, 0, data)
    }
}

impl<D: Disk> Drop for Temporary<'_, D> {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self.instance.ask(|disk| disk.remove_file(&self.path))
        {
            log::warn!("could not remove the temporary file {:?}: {error}", self.path);
        }
        self.instance.temporaries.done(&self.name);
    }
}

/// The temporary names that this instance uses right now.
#[derive(Debug, Default)]
struct Temporaries {
    used: Mutex<HashSet<String>>,
    random: RandomState,
    count: AtomicU64,
}

impl Temporaries {
    fn next(&self) -> String {
        let name = temporary(self.random.hash_one(self.count.fetch_add(1, Ordering::Relaxed)));
        lock(&self.used).insert(name.clone());
        name
    }

    fn is_ours(&self, name: &str) -> bool {
        lock(&self.used).contains(name)
    }

    fn done(&self, name: &str) {
        lock(&self.used).remove(name);
    }
}

/// Reads until `buf` is full or the file ends.
pub(super) fn read_full<F: DiskFile>(file: &F, mut offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(offset, rest) {
            Ok(0) => break,
            Ok(count) => {
                filled += count;
                offset = offset.saturating_add(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes all of `data`, or fails.
pub(super) fn write_all<F: DiskFile>(file: &F, mut offset: u64, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        match file.write_at(offset, data) {
            Ok(0) => return Err(io::Error::new(io::ErrorKind::WriteZero, "the host took no bytes and gave no reason")),
            Ok(count) => {
                data = data.get(count..).unwrap_or_default();
                offset = offset.saturating_add(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

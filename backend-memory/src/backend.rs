//! The engine: one tree behind one lock.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anystorage_api::{
    Capabilities, DirEntry, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};

use crate::file::{MAX_FILE_LEN, MemoryFile};
use crate::inode::Inode;
use crate::location::Location;
use crate::tree::{Call, Directory, Node};

/// Files and directories in memory, sparse, gone when the value and all its files are dropped.
///
/// Every instance is a location of its own. All calls are ready at the first poll, so `Blocking` can drive it.
///
/// ```
/// use anystorage_api::{StorageBackend, StoragePath};
/// use anystorage_memory::MemoryBackend;
///
/// # futures_lite::future::block_on(async {
/// let storage = MemoryBackend::new();
/// let path = StoragePath::parse("greeting")?;
/// storage.write(&path, b"hello").await?;
/// assert_eq!(storage.read(&path).await?, b"hello");
/// # Ok::<(), anystorage_api::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct MemoryBackend {
    location: Arc<Location>,
    // Held for the length of one call, never across an await. A call that needs a file's lock too takes it after this one.
    tree: RwLock<Directory>,
}

impl MemoryBackend {
    /// An empty location that takes whatever memory the process can get.
    #[must_use]
    pub fn new() -> Self {
        Self::build(None)
    }

    /// An empty location whose files hold at most `bytes` bytes together: beyond that, calls answer
    /// [`NoSpace`](ErrorKind::NoSpace). Holes are not counted, and neither are names; a file that was removed counts until its last handle
    /// is closed.
    #[must_use]
    pub fn with_limit(bytes: u64) -> Self {
        Self::build(Some(bytes))
    }

    fn build(limit: Option<u64>) -> Self {
        let location = Arc::new(Location::new(limit));
        let tree = RwLock::new(Directory::new(&location));
        Self { location, tree }
    }

    // No code that holds these locks panics, and the tree is consistent after every statement: a poisoned lock guards sound data.

    fn shared(&self) -> RwLockReadGuard<'_, Directory> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, Directory> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin<'a>(&self, operation: Operation, path: &'a StoragePath) -> Result<Call<'a>> {
        self.location.check_open(operation).map_err(|error| error.with_path(path))?;
        Ok(Call { operation, path })
    }

    /// The file at `path`, which must be there.
    fn existing(&self, path: &StoragePath, call: Call<'_>) -> Result<Arc<Inode>> {
        let tree = self.shared();
        let Some((holder, name)) = tree.holder(path, call)? else {
            return Err(call.error(ErrorKind::IsADirectory));
        };
        match holder.entry(name) {
            Some(Node::File(inode)) => Ok(Arc::clone(inode)),
            Some(Node::Directory(_)) => Err(call.error(ErrorKind::IsADirectory)),
            None => Err(call.error(ErrorKind::NotFound)),
        }
    }

    /// The file at `path`, created if it is missing; with `create_new` it must be.
    fn existing_or_new(&self, path: &StoragePath, create_new: bool, call: Call<'_>) -> Result<Arc<Inode>> {
        let mut tree = self.exclusive();
        let taken = |kind| call.error(if create_new { ErrorKind::AlreadyExists } else { kind });
        let Some((holder, name)) = tree.holder_mut(path, call)? else {
            return Err(taken(ErrorKind::IsADirectory));
        };
        match holder.entry(name) {
            Some(Node::Directory(_)) => Err(taken(ErrorKind::IsADirectory)),
            Some(Node::File(_)) if create_new => Err(call.error(ErrorKind::AlreadyExists)),
            Some(Node::File(inode)) => Ok(Arc::clone(inode)),
            None => {
                let inode = Arc::new(Inode::new(&self.location));
                holder.insert(name, Node::File(Arc::clone(&inode)), &self.location);
                Ok(inode)
            }
        }
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

#[engine]
impl StorageBackend for MemoryBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new().atomic_rename_file(true).atomic_rename_dir(true).immediate(true).usage(true).max_file_len(MAX_FILE_LEN)
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let call = self.begin(Operation::Open, path)?;
        options.check(path)?;
        let inode =
            if options.is_create() { self.existing_or_new(path, options.is_create_new(), call)? } else { self.existing(path, call)? };
        if options.is_truncate() {
            inode.set_len(0, &self.location);
        }
        Ok(Box::new(MemoryFile::new(inode, Arc::clone(&self.location), path, options)))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        let call = self.begin(Operation::Stat, path)?;
        let tree = self.shared();
        match tree.holder(path, call)? {
            Some((holder, name)) => holder.entry(name).map(Node::metadata).ok_or_else(|| call.error(ErrorKind::NotFound)),
            None => Ok(tree.metadata()),
        }
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let call = self.begin(Operation::List, directory)?;
        Ok(self.shared().directory(directory.as_str(), call)?.page(after, limit))
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        let call = self.begin(Operation::CreateDir, path)?;
        let mut tree = self.exclusive();
        let Some((holder, name)) = tree.holder_mut(path, call)? else {
            return Err(call.error(ErrorKind::AlreadyExists));
        };
        if holder.entry(name).is_some() {
            return Err(call.error(ErrorKind::AlreadyExists));
        }
        holder.insert(name, Node::Directory(Directory::new(&self.location)), &self.location);
        Ok(())
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        let call = self.begin(Operation::RemoveFile, path)?;
        let mut tree = self.exclusive();
        let Some((holder, name)) = tree.holder_mut(path, call)? else {
            return Err(call.error(ErrorKind::IsADirectory));
        };
        match holder.entry(name) {
            Some(Node::File(_)) => {}
            Some(Node::Directory(_)) => return Err(call.error(ErrorKind::IsADirectory)),
            None => return Err(call.error(ErrorKind::NotFound)),
        }
        let removed = holder.remove(name, &self.location);
        // A large file is freed without the lock.
        drop(tree);
        drop(removed);
        Ok(())
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        let call = self.begin(Operation::RemoveDir, path)?;
        let mut tree = self.exclusive();
        let Some((holder, name)) = tree.holder_mut(path, call)? else {
            return Err(call.error(ErrorKind::InvalidInput).with_text("the root cannot be removed"));
        };
        match holder.entry(name) {
            Some(Node::Directory(directory)) if directory.is_empty() => {}
            Some(Node::Directory(_)) => return Err(call.error(ErrorKind::DirectoryNotEmpty)),
            Some(Node::File(_)) => return Err(call.error(ErrorKind::NotADirectory)),
            None => return Err(call.error(ErrorKind::NotFound)),
        }
        holder.remove(name, &self.location);
        Ok(())
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let source = self.begin(Operation::Rename, from)?;
        let target = Call { path: to, ..source };
        let mut tree = self.exclusive();
        let (Some((old_holder, old_name)), false) = (tree.holder(from, source)?, to.is_root()) else {
            return Err(source.error(ErrorKind::InvalidInput).with_text("the root can be neither renamed nor replaced"));
        };
        let moving = old_holder.entry(old_name).ok_or_else(|| source.error(ErrorKind::NotFound))?;
        if from == to {
            return Ok(());
        }
        let moves_a_directory = matches!(moving, Node::Directory(_));
        if moves_a_directory && to.starts_with(from) {
            return Err(source.error(ErrorKind::InvalidInput).with_text(format!("a directory cannot move into itself, to {to:?}")));
        }
        let replaced = tree.holder(to, target)?.and_then(|(holder, name)| holder.entry(name));
        match (moves_a_directory, replaced) {
            (true, Some(Node::Directory(_))) => return Err(target.error(ErrorKind::AlreadyExists)),
            (true, Some(Node::File(_))) => return Err(target.error(ErrorKind::NotADirectory)),
            (false, Some(Node::Directory(_))) => return Err(target.error(ErrorKind::IsADirectory)),
            (_, None) | (false, Some(Node::File(_))) => {}
        }
        // Everything is checked and nobody else can change the tree: from here on nothing fails.
        let moved = tree.holder_mut(from, source)?.and_then(|(holder, name)| holder.remove(name, &self.location));
        let replaced = match (moved, tree.holder_mut(to, target)?) {
            (Some(node), Some((holder, name))) => holder.insert(name, node, &self.location),
            _ => None,
        };
        drop(tree);
        drop(replaced);
        Ok(())
    }

    /// Nothing outlives the instance, as [`Durability::None`](anystorage_api::Durability::None) says, so there is nothing to do.
    async fn sync(&self) -> Result<()> {
        self.location.check_open(Operation::Sync)
    }

    async fn close(&self) -> Result<()> {
        self.location.close()?;
        let emptied = std::mem::replace(&mut *self.exclusive(), Directory::new(&self.location));
        drop(emptied);
        Ok(())
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        let call = self.begin(Operation::Read, path)?;
        let inode = self.existing(path, call)?;
        let content = inode.shared();
        content
            .bytes
            .to_vec()
            .ok_or_else(|| call.error(ErrorKind::InvalidInput).with_text(format!("{} bytes do not fit into memory", content.bytes.len())))
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        let call = self.begin(Operation::Write, path)?;
        match self.existing(path, call) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Filled before it gets its name, and before the old file goes: old or new, whole.
        let inode = Inode::new(&self.location);
        inode.exclusive().bytes.write(0, data).map_err(|full| full.into_error(Operation::Write, path))?;
        let mut tree = self.exclusive();
        let Some((holder, name)) = tree.holder_mut(path, call)? else {
            return Err(call.error(ErrorKind::IsADirectory));
        };
        if let Some(Node::Directory(_)) = holder.entry(name) {
            return Err(call.error(ErrorKind::IsADirectory));
        }
        let replaced = holder.insert(name, Node::File(Arc::new(inode)), &self.location);
        drop(tree);
        drop(replaced);
        Ok(())
    }

    async fn usage(&self) -> Result<Usage> {
        self.location.check_open(Operation::Usage)?;
        let room = self.location.room();
        let used = room.used();
        Ok(Usage::new(Some(used), room.limit(), room.limit().map(|limit| limit.saturating_sub(used))))
    }
}

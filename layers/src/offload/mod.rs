//! The layer's backend: what each call claims, and which call of the engine it becomes.

mod claims;
mod file;
mod lanes;
mod pool;
mod queue;

use std::sync::Arc;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath,
    Usage, engine,
};
use futures_lite::future::block_on;

use claims::{Access, Claims};
pub use file::OffloadedFile;
use pool::Pool;
use queue::Queue;

/// An engine whose calls run on a pool of threads, so that they never block the executor that polls them.
///
/// It needs no runtime of its own and works under every executor, single-threaded ones too: the threads are those of the `blocking`
/// crate. The engine is one that does its work inside the calls, such as `files`; one that waits asynchronously is driven as well.
/// Capabilities are the engine's, except that `immediate` is false.
///
/// # What it keeps
///
/// Every line of [the contract](anystorage_api::contract) is the engine's to keep, and passes through. Line 6 is kept here:
///
/// - A call starts when its future is first polled, never before. From then on it owns copies of its arguments, and runs to its end
///   whether or not the future is polled again or dropped.
/// - Calls wait for those polled before them where order could be seen: calls on one file through any handle and any path, calls on a name
///   and on names below it, a listing and changes of what it lists. Renames are followed. Reads overlap, and so does everything that
///   has nothing to do with each other. [`sync`](StorageBackend::sync) waits for all changes before it, and
///   [`close`](StorageBackend::close) for all calls.
/// - Files are told apart by path, as this instance opened and renamed them. Where the host has several names for one file (links), calls
///   through different names are not put into order.
///
/// Line 7: the location is free when the backend and its files are dropped and no call is under way; a call whose future was dropped holds
/// it until it ends. A call that has returned holds nothing.
///
/// # What may block all the same
///
/// No call blocks, and neither does dropping a file as long as the backend or another of its files is left: the engine's file, whose drop
/// may do work (`files` flushes what was written and closed when too much of that waits), is let go on the pool, behind the calls that
/// were made through it. Calls that come after it and may need its space or its descriptor wait there until it is gone.
///
/// The drop of the last of them, the backend or a file, does block: until the files that were dropped before are let go, and while its own
/// part of the engine is. Otherwise the location would still be held when that drop returns. It waits for no other call. Who must not
/// block there closes the files and the backend first, which leaves nothing to wait for.
///
/// A panic of the engine comes back as an [`Io`](ErrorKind::Io) error of the call in question.
///
/// ```
/// use anystorage_api::{StorageBackend, StoragePath};
/// use anystorage_layers::Offload;
/// use anystorage_memory::MemoryBackend;
///
/// # futures_lite::future::block_on(async {
/// let storage = Offload::new(MemoryBackend::new());
/// let path = StoragePath::parse("greeting")?;
/// storage.write(&path, b"hello").await?;
/// assert_eq!(storage.read(&path).await?, b"hello");
/// assert!(!storage.capabilities().immediate);
/// # Ok::<(), anystorage_api::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Offload<B> {
    engine: Arc<B>,
    pool: Arc<Pool>,
}

impl<B: StorageBackend> Offload<B> {
    /// Offloads the calls of `engine`, which may be a `Box` or an `Arc` of one too.
    #[must_use]
    pub fn new(engine: B) -> Self {
        Self { engine: Arc::new(engine), pool: Arc::new(Pool::new()) }
    }

    /// Runs a call that changes no lane.
    async fn run<T, W>(&self, operation: Operation, path: &StoragePath, claims: Claims, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&B) -> Result<T> + Send + 'static,
    {
        self.settle(operation, path, claims, work, |outcome, _| outcome).await
    }

    /// Runs a call, and settles what it means for the lanes before any call behind it starts.
    async fn settle<T, U, W, S>(&self, operation: Operation, path: &StoragePath, claims: Claims, work: W, settle: S) -> Result<U>
    where
        T: Send + 'static,
        U: Send + 'static,
        W: FnOnce(&B) -> Result<T> + Send + 'static,
        S: FnOnce(Result<T>, &mut Queue) -> Result<U> + Send + 'static,
    {
        let engine = Arc::clone(&self.engine);
        // The engine is let go inside the work: a call that has returned holds nothing.
        self.pool.run(operation, path, claims, move || work(&engine), settle).await
    }
}

impl<B> Drop for Offload<B> {
    fn drop(&mut self) {
        // The engine goes after that, as a field.
        self.pool.release(None::<()>);
    }
}

/// Whether a call that failed may have taken effect all the same.
const fn is_doubtful(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Io | ErrorKind::NoSpace | ErrorKind::Corrupt | ErrorKind::Disconnected)
}

#[engine]
impl<B: StorageBackend> StorageBackend for Offload<B> {
    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities().immediate(false)
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let (owned, options) = (path.clone(), *options);
        let claims = match (options.is_create(), options.is_truncate()) {
            (_, true) => Claims::name(path, Access::Exclusive).with_bytes(Access::Exclusive),
            (true, false) => Claims::name(path, Access::Exclusive),
            (false, false) => Claims::name(path, Access::Shared),
        };
        let pool = Arc::clone(&self.pool);
        let opened = self.settle(
            Operation::Open,
            path,
            claims,
            move |engine| block_on(engine.open(&owned, &options)).map(|file| (file, owned)),
            move |opened, queue| {
                let (file, path) = opened?;
                let lane = queue.lanes.join(path.as_str());
                queue.owners += 1;
                Ok(OffloadedFile::new(file, path, lane, pool))
            },
        );
        Ok(Box::new(opened.await?))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        let owned = path.clone();
        let claims = Claims::name(path, Access::Shared).with_bytes(Access::Shared);
        self.run(Operation::Stat, path, claims, move |engine| block_on(engine.stat(&owned))).await
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let (owned, after) = (directory.clone(), after.map(str::to_owned));
        let claims = Claims::name(directory, Access::Shared);
        let work = move |engine: &B| block_on(engine.list(&owned, after.as_deref(), limit));
        self.run(Operation::List, directory, claims, work).await
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        let owned = path.clone();
        let claims = Claims::name(path, Access::Exclusive);
        self.run(Operation::CreateDir, path, claims, move |engine| block_on(engine.create_dir(&owned))).await
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        let (owned, removed) = (path.clone(), path.clone());
        let claims = Claims::name(path, Access::Exclusive);
        let work = move |engine: &B| block_on(engine.remove_file(&owned));
        let settle = move |outcome: Result<()>, queue: &mut Queue| {
            if outcome.is_ok() {
                queue.lanes.unlink(removed.as_str());
            }
            outcome
        };
        self.settle(Operation::RemoveFile, path, claims, work, settle).await
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        let owned = path.clone();
        let claims = Claims::name(path, Access::Exclusive);
        self.run(Operation::RemoveDir, path, claims, move |engine| block_on(engine.remove_dir(&owned))).await
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let (old, new) = (from.clone(), to.clone());
        let (settled_old, settled_new) = (from.clone(), to.clone());
        let claims = Claims::name(from, Access::Exclusive).with_name(to, Access::Exclusive);
        let work = move |engine: &B| block_on(engine.rename(&old, &new));
        let settle = move |outcome: Result<()>, queue: &mut Queue| {
            match &outcome {
                Ok(()) => queue.lanes.rename(settled_old.as_str(), settled_new.as_str()),
                Err(error) if is_doubtful(error.kind()) => queue.lanes.rename_in_doubt(settled_old.as_str(), settled_new.as_str()),
                Err(_) => {}
            }
            outcome
        };
        self.settle(Operation::Rename, from, claims, work, settle).await
    }

    async fn sync(&self) -> Result<()> {
        self.run(Operation::Sync, &StoragePath::root(), Claims::Changes, |engine| block_on(engine.sync())).await
    }

    async fn close(&self) -> Result<()> {
        self.run(Operation::Close, &StoragePath::root(), Claims::Everything, |engine| block_on(engine.close())).await
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        let owned = path.clone();
        let claims = Claims::name(path, Access::Shared).with_bytes(Access::Shared);
        self.run(Operation::Read, path, claims, move |engine| block_on(engine.read(&owned))).await
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        let (owned, replaced, data) = (path.clone(), path.clone(), data.to_vec());
        let claims = Claims::name(path, Access::Exclusive);
        let work = move |engine: &B| block_on(engine.write(&owned, &data));
        let settle = move |outcome: Result<()>, queue: &mut Queue| {
            if outcome.is_ok() {
                queue.lanes.unlink(replaced.as_str());
            }
            outcome
        };
        self.settle(Operation::Write, path, claims, work, settle).await
    }

    async fn usage(&self) -> Result<Usage> {
        self.run(Operation::Usage, &StoragePath::root(), Claims::Nothing, |engine| block_on(engine.usage())).await
    }

    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let (owned, attributes) = (path.clone(), attributes.clone());
        let claims = Claims::name(path, Access::Exclusive).with_bytes(Access::Exclusive);
        let work = move |engine: &B| block_on(engine.set_attributes(&owned, &attributes));
        self.run(Operation::SetAttributes, path, claims, work).await
    }
}

//! Syncs that nobody has to ask for. See [`AutoSync`].

mod clock;
mod file;
mod inner;
mod ledger;
mod options;

use std::sync::Arc;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Error, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};

use clock::Clock;
use file::AutoSyncFile;
use inner::Inner;
pub use options::AutoSyncOptions;

use crate::Mirror;

/// Any engine, or a [`Mirror`](crate::Mirror) of one, that is synced by itself: some time after a change, when nothing has changed for a
/// while, when the page is hidden (`visibilitychange`, `pagehide`), and by [`close`](StorageBackend::close).
///
/// # The crash window
///
/// A kill loses what no sync has covered, as ever: what was written during the last [`interval`](AutoSyncOptions::interval), or less with a
/// [`quiet`](AutoSyncOptions::quiet) time, and during the sync itself. [`Self::unsynced_bytes`] tells how much that is now. When a sync
/// fails it is told ([`AutoSyncOptions::on_failure`], [`Self::last_error`]) and tried again after the same time, and the window grows until
/// one succeeds.
///
/// A page that is hidden may be frozen or closed before the sync has ended. Over an immediate engine it is over at once, and so it is done.
/// Elsewhere it has begun, and the browser decides whether it ends: IndexedDB promises nothing to a page that goes. Where a person puts another
/// tab in front, the page goes on, and the sync ends. Where the page is left or reloaded, Chromium 156 and Firefox 153 were seen to end it, with
/// 70 kB written right before, and WebKitGTK 2.50 not to; what is larger has less of a chance. On an engine with
/// [`atomic_sync`](Capabilities::atomic_sync) it is there whole or not at all. Whoever has to be sure syncs, and waits for it. A worker is told
/// nothing of all this, and has the times alone. Dropping it does not sync.
///
/// Natively a thread of its own waits for the time and syncs there; in a browser timers do, which hidden pages slow down. Both end when this
/// is dropped, natively after a sync that is under way. Files that outlive it are not synced by themselves any more.
///
/// Everything else passes through, with the capabilities of the engine. Line 1 of [the contract](anystorage_api::contract) stays the
/// engine's: a sync that is asked for is done, whether or not there was one a moment before.
///
/// ```
/// use std::time::Duration;
///
/// use anystorage_api::{StorageBackend, StoragePath};
/// use anystorage_layers::{AutoSync, AutoSyncOptions};
/// use anystorage_memory::MemoryBackend;
///
/// # futures_lite::future::block_on(async {
/// let options = AutoSyncOptions::new().interval(Duration::from_secs(5)).on_failure(|error| eprintln!("not saved: {error}"));
/// let storage = AutoSync::new(MemoryBackend::new(), options)?;
/// storage.write(&StoragePath::parse("note")?, b"later").await?;
/// assert_eq!(storage.unsynced_bytes(), 5);
/// storage.close().await?; // syncs what is left
/// # Ok::<(), anystorage_api::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct AutoSync {
    // Before the rest: it is stopped first.
    _clock: Clock,
    inner: Arc<Inner>,
}

impl AutoSync {
    /// `engine`, synced as `options` say. What counts are the changes that are made through this.
    ///
    /// # Errors
    /// What the host answers when the thread cannot be started.
    pub fn new(engine: impl StorageBackend, options: AutoSyncOptions) -> Result<Self> {
        Self::start(Box::new(engine), options, true)
    }

    /// The same for a mirror, whose changes count by whatever way they come: through this, through the mirror, or through the face of
    /// [`Mirror::blocking`] that synchronous code has. One `AutoSync` at a time for each mirror.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_mirror(mirror: &Mirror, options: AutoSyncOptions) -> Result<Self> {
        let auto_sync = Self::start(Box::new(mirror.clone()), options, false)?;
        let inner = Arc::downgrade(&auto_sync.inner);
        mirror.tell_of_changes(move |bytes| {
            if let Some(inner) = inner.upgrade() {
                inner.changed(bytes);
            }
        });
        // What changed before it was to be told of.
        if !mirror.is_synced() {
            auto_sync.inner.changed(mirror.unsynced_bytes());
        }
        Ok(auto_sync)
    }

    fn start(engine: Box<dyn StorageBackend>, options: AutoSyncOptions, counts: bool) -> Result<Self> {
        #[allow(clippy::arc_with_non_send_sync, reason = "engines of browsers belong to the thread that made them")]
        let inner = Arc::new(Inner::new(engine, options, counts));
        Ok(Self { _clock: Clock::start(&inner)?, inner })
    }

    /// How many bytes were written since the last sync of everything: at most so many does a kill lose. What a file's own sync covered is
    /// among them.
    #[must_use]
    pub fn unsynced_bytes(&self) -> u64 {
        self.inner.lock().ledger.unsynced_bytes()
    }

    /// Whether syncs have covered everything: bytes, names and attributes.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.inner.lock().ledger.is_synced()
    }

    /// Why the last sync failed; none if it succeeded, or there was none.
    #[must_use]
    pub fn last_error(&self) -> Option<Error> {
        self.inner.lock().last_error.clone()
    }
}

#[engine]
impl StorageBackend for AutoSync {
    fn capabilities(&self) -> Capabilities {
        self.inner.engine.capabilities()
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let opening = self.inner.engine.open(path, options);
        let changes = options.is_create() || options.is_truncate();
        let file = if changes { self.inner.changing(0, opening).await? } else { opening.await? };
        Ok(Box::new(AutoSyncFile { file, inner: Arc::clone(&self.inner) }))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.inner.engine.stat(path).await
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.inner.engine.list(directory, after, limit).await
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.inner.changing(0, self.inner.engine.create_dir(path)).await
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.inner.changing(0, self.inner.engine.remove_file(path)).await
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.inner.changing(0, self.inner.engine.remove_dir(path)).await
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.inner.changing(0, self.inner.engine.rename(from, to)).await
    }

    async fn sync(&self) -> Result<()> {
        self.inner.sync().await
    }

    /// Syncs what no sync has covered, and closes, whatever came of it: an error of the sync is answered.
    async fn close(&self) -> Result<()> {
        self.inner.end();
        let synced = if self.is_synced() { Ok(()) } else { self.inner.sync().await };
        let closed = self.inner.engine.close().await;
        closed.and(synced)
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.inner.engine.read(path).await
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.inner.changing(data.len() as u64, self.inner.engine.write(path, data)).await
    }

    async fn usage(&self) -> Result<Usage> {
        self.inner.engine.usage().await
    }

    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.inner.changing(0, self.inner.engine.set_attributes(path, attributes)).await
    }
}

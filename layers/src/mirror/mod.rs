//! A tree in memory in front of any engine. See [`Mirror`].

mod content;
mod file;
pub(crate) mod host;
mod io;
mod log;
mod node;
mod options;
mod populate;
mod ranges;
mod resolve;
mod shared;
mod state;
mod write_back;

use std::sync::Arc;

use anystorage_api::{
    Attributes, Blocking, Capabilities, DirEntry, Error, ErrorKind, MaybeSend, MaybeSync, Metadata, OpenOptions, Operation, Result,
    StorageBackend, StorageFile, StoragePath, Usage, engine,
};

use file::MirrorFile;
pub use io::MirrorIo;
pub use options::{MirrorOptions, Progress};
pub use populate::Populated;
pub use resolve::Keep;
use shared::Shared;
use state::{Call, OnChange, State};

/// A tree in memory in front of any engine: [`open`](Self::open) loads it, all reading and writing is then synchronous, and
/// [`sync`](StorageBackend::sync) brings below what has changed since the last one, and nothing else.
///
/// It is the way of Emscripten's IDBFS, for any engine. Every call but the two syncs, `close` and `usage` is ready at its first poll, whatever
/// engine is below. Over an engine that is [immediate](Capabilities::immediate) these are ready too, and so the mirror is immediate as well.
/// Over one that has to be waited for they have to be awaited, and [`Self::blocking`] gives the rest to synchronous code.
///
/// Where the engine is immediate only the tree is loaded; bytes load when they are first read, block by block, and are dropped again when
/// memory gets short. Elsewhere everything is loaded at once. [`MirrorOptions::memory_limit`] bounds it.
///
/// ```
/// use std::io::Write;
///
/// use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
/// use anystorage_layers::{Mirror, MirrorOptions};
/// use anystorage_memory::MemoryBackend;
///
/// # futures_lite::future::block_on(async {
/// let mirror = Mirror::open(MemoryBackend::new(), MirrorOptions::new()).await?; // IndexedDB, for example
///
/// let files = mirror.blocking()?; // for code that cannot wait
/// let mut log = files.open(&StoragePath::parse("log")?, &OpenOptions::editing())?;
/// log.write_all(b"hello")?;
/// assert_eq!(mirror.unsynced_bytes(), 5);
///
/// mirror.sync().await?; // now it is below
/// assert_eq!(mirror.unsynced_bytes(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # What a sync does
///
/// Changes of the tree are carried out below in the order in which they were made; what came and went between two syncs is left out. Then the
/// changed ranges of changed files are written, and then there is one sync below. The sync of one file does the same with the bytes of that
/// file alone. What has to be there whole is: a whole-file `write` is one below, and of a file that is renamed over another one the bytes
/// are written before. Changes that are made while a sync is under way are not part of it.
///
/// When somebody else changes the location below, through the same engine or on a host, [`Metadata::revision`] tells. A sync looks at every
/// file that it is going to change, and if one of them was changed, removed or created by somebody else, it writes nothing and answers
/// [`AlreadyExists`](ErrorKind::AlreadyExists) with its path below; [`Self::resolve`] settles it. What somebody else changes between that
/// look and the write is not noticed. An engine that gives out new revisions without a change (`opfs` does beyond 10,000 files) is taken at
/// its lengths and times.
///
/// # Databases over it
///
/// Where the engine has to be waited for, a database over [`Self::blocking`] cannot sync by itself. It is told not to (SQLite: `PRAGMA
/// synchronous = OFF`), and what it committed is durable when the next [`sync`](StorageBackend::sync) has returned. A transaction is
/// synchronous, so no sync begins within one; and on an engine with [`atomic_sync`](Capabilities::atomic_sync), as IndexedDB is, a sync is one
/// point for all files. So what lies below is always the database as it was between two transactions. On engines without it a kill may cut
/// a write-back anywhere, and such a database may be damaged.
///
/// # What it keeps
///
/// The lines of [the contract](anystorage_api::contract), with what the engine declares:
///
/// 1. *Two syncs*: as above; neither answers Ok before the engine did. The face of [`Self::blocking`] has none where it would have to wait,
///    and says so.
/// 2. *Unsynced is bounded*: a kill leaves what the engine does, and all that was not written back is as if it had not been done.
///    [`Self::unsynced_bytes`] says how much that is.
/// 3. *`atomic_sync`*: the changes of a backend sync are one sync of the engine, of a moment. A file's sync writes bytes of other files
///    only where one was renamed over another or written whole, and syncs that file alone.
/// 4. *Replacing*: as above.
/// 5. *Reads* come from memory, or from below where nothing was written since.
/// 6. *Order*: one lock for the length of a call; syncs wait for each other, and run to their end once polled. Over an immediate engine one
///    thread's sync makes those of others wait in it.
/// 7. *One holder*: the engine holds the location, and the mirror and its files hold the engine.
/// 8. *Space*: the limit is `NoSpace` with its number. The engine's shows at a sync: what was refused stays pending, and the next sync tries
///    it again, removals and cuts first.
/// 9. *Damage*: a file that cannot be loaded answers with the engine's error, and can be replaced and removed.
/// 10. *No silent fall-back*: nothing is answered that was not done.
/// 11. *A failed flush*: after a sync below failed for another reason than space, nothing can be changed any more until the location is
///     opened anew; reading goes on.
/// 12. *Open files*: handles hold a node of the tree, not a name. Of a file that is removed below while it is open, the one below is kept open.
///
/// Symbolic links are not followed. Where the engine keeps them as attributes they are mirrored; what a host has can be listed, renamed and
/// removed. A time of change that nobody set is, below, that of the write-back.
#[derive(Clone, Debug)]
pub struct Mirror {
    shared: Arc<Shared>,
}

impl Mirror {
    /// The mirror of a location, populated.
    ///
    /// # Errors
    /// As [`Self::populate`].
    pub async fn open(engine: impl StorageBackend, options: MirrorOptions) -> Result<Self> {
        let mirror = Self::unpopulated(engine, options);
        mirror.populate().await?;
        Ok(mirror)
    }

    /// The mirror of a location of which nothing is known yet, for who mounts first and populates then. Until [`Self::populate`] it is empty;
    /// what is written meanwhile and is below as well, syncs and the populate refuse as they do what somebody else has changed.
    #[must_use]
    pub fn unpopulated(engine: impl StorageBackend, options: MirrorOptions) -> Self {
        #[allow(clippy::arc_with_non_send_sync, reason = "engines of browsers belong to the thread that made them")]
        let shared = Arc::new(Shared::new(Box::new(engine), options));
        Self { shared }
    }

    /// Brings in what has changed below since the last time: files and directories that came, went or changed, unless they were changed
    /// here as well. Several files are loaded at once, and [`MirrorOptions::progress`] is told. Until all of a file is loaded it is read as it
    /// was before, also if that fails; so over an engine that has to be waited for a file is in memory twice while it is loaded anew.
    ///
    /// A file of which a part is damaged is there, and every call on its bytes answers that.
    ///
    /// # Errors
    /// What the engine answers; [`NoSpace`](ErrorKind::NoSpace) if the files are more than [`MirrorOptions::memory_limit`] may hold.
    pub async fn populate(&self) -> Result<Populated> {
        self.shared.in_turn(Operation::OpenLocation, Shared::populate).await
    }

    /// Settles a file that was changed below and here, which syncs refuse to write back and [`Self::populate`] tells of: one side gives way.
    /// What is kept of here is written back by the next sync, the whole file. `path` is what they tell, where the file is below; where nothing
    /// below is in conflict under that path, it is the file's here.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`IsADirectory`](ErrorKind::IsADirectory), what the engine answers. [`Io`](ErrorKind::Io) if mine
    /// is to be kept and a part of it was never loaded, over an immediate engine: that part is gone. If theirs is to come back that was
    /// removed here: [`NotFound`](ErrorKind::NotFound) if its directory was removed as well, [`AlreadyExists`](ErrorKind::AlreadyExists) if
    /// its name, or the former one of what was put over it, was given to something else meanwhile. An error changes nothing.
    pub async fn resolve(&self, path: &StoragePath, keep: Keep) -> Result<()> {
        let path = path.clone();
        self.shared.in_turn(Operation::Sync, move |shared| async move { shared.resolve(&path, keep).await }).await
    }

    /// The files of the mirror for synchronous code, over whatever engine.
    ///
    /// # Errors
    /// None; the signature is that of [`Blocking::new`].
    pub fn blocking(&self) -> Result<Blocking<MirrorIo>> {
        Blocking::new(MirrorIo { mirror: self.clone() })
    }

    /// How many bytes of files no sync has covered yet: what a kill now would lose of them. Removed files are not counted, and neither are
    /// cuts, names and attributes, of which [`Self::is_synced`] knows.
    #[must_use]
    pub fn unsynced_bytes(&self) -> u64 {
        self.shared.lock().unsynced_bytes()
    }

    /// Whether syncs have covered everything.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        !self.shared.lock().is_changed()
    }

    /// How many bytes of files are in memory.
    #[must_use]
    pub fn memory_used(&self) -> u64 {
        self.shared.lock().room.used()
    }

    /// Who is told of every change from now on, with the bytes that were written. It is called under the mirror's lock.
    pub(crate) fn tell_of_changes(&self, told: impl Fn(u64) + MaybeSend + MaybeSync + 'static) {
        self.shared.lock().on_change = Some(OnChange(Box::new(told)));
    }

    fn open_file(&self, path: &StoragePath, options: &OpenOptions, may_not_wait: bool) -> Result<Box<dyn StorageFile>> {
        let call = Call { operation: Operation::Open, path };
        let mut state = self.shared.lock();
        state.begin(call)?;
        options.check(path)?;
        let id = if options.is_create() { state.file_or_new(options.is_create_new(), call)? } else { state.file_at(call)? };
        if options.is_truncate() {
            state.begin_change(call)?;
            state.set_len(id, 0, call)?;
        }
        Shared::enter(&mut state, id);
        Ok(Box::new(MirrorFile::new(Arc::clone(&self.shared), id, path.clone(), *options, may_not_wait)))
    }

    fn change(&self, operation: Operation, path: &StoragePath, change: impl FnOnce(&mut State, Call<'_>) -> Result<()>) -> Result<()> {
        let call = Call { operation, path };
        let mut state = self.shared.lock();
        state.begin_change(call)?;
        change(&mut state, call)
    }
}

#[engine]
impl StorageBackend for Mirror {
    /// What the engine below offers. It is immediate if that is: otherwise a sync has to wait, and [`Self::blocking`] is the face for those
    /// who may not.
    fn capabilities(&self) -> Capabilities {
        self.shared.engine.capabilities()
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.open_file(path, options, false)
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        let call = Call { operation: Operation::Stat, path };
        let state = self.shared.lock();
        state.begin(call)?;
        state.stat(call)
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let call = Call { operation: Operation::List, path: directory };
        let state = self.shared.lock();
        state.begin(call)?;
        state.list(call, after, limit)
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.change(Operation::CreateDir, path, |state, call| state.create_dir(call))
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.change(Operation::RemoveFile, path, |state, call| state.remove_file(call))
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.change(Operation::RemoveDir, path, |state, call| state.remove_dir(call))
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.change(Operation::Rename, from, |state, call| {
            state.begin(Call { path: to, ..call })?;
            state.rename(call, to)
        })
    }

    async fn sync(&self) -> Result<()> {
        self.shared.sync(None).await
    }

    async fn close(&self) -> Result<()> {
        self.shared.close().await
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.shared.read_all(Call { operation: Operation::Read, path })
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.change(Operation::Write, path, |state, call| state.write(call, data))
    }

    /// Of the engine below, with what was synced there.
    async fn usage(&self) -> Result<Usage> {
        self.shared.lock().begin(Call { operation: Operation::Usage, path: &StoragePath::root() })?;
        self.shared.engine.usage().await
    }

    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        if !self.capabilities().attributes {
            return Err(Error::new(ErrorKind::Unsupported, Operation::SetAttributes).with_path(path));
        }
        self.change(Operation::SetAttributes, path, |state, call| state.set_attributes(call, attributes))
    }
}

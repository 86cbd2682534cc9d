//! The mount table.

use std::fmt::Debug;
use std::sync::Arc;

use anystorage_api::{Blocking, Durability, MaybeSend, MaybeSync, StorageBackend, StoragePath, engine};

use crate::counters::Call;
use crate::path_map::PathMap;
use crate::records::Records;
use crate::tree::{Location, Mount, Tree};
use crate::{Errno, Result, Vfs};

/// What [`Vfs::syncfs`] calls on a mount whose engine stands before another one, such as a mirror in memory.
///
/// Implement it under [`engine`](anystorage_api::engine), as engines are. Both calls may wait, which the mounted engine may not.
#[engine]
pub trait Populate: Debug + MaybeSend + MaybeSync + 'static {
    /// Reads anew what is behind the engine.
    ///
    /// # Errors
    /// Those of that engine.
    async fn populate(&self) -> anystorage_api::Result<()>;

    /// Brings everything that has changed to what is behind the engine, in place of the engine's own
    /// [`sync`](anystorage_api::StorageBackend::sync): it is as durable there as that declares when this returns.
    ///
    /// # Errors
    /// Those of that engine.
    async fn sync(&self) -> anystorage_api::Result<()>;
}

/// With the feature `mirror`.
#[cfg(feature = "mirror")]
#[engine]
impl Populate for anystorage_layers::Mirror {
    async fn populate(&self) -> anystorage_api::Result<()> {
        Self::populate(self).await.map(drop)
    }

    async fn sync(&self) -> anystorage_api::Result<()> {
        anystorage_api::StorageBackend::sync(self).await
    }
}

/// How to mount an engine.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MountOptions {
    source: String,
    populate: Option<Arc<dyn Populate>>,
}

impl MountOptions {
    /// Nothing said.
    pub fn new() -> Self {
        Self::default()
    }

    /// What [`Vfs::mounts`] calls it: the engine's URL, for instance.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// What [`Vfs::syncfs`] populates and syncs it with.
    pub fn populate(mut self, populate: Arc<dyn Populate>) -> Self {
        self.populate = Some(populate);
        self
    }
}

/// One line of the mount table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MountInfo {
    /// Where it is mounted, from the root.
    pub path: String,
    /// What it was called when it was mounted.
    pub source: String,
    /// Its number: `st_dev` of everything in it.
    pub dev: u64,
    /// What a sync of its engine survives.
    pub durability: Durability,
    /// Whether the engine keeps modes, times and links; otherwise the face does, in a file of its own there.
    pub attributes_by_engine: bool,
}

/// A mount that is being synced to be let go. If it is still there when this is dropped, it stays.
struct Leaving<'a> {
    vfs: &'a Vfs,
    id: u32,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Ok(mount) = self.vfs.tree().present(self.id) {
            mount.leaving = false;
        }
    }
}

impl Vfs {
    /// Mounts an engine on the directory `path`, whose own entries are covered until it is unmounted. The first one goes to `/`.
    ///
    /// # Errors
    /// `EIO` if the engine was to be tried and misbehaves; [`Vfs::last_error`] says how, and it is not mounted then. `ENOENT`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG` as lookups have it; `EBUSY` where another engine is mounted; `EUCLEAN` if the attributes
    /// that are kept there are damaged; what the engine reports.
    pub fn mount<B: StorageBackend>(&self, path: &str, engine: Blocking<B>, options: MountOptions) -> Result<()> {
        self.call(Call::Mount, path, || {
            let mut tree = self.tree();
            let point = if tree.mounts.is_empty() && path == "/" {
                None
            } else {
                let found = self.lookup(&mut tree, &self.start(), path, true)?;
                if !found.is_dir() {
                    return Err(Errno::ENOTDIR);
                }
                if found.location.path.is_root() {
                    return Err(Errno::EBUSY);
                }
                Some(found.location)
            };
            let engine =
                Blocking::new(Arc::new(engine.into_inner()) as Arc<dyn StorageBackend>).map_err(|error| self.causes.errno(error))?;
            let records = Records::load(&engine).map_err(|error| self.causes.errno(error))?;
            let clockless = engine.stat(&StoragePath::root()).map_err(|error| self.causes.errno(error))?.modified.is_none();
            tree.last_mount += 1;
            let id = tree.last_mount;
            let mount = Mount {
                id,
                source: options.source,
                keeps: engine.capabilities().attributes,
                engine,
                point,
                records,
                nodes: PathMap::default(),
                hook: options.populate,
                left: Arc::default(),
                leaving: false,
                clockless,
                causes: self.causes.clone(),
            };
            tree.mounts.insert(id, mount);
            Ok(())
        })?;
        if !self.sanity_checks() {
            return Ok(());
        }
        self.sanity_check(path).map_err(|misbehaviour| {
            self.causes.errno(misbehaviour.into());
            // What is unmounted is the engine that was refused; why it is not let go, nobody asked.
            let _ = self.unmount_unsynced(path);
            Errno::EIO
        })
    }

    /// Syncs the engine that is mounted on `path` and lets it go; what it covered is seen again. It is closed with the last that holds it.
    ///
    /// # Errors
    /// `EBUSY` while something is open in it, or mounted, or the working directory is there; `EINVAL` where nothing is mounted; `ENOENT` and
    /// the other errors of lookups; what the sync reports, and it stays mounted then: `EAGAIN` for a mirror of an engine that waits, which
    /// [`Self::unmount_waiting`] is for.
    pub fn unmount(&self, path: &str) -> Result<()> {
        self.let_go(path, Mount::sync_all)
    }

    /// The same, by what the engine was mounted with for [`Self::syncfs`], and waiting for it. No other call is held up meanwhile; those that
    /// lead into the mount are `EBUSY`. If the future is dropped before its end, the engine stays mounted.
    ///
    /// # Errors
    /// As [`Self::unmount`], but for `EAGAIN`.
    pub async fn unmount_waiting(&self, path: &str) -> Result<()> {
        let synced_and_gone = async {
            let leaving = {
                let mut tree = self.tree();
                let id = self.unused(&mut tree, path)?;
                tree.mount(id)?.leaving = true;
                Leaving { vfs: self, id }
            };
            self.sync_waiting(leaving.id).await?;
            let gone = self.tree().mounts.remove(&leaving.id);
            // What it holds may wait for its threads: not with the lock of all.
            drop(gone);
            Ok(())
        };
        self.call_waiting(Call::Unmount, path, synced_and_gone).await
    }

    /// Lets the engine that is mounted on `path` go as it is, for one that can no longer be synced: because its disk failed, or because the
    /// worker that has it is gone. What no sync has covered is lost, if the engine keeps it nowhere else.
    ///
    /// # Errors
    /// As [`Self::unmount`], but for those of a sync.
    pub fn unmount_unsynced(&self, path: &str) -> Result<()> {
        self.let_go(path, |_| Ok(()))
    }

    /// Lets go what is mounted on `path`, if nobody uses it and `prepare` succeeds.
    fn let_go(&self, path: &str, prepare: impl FnOnce(&mut Mount) -> Result<()>) -> Result<()> {
        self.call(Call::Unmount, path, || {
            let gone = {
                let mut tree = self.tree();
                let id = self.unused(&mut tree, path)?;
                prepare(tree.mount(id)?)?;
                tree.mounts.remove(&id)
            };
            // What it holds may wait for its threads: not with the lock of all.
            drop(gone);
            Ok(())
        })
    }

    /// What is mounted on `path`, if nobody uses it.
    fn unused(&self, tree: &mut Tree, path: &str) -> Result<u32> {
        let found = self.lookup(tree, &self.start(), path, true)?;
        if !found.location.path.is_root() {
            return Err(Errno::EINVAL);
        }
        let id = found.location.mount;
        if tree.has_mounts_in(id) || Arc::strong_count(&tree.mount(id)?.left) > 1 {
            return Err(Errno::EBUSY);
        }
        Ok(id)
    }

    /// What is mounted, in the order in which it was.
    #[must_use]
    pub fn mounts(&self) -> Vec<MountInfo> {
        let tree = self.tree();
        let info = |mount: &Mount| MountInfo {
            path: tree.absolute(&Location { mount: mount.id, path: StoragePath::root() }),
            source: mount.source.clone(),
            dev: u64::from(mount.id),
            durability: mount.engine.capabilities().durability,
            attributes_by_engine: mount.keeps,
        };
        tree.mounts.values().map(info).collect()
    }
}

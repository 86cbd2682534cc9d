//! What makes things durable.

use std::sync::Arc;

use anystorage_api::{Blocking, BlockingFile, StorageBackend};

use crate::counters::Call;
use crate::descriptors::{Body, Description};
use crate::mounting::Populate;
use crate::records::Records;
use crate::tree::Mount;
use crate::{Errno, Result, Vfs};

impl Vfs {
    /// `fsync(2)`: the file's bytes, length and attributes and the directory entries that lead to it are as durable as its engine declares
    /// when this returns; if the face has to store attributes, so is everything in its mount. Of a directory: everything in its mount.
    ///
    /// # Errors
    /// `EBADF`; `EINVAL` for a device; what the engine reports.
    pub fn fsync(&self, descriptor: i32) -> Result<()> {
        self.call(Call::Fsync, descriptor, || {
            let description = self.description(descriptor)?;
            match &description.body {
                Body::Path => Err(Errno::EBADF),
                Body::Device(_) => Err(Errno::EINVAL),
                Body::Directory(_) => self.tree().mount(description.node.mount)?.sync_all(),
                Body::File(file) => self.sync_file(&description, file),
            }
        })
    }

    /// The bytes and the attributes of a file that is open.
    pub(super) fn sync_file(&self, description: &Description, file: &BlockingFile) -> Result<()> {
        let mut tree = self.tree();
        let mount = tree.mount(description.node.mount)?;
        mount.note_all_written();
        if mount.records.is_pending() {
            return mount.sync_all();
        }
        drop(tree);
        file.sync().map_err(|error| self.causes.errno(error))
    }

    /// `fdatasync(2)`: as [`Self::fsync`]; engines know no less.
    ///
    /// # Errors
    /// As there.
    pub fn fdatasync(&self, descriptor: i32) -> Result<()> {
        self.fsync(descriptor)
    }

    /// `sync(2)`: everything in all mounts.
    ///
    /// # Errors
    /// The first that an engine reports; the others are synced all the same.
    pub fn sync(&self) -> Result<()> {
        self.call(Call::Sync, (), || {
            let mut tree = self.tree();
            let outcomes: Vec<Result<()>> = tree.mounts.values_mut().map(Mount::sync_all).collect();
            outcomes.into_iter().collect()
        })
    }

    /// `syncfs`: everything in the mount that has `path`, by what it was mounted with for that
    /// ([`MountOptions::populate`](crate::MountOptions::populate)), otherwise by its engine. With `populate` the other way: what is behind
    /// the engine is read anew, where the mount was given something that does; attributes that were changed and not synced are then lost. It
    /// may wait, as what is behind a mirror may; no other call is held up meanwhile.
    ///
    /// # Errors
    /// Those of lookups; what the engine reports.
    pub async fn syncfs(&self, path: &str, populate: bool) -> Result<()> {
        self.call_waiting(Call::Syncfs, path, self.sync_or_populate(path, populate)).await
    }

    async fn sync_or_populate(&self, path: &str, populate: bool) -> Result<()> {
        let (id, populating) = {
            let mut tree = self.tree();
            let found = self.lookup(&mut tree, &self.start(), path, true)?;
            let mount = tree.at(&found.location)?;
            (mount.id, populate.then(|| (mount.hook.clone(), Arc::clone(&mount.left))))
        };
        let Some((hook, in_use)) = populating else { return self.sync_waiting(id).await };
        let failed = |error| self.causes.errno(error);
        if let Some(hook) = hook {
            hook.populate().await.map_err(failed)?;
        }
        let mut tree = self.tree();
        let mount = tree.present(id)?;
        mount.records = Records::load(&mount.engine).map_err(failed)?;
        drop(tree);
        // Until here nobody could unmount it.
        drop(in_use);
        Ok(())
    }

    /// As `sync_all`, but waiting, and by what the engine was mounted with.
    pub(crate) async fn sync_waiting(&self, id: u32) -> Result<()> {
        let (engine, hook, is_eager) = {
            let mut tree = self.tree();
            let mount = tree.present(id)?;
            (mount.engine.clone(), mount.hook.clone(), mount.records.is_eager())
        };
        let (failed, hook) = (|error| self.causes.errno(error), hook.as_deref());
        if is_eager {
            sync_behind(&engine, hook).await.map_err(failed)?;
        }
        let stores = {
            let mut tree = self.tree();
            let mount = tree.present(id)?;
            mount.store_records()?;
            mount.records.stores()
        };
        sync_behind(&engine, hook).await.map_err(failed)?;
        if let Ok(mount) = self.tree().present(id) {
            mount.records.synced(stores);
        }
        Ok(())
    }
}

/// Syncs what is mounted, or what is behind it.
async fn sync_behind(engine: &Blocking<Arc<dyn StorageBackend>>, hook: Option<&dyn Populate>) -> anystorage_api::Result<()> {
    match hook {
        Some(hook) => hook.sync().await,
        None => engine.backend().sync().await,
    }
}

impl Mount {
    /// Stores what the face keeps of this mount.
    fn store_records(&mut self) -> Result<()> {
        self.note_all_written();
        self.records.store(&self.engine).map_err(|error| self.causes.errno(error))
    }

    /// Makes everything durable. Where that is not one point, the names go first, so that no stored record is of a name to come.
    pub(crate) fn sync_all(&mut self) -> Result<()> {
        let failed = |error| self.causes.errno(error);
        if self.records.is_eager() {
            self.engine.sync().map_err(failed)?;
            self.store_records()?;
            return self.records.sync_table(&self.engine).map_err(|error| self.causes.errno(error));
        }
        self.store_records()?;
        self.engine.sync().map_err(|error| self.causes.errno(error))?;
        self.records.synced(self.records.stores());
        Ok(())
    }
}

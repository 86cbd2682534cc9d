//! `unlink`, `rename`, `mknod`.

use anystorage_api::OpenOptions;

use crate::counters::Call;
use crate::lookup::{Last, Walked};
use crate::records::{Record, Special};
use crate::tree::Tree;
use crate::{DeviceNumber, Errno, NodeKind, Result, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK, Vfs};

impl Vfs {
    /// `unlink(2)`: removes the name of a file, a link or a device. Descriptors that are open on it stay usable.
    ///
    /// # Errors
    /// `EISDIR`; `ELOOP`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`; what the engine reports.
    pub fn unlink(&self, path: &str) -> Result<()> {
        self.call(Call::Unlink, path, || {
            let tree = &mut *self.tree();
            let start = self.start().location(tree, path)?;
            let walked = tree.walk(&start, path, false)?;
            let Last::Name(_) = walked.last else { return Err(Errno::EISDIR) };
            let slash = walked.slash;
            let found = walked.found.ok_or(Errno::ENOENT)?;
            if found.is_dir() {
                return Err(Errno::EISDIR);
            }
            if slash {
                return Err(Errno::ENOTDIR);
            }
            let mount = tree.at(&found.location)?;
            let path = &found.location.path;
            mount.records.before_remove(&mount.engine, path);
            mount.engine.remove_file(path).map_err(|error| mount.causes.errno(error))?;
            mount.removed(&found);
            Ok(())
        })
    }

    /// `rename(2)`: what is at `from` gets the path `to`. A file that is there is replaced in one step; so is an empty directory by a
    /// directory, but not in one step: it is removed first, and a kill between the two leaves `from` where it was, and nothing at `to`.
    ///
    /// # Errors
    /// `EBUSY` for mount points, `.` and `..`; `EINVAL` for a directory into itself; `EISDIR` for something else onto a directory, `ENOTDIR`
    /// the other way round; `ENOTEMPTY`; `EXDEV` between mounts; `ELOOP`, `ENAMETOOLONG`, `ENOENT`; what the engine reports.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.call(Call::Rename, (from, to), || {
            let tree = &mut *self.tree();
            crate::lookup::check(from)?;
            crate::lookup::check(to)?;
            let start = self.start();
            let (old_start, new_start) = (start.location(tree, from)?, start.location(tree, to)?);
            let old = tree.walk(&old_start, from, false)?;
            let new = tree.walk(&new_start, to, false)?;
            rename(tree, old, new)
        })
    }

    /// `mknod(2)`: makes a character device (`S_IFCHR`), or an empty file (`S_IFREG` or no kind), with the permission bits of `mode` but for
    /// those of the umask.
    ///
    /// # Errors
    /// `EEXIST`; `EPERM` for a directory, `EINVAL` for a kind that is none; `EOPNOTSUPP` for block devices, pipes and sockets; `ELOOP`,
    /// `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`; what the engine reports.
    pub fn mknod(&self, path: &str, mode: u32, device: DeviceNumber) -> Result<()> {
        self.call(Call::Mknod, path, || {
            match mode & S_IFMT {
                0 | S_IFREG | S_IFCHR | S_IFBLK | S_IFIFO | S_IFSOCK => {}
                S_IFDIR => return Err(Errno::EPERM),
                _ => return Err(Errno::EINVAL),
            }
            let tree = &mut *self.tree();
            let start = self.start().location(tree, path)?;
            let walked = tree.walk(&start, path, false)?;
            if walked.found.is_some() {
                return Err(Errno::EEXIST);
            }
            if walked.slash {
                return Err(Errno::ENOENT);
            }
            let at = walked.target()?;
            let permissions = self.masked(mode);
            let mount = tree.at(&at)?;
            mount.before_create(&at.path)?;
            match mode & S_IFMT {
                S_IFCHR => {
                    let record = Record { special: Some(Special::Character(device)), mode: Some(permissions), ..Record::default() };
                    mount.create_special(&at.path, record)
                }
                0 | S_IFREG => {
                    mount.create_empty(&at.path)?;
                    mount.created(&at.path, NodeKind::File, permissions)
                }
                _ => Err(Errno::EOPNOTSUPP),
            }
        })
    }
}

fn rename(tree: &mut Tree, old: Walked, new: Walked) -> Result<()> {
    let (Last::Name(_), Last::Name(_)) = (&old.last, &new.last) else { return Err(Errno::EBUSY) };
    if old.parent.mount != new.parent.mount {
        return Err(Errno::EXDEV);
    }
    let slash = old.slash || new.slash;
    let source = old.found.ok_or(Errno::ENOENT)?;
    if !source.is_dir() && slash {
        return Err(Errno::ENOTDIR);
    }
    let to = match &new.last {
        Last::Name(name) => new.parent.join(name)?,
        _ => return Err(Errno::EBUSY),
    };
    let from = match &old.last {
        Last::Name(name) => old.parent.join(name)?,
        _ => return Err(Errno::EBUSY),
    };
    if source.is_dir() && to.path.starts_with(&from.path) && to != from {
        return Err(Errno::EINVAL);
    }
    if from.path.starts_with(&to.path) && to != from {
        return Err(Errno::ENOTEMPTY);
    }
    if source.location.path.is_root() || new.found.as_ref().is_some_and(|target| target.location.path.is_root()) {
        return Err(Errno::EBUSY);
    }
    if from == to {
        return Ok(());
    }
    let mut target = new.found;
    match &target {
        Some(target) if source.is_dir() && !target.is_dir() => return Err(Errno::ENOTDIR),
        Some(target) if !source.is_dir() && target.is_dir() => return Err(Errno::EISDIR),
        None if to.is_hidden() => return Err(Errno::EPERM),
        _ => {}
    }
    if let Some(replaced) = target.take_if(|target| target.is_dir()) {
        tree.remove_dir(&replaced)?;
    }
    let mount = tree.at(&from)?;
    if target.is_none() {
        mount.before_create(&to.path)?;
    }
    mount.records.before_rename(&mount.engine, &from.path, &to.path).map_err(|error| mount.causes.errno(error))?;
    if let Err(error) = mount.engine.rename(&from.path, &to.path) {
        mount.records.not_renamed(&mount.engine, &from.path);
        return Err(mount.causes.errno(error));
    }
    mount.renamed(&from.path, &to.path, target.as_ref());
    tree.move_points(&from, &to);
    Ok(())
}

impl crate::tree::Mount {
    pub(super) fn create_empty(&self, path: &anystorage_api::StoragePath) -> Result<()> {
        let options = OpenOptions::new().write(true).create_new(true);
        let file = self.engine.open(path, &options).map_err(|error| self.causes.errno(error))?;
        file.close().map_err(|error| self.causes.errno(error))
    }

    /// Makes an empty file that stands for what `record` says.
    pub(super) fn create_special(&mut self, path: &anystorage_api::StoragePath, record: Record) -> Result<()> {
        self.records.before_special(&self.engine, path, record).map_err(|error| self.causes.errno(error))?;
        if let Err(errno) = self.create_empty(path) {
            self.records.removed(path);
            return Err(errno);
        }
        self.entry_changed(path);
        if self.clockless {
            self.note_change(path);
        }
        Ok(())
    }
}

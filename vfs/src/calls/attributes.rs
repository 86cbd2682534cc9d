//! Permission bits, owners, times, and the length by a path.

use anystorage_api::{OpenOptions, Timestamp};

use super::io::position;
use crate::clock;
use crate::counters::Call;
use crate::descriptors::Body;
use crate::node::Place;
use crate::tree::Change;
use crate::vfs::lock;
use crate::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, Errno, NodeKind, Result, Vfs};

/// A time to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// `UTIME_NOW`.
    Now,
    /// `UTIME_OMIT`: it stays.
    Omit,
    /// That moment.
    At(Timestamp),
}

impl Time {
    fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Now => Some(clock::now()),
            Self::Omit => None,
            Self::At(at) => Some(at),
        }
    }
}

impl Vfs {
    /// `chmod(2)`: sets the permission bits of what `path` leads to. They are kept, and never enforced.
    ///
    /// # Errors
    /// `ELOOP`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`; what the engine reports.
    pub fn chmod(&self, path: &str, mode: u32) -> Result<()> {
        self.call(Call::Chmod, path, || self.change(path, true, &Change { mode: Some(mode & 0o7777), ..Change::default() }))
    }

    /// `lchmod(3)`: the same of a link itself, which has none.
    ///
    /// # Errors
    /// As [`Self::chmod`]; `EOPNOTSUPP` for a link.
    pub fn lchmod(&self, path: &str, mode: u32) -> Result<()> {
        self.call(Call::Chmod, path, || self.change(path, false, &Change { mode: Some(mode & 0o7777), ..Change::default() }))
    }

    /// `fchmod(2)`: the same of what a descriptor is open on.
    ///
    /// # Errors
    /// `EBADF`; what the engine reports.
    pub fn fchmod(&self, descriptor: i32, mode: u32) -> Result<()> {
        let change = Change { mode: Some(mode & 0o7777), ..Change::default() };
        self.call(Call::Chmod, descriptor, || self.change_open(descriptor, &change))
    }

    /// `chown(2)`: sets the owner and the group of what `path` leads to; none stays as it is. As on Linux, the set-user-ID bit of a file goes,
    /// and the set-group-ID bit where the group may execute.
    ///
    /// # Errors
    /// As [`Self::chmod`].
    pub fn chown(&self, path: &str, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        self.call(Call::Chown, path, || self.change(path, true, &Change { uid, gid, owner: true, ..Change::default() }))
    }

    /// `lchown(2)`: the same of a link itself.
    ///
    /// # Errors
    /// As [`Self::chmod`].
    pub fn lchown(&self, path: &str, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        self.call(Call::Chown, path, || self.change(path, false, &Change { uid, gid, owner: true, ..Change::default() }))
    }

    /// `fchown(2)`: the same of what a descriptor is open on.
    ///
    /// # Errors
    /// As [`Self::fchmod`].
    pub fn fchown(&self, descriptor: i32, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        self.call(Call::Chown, descriptor, || self.change_open(descriptor, &Change { uid, gid, owner: true, ..Change::default() }))
    }

    /// `utimensat(2)`: sets the times of what `path`, seen from `directory`, leads to, or with [`AT_SYMLINK_NOFOLLOW`] those of a link
    /// itself.
    ///
    /// # Errors
    /// As [`Self::chmod`]; `EBADF`, `ENOTDIR` for `directory`; `EINVAL` for other flags.
    pub fn utimensat(&self, directory: i32, path: &str, accessed: Time, modified: Time, flags: i32) -> Result<()> {
        self.call(Call::Utimens, path, || {
            if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
                return Err(Errno::EINVAL);
            }
            if (accessed, modified) == (Time::Omit, Time::Omit) {
                return Ok(());
            }
            let change = Change { accessed: accessed.moment(), modified: modified.moment(), ..Change::default() };
            if path.is_empty() && flags & AT_EMPTY_PATH != 0 && directory != AT_FDCWD {
                return self.change_open(directory, &change);
            }
            let start = self.start_at(directory, path)?;
            let tree = &mut *self.tree();
            let found = self.lookup(tree, &start, path, flags & AT_SYMLINK_NOFOLLOW == 0)?;
            tree.at(&found.location)?.set(&found.location.path, &change)
        })
    }

    /// `futimens(3)`: the same of what a descriptor is open on.
    ///
    /// # Errors
    /// As [`Self::fchmod`].
    pub fn futimens(&self, descriptor: i32, accessed: Time, modified: Time) -> Result<()> {
        let change = Change { accessed: accessed.moment(), modified: modified.moment(), ..Change::default() };
        self.call(Call::Utimens, descriptor, || self.change_open(descriptor, &change))
    }

    /// `truncate(2)`: cuts the file that `path` leads to, or lengthens it with zeros.
    ///
    /// # Errors
    /// `EINVAL` for a negative length and for what is no file; `EISDIR`; `EFBIG`, `ENOSPC`; `ELOOP`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`;
    /// what the engine reports.
    pub fn truncate(&self, path: &str, len: i64) -> Result<()> {
        self.call(Call::Truncate, path, || {
            let len = position(len)?;
            let tree = &mut *self.tree();
            let found = self.lookup(tree, &self.start(), path, true)?;
            match found.kind {
                NodeKind::File => {}
                NodeKind::Directory => return Err(Errno::EISDIR),
                _ => return Err(Errno::EINVAL),
            }
            let mount = tree.at(&found.location)?;
            let path = &found.location.path;
            if len > mount.engine.capabilities().max_file_len {
                return Err(Errno::EFBIG);
            }
            let file = mount.engine.open(path, &OpenOptions::new().write(true)).map_err(|error| mount.causes.errno(error))?;
            let node = mount.open_node(path);
            let alone = node.as_ref().map(|node| lock(&node.appending));
            file.set_len(len).map_err(|error| mount.causes.errno(error))?;
            drop(alone);
            mount.note_change(path);
            file.close().map_err(|error| mount.causes.errno(error))
        })
    }

    fn change(&self, path: &str, follow: bool, change: &Change) -> Result<()> {
        let tree = &mut *self.tree();
        let found = self.lookup(tree, &self.start(), path, follow)?;
        if change.mode.is_some() && found.kind == NodeKind::Symlink {
            return Err(Errno::EOPNOTSUPP);
        }
        let mount = tree.at(&found.location)?;
        mount.set(&found.location.path, &change.completed(found.kind, found.mode))
    }

    fn change_open(&self, descriptor: i32, change: &Change) -> Result<()> {
        let description = self.description(descriptor)?;
        let node = &description.node;
        if matches!(description.body, Body::Path) {
            return Err(Errno::EBADF);
        }
        let mut tree = self.tree();
        let mount = tree.mount(node.mount)?;
        if let Some(path) = node.path() {
            let found = mount.found(&path)?;
            return mount.set(&path, &change.completed(found.kind, found.mode));
        }
        let mode = mount.stat_node(node, None)?.permissions();
        if let Place::Removed { record, .. } = &mut node.state().place {
            change.completed(node.kind, mode).apply(record, false);
        }
        Ok(())
    }
}

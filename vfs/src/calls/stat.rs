//! What is known of files.

use crate::counters::Call;
use crate::descriptors::{Body, Description};
use crate::tree::{Found, Tree};
use crate::vfs::Start;
use crate::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, Errno, NodeKind, Result, Stat, Vfs};

impl Vfs {
    /// `stat(2)`: what `path` leads to.
    ///
    /// # Errors
    /// `ELOOP`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`; what the engine reports.
    pub fn stat(&self, path: &str) -> Result<Stat> {
        self.fstatat(AT_FDCWD, path, 0)
    }

    /// `lstat(2)`: the same, and a link itself if it is one.
    ///
    /// # Errors
    /// As [`Self::stat`].
    pub fn lstat(&self, path: &str) -> Result<Stat> {
        self.fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)
    }

    /// `fstat(2)`: what a descriptor is open on, whatever its name is by now.
    ///
    /// # Errors
    /// `EBADF`; what the engine reports.
    pub fn fstat(&self, descriptor: i32) -> Result<Stat> {
        self.call(Call::Stat, descriptor, || {
            let description = self.description(descriptor)?;
            self.stat_open(&description)
        })
    }

    /// `fstatat(2)`: from the directory that `directory` is open on, with [`AT_SYMLINK_NOFOLLOW`] and [`AT_EMPTY_PATH`].
    ///
    /// # Errors
    /// As [`Self::stat`]; `EBADF`, `ENOTDIR` for `directory`; `EINVAL` for other flags.
    pub fn fstatat(&self, directory: i32, path: &str, flags: i32) -> Result<Stat> {
        self.call(Call::Stat, path, || {
            if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
                return Err(Errno::EINVAL);
            }
            if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
                if directory != AT_FDCWD {
                    return self.stat_open(&*self.description(directory)?);
                }
                return Ok(self.lookup(&mut self.tree(), &self.start(), ".", true)?.stat());
            }
            let start = self.start_at(directory, path)?;
            if let Some(node) = start.removed(path) {
                return self.tree().mount(node.mount)?.stat_node(node, None);
            }
            Ok(self.lookup(&mut self.tree(), &start, path, flags & AT_SYMLINK_NOFOLLOW == 0)?.stat())
        })
    }

    fn stat_open(&self, description: &Description) -> Result<Stat> {
        let metadata = match &description.body {
            Body::File(file) => Some(file.stat().map_err(|error| self.causes.errno(error))?),
            _ => None,
        };
        self.tree().mount(description.node.mount)?.stat_node(&description.node, metadata)
    }

    /// What is at `path`; a link at its end is followed if `follow`, or if there is a slash behind it.
    pub(crate) fn lookup(&self, tree: &mut Tree, start: &Start, path: &str, follow: bool) -> Result<Found> {
        crate::lookup::check(path)?;
        let start = start.location(tree, path)?;
        tree.walk(&start, path, follow || path.ends_with('/'))?.existing()
    }

    /// The same for a directory alone.
    pub(crate) fn lookup_dir(&self, tree: &mut Tree, start: &Start, path: &str) -> Result<Found> {
        let found = self.lookup(tree, start, path, true)?;
        if matches!(found.kind, NodeKind::Directory) { Ok(found) } else { Err(Errno::ENOTDIR) }
    }
}

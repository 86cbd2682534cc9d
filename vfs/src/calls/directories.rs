//! Directories: made, removed, listed, and the one to work in.

use crate::counters::Call;
use crate::descriptors::{Body, Description};
use crate::listing::Entry;
use crate::lookup::Last;
use crate::tree::{Found, Location, Tree, is_hidden_name};
use crate::vfs::{lock, place};
use crate::{Errno, NodeKind, Result, Vfs};

impl Vfs {
    /// `mkdir(2)`: makes a directory with the permission bits of `mode`, but for those of the umask.
    ///
    /// # Errors
    /// `EEXIST` whatever is there, a dangling link too; `ELOOP`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`; what the engine reports.
    pub fn mkdir(&self, path: &str, mode: u32) -> Result<()> {
        self.call(Call::Mkdir, path, || {
            let tree = &mut *self.tree();
            let start = self.start().location(tree, path)?;
            let walked = tree.walk(&start, path, false)?;
            if walked.found.is_some() {
                return Err(Errno::EEXIST);
            }
            let at = walked.target()?;
            let mode = self.masked(mode & 0o1777);
            let mount = tree.at(&at)?;
            mount.before_create(&at.path)?;
            mount.engine.create_dir(&at.path).map_err(|error| mount.causes.errno(error))?;
            mount.created(&at.path, NodeKind::Directory, mode)
        })
    }

    /// `mkdir -p`: makes `path` and the directories that lead to it; one that is there already is fine.
    ///
    /// # Errors
    /// As [`Self::mkdir`]; `EEXIST` if something else is at `path`. Those that it made stay.
    pub fn mkdir_all(&self, path: &str, mode: u32) -> Result<()> {
        let mut end = 0;
        for part in path.split_inclusive('/') {
            end += part.len();
            let Some(upto) = path.get(..end) else { continue };
            if part == "/" {
                continue;
            }
            match self.mkdir(upto, mode) {
                Err(Errno::EEXIST) => match self.stat(upto) {
                    Ok(stat) if stat.is_dir() => {}
                    Ok(_) if end == path.len() => return Err(Errno::EEXIST),
                    Ok(_) => return Err(Errno::ENOTDIR),
                    Err(errno) => return Err(errno),
                },
                outcome => outcome?,
            }
        }
        if path.is_empty() { Err(Errno::ENOENT) } else { Ok(()) }
    }

    /// `rmdir(2)`: removes an empty directory.
    ///
    /// # Errors
    /// `EBUSY` for a mount point, `EINVAL` for `.`, `ENOTEMPTY`, also for `..`; `ELOOP`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`, for a link too;
    /// what the engine reports.
    pub fn rmdir(&self, path: &str) -> Result<()> {
        self.call(Call::Rmdir, path, || {
            let tree = &mut *self.tree();
            let start = self.start().location(tree, path)?;
            let walked = tree.walk(&start, path, false)?;
            match walked.last {
                Last::Dot => return Err(Errno::EINVAL),
                Last::DotDot => return Err(Errno::ENOTEMPTY),
                Last::Root => return Err(Errno::EBUSY),
                Last::Name(_) => {}
            }
            let found = walked.found.ok_or(Errno::ENOENT)?;
            if !found.is_dir() {
                return Err(Errno::ENOTDIR);
            }
            if found.location.path.is_root() {
                return Err(Errno::EBUSY);
            }
            tree.remove_dir(&found)
        })
    }

    /// The names in a directory, without `.` and `..`, in byte order.
    ///
    /// # Errors
    /// `ELOOP`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`; what the engine reports.
    pub fn readdir(&self, path: &str) -> Result<Vec<Entry>> {
        self.call(Call::Readdir, path, || {
            let tree = &mut *self.tree();
            let found = self.lookup_dir(tree, &self.start(), path)?;
            tree.entries(&found.location)
        })
    }

    /// `getdents(2)`: at most `limit` entries from the descriptor's offset on, `.` and `..` first; none at the end. The directory is taken as
    /// it was when its first entry was read; `lseek` to 0 reads it anew.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR`; `EINVAL` for a `limit` of 0; `ENOENT` once it was removed.
    pub fn getdents(&self, descriptor: i32, limit: usize) -> Result<Vec<Entry>> {
        self.call(Call::Readdir, descriptor, || {
            let description = self.description(descriptor)?;
            let listing = match &description.body {
                Body::Directory(listing) => listing,
                Body::Path => return Err(Errno::EBADF),
                _ => return Err(Errno::ENOTDIR),
            };
            if limit == 0 {
                return Err(Errno::EINVAL);
            }
            let mut offset = description.lock_offset();
            let (mount, path) = place(&description.node)?;
            let mut listing = lock(listing);
            if *offset == 0 {
                listing.entries = self.tree().all_entries(&Location { mount, path })?;
            }
            let from = usize::try_from(*offset).unwrap_or(usize::MAX);
            let page: Vec<Entry> = listing.entries.iter().skip(from).take(limit).cloned().collect();
            *offset += page.len() as u64;
            Ok(page)
        })
    }

    /// `chdir(2)`: where paths that do not begin with `/` start from now on.
    ///
    /// # Errors
    /// As [`Self::readdir`].
    pub fn chdir(&self, path: &str) -> Result<()> {
        self.call(Call::Chdir, path, || {
            let tree = &mut *self.tree();
            let found = self.lookup_dir(tree, &self.start(), path)?;
            let at_root = found.location == tree.root()?;
            let node = if at_root { None } else { Some(tree.at(&found.location)?.node(&found)) };
            self.work_in(tree, node);
            Ok(())
        })
    }

    /// `fchdir(2)`: the same for an open directory.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR`.
    pub fn fchdir(&self, descriptor: i32) -> Result<()> {
        self.call(Call::Chdir, descriptor, || {
            let description = self.description(descriptor)?;
            let Description { node, .. } = &*description;
            if !node.is_dir() {
                return Err(Errno::ENOTDIR);
            }
            let tree = &mut *self.tree();
            let (mount, path) = place(node)?;
            let at_root = Location { mount, path } == tree.root()?;
            self.work_in(tree, (!at_root).then(|| std::sync::Arc::clone(node)));
            Ok(())
        })
    }

    /// `getcwd(3)`: the working directory, from the root.
    ///
    /// # Errors
    /// `ENOENT` once it was removed.
    pub fn getcwd(&self) -> Result<String> {
        let start = self.start();
        let tree = self.tree();
        match start.location(&tree, "") {
            Ok(location) => Ok(tree.absolute(&location)),
            Err(Errno::ENOENT) if tree.mounts.is_empty() => Ok("/".to_owned()),
            Err(errno) => Err(errno),
        }
    }

    fn work_in(&self, tree: &mut Tree, node: Option<std::sync::Arc<crate::node::Node>>) {
        let left = std::mem::replace(&mut *self.working(), node);
        if let Some(left) = left
            && let Ok(mount) = tree.mount(left.mount)
        {
            mount.release(&left);
        }
    }
}

impl Tree {
    /// Removes an empty directory.
    pub(super) fn remove_dir(&mut self, found: &Found) -> Result<()> {
        let at = &found.location;
        if self.mounts.values().any(|mount| mount.point.as_ref() == Some(at)) {
            return Err(Errno::EBUSY);
        }
        let mount = self.at(at)?;
        mount.records.before_remove(&mount.engine, &at.path);
        mount.engine.remove_dir(&at.path).map_err(|error| mount.causes.errno(error))?;
        mount.removed(found);
        Ok(())
    }

    /// The names in a directory.
    fn entries(&mut self, at: &Location) -> Result<Vec<Entry>> {
        let mount = self.at(at)?;
        let listed = mount.engine.list_all(&at.path).map_err(|error| mount.causes.errno(error))?;
        let mut entries = Vec::with_capacity(listed.len());
        for entry in listed {
            if at.path.is_root() && is_hidden_name(&entry.name) {
                continue;
            }
            let Ok(child) = at.join(&entry.name) else { continue };
            let kind = self.at(&child)?.kind_of(&child.path, NodeKind::of(entry.kind));
            let ino = self.ino_of(&child);
            entries.push(Entry { name: entry.name, kind, ino });
        }
        Ok(entries)
    }

    /// The same, `.` and `..` first.
    fn all_entries(&mut self, at: &Location) -> Result<Vec<Entry>> {
        let above = self.above(at);
        let dots = [(".", at.clone()), ("..", above)];
        let dots = dots.map(|(name, at)| Entry { name: name.to_owned(), kind: NodeKind::Directory, ino: self.ino_of(&at) });
        let mut entries = Vec::from(dots);
        entries.extend(self.entries(at)?);
        Ok(entries)
    }
}

//! `open`.

use std::sync::{Arc, Mutex};

use anystorage_api::OpenOptions;

use crate::counters::Call;
use crate::descriptors::{Body, Description};
use crate::listing::Listing;
use crate::lookup::Last;
use crate::tree::{Change, Found, Tree};
use crate::vfs::{Start, lock};
use crate::{AT_FDCWD, Errno, NodeKind, OpenFlags, Result, Vfs};

impl Vfs {
    /// `open(2)`: opens `path`, and returns the lowest descriptor that is free. A file that is created gets the permission bits of `mode`
    /// but for those of the [`umask`](Self::umask).
    ///
    /// # Errors
    /// `EEXIST`, `EINVAL`, `EISDIR`, `ELOOP`, `EMFILE`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`, `ENXIO` for a device without a driver,
    /// `EOPNOTSUPP` for `O_TMPFILE`, `EPERM` for the name of the face's own file; what the engine reports.
    pub fn open(&self, path: &str, flags: OpenFlags, mode: u32) -> Result<i32> {
        self.openat(AT_FDCWD, path, flags, mode)
    }

    /// `openat(2)`: the same, from the directory that `directory` is open on.
    ///
    /// # Errors
    /// As [`Self::open`]; `EBADF`, `ENOTDIR` for `directory`.
    pub fn openat(&self, directory: i32, path: &str, flags: OpenFlags, mode: u32) -> Result<i32> {
        self.call(Call::Open, path, || {
            crate::lookup::check(path)?;
            if flags.has(OpenFlags::O_CREAT) && flags.has(OpenFlags::O_DIRECTORY) && !flags.has(OpenFlags::O_PATH) {
                return Err(Errno::EINVAL);
            }
            if flags.has(OpenFlags::O_TMPFILE) {
                return Err(Errno::EOPNOTSUPP);
            }
            let number = self.descriptors().reserve()?;
            let opened = self.start_at(directory, path).and_then(|start| self.open_there(&start, path, flags, mode));
            let (outcome, description) = match opened {
                Ok(description) => (Ok(number), Some(Arc::new(description))),
                Err(errno) => (Err(errno), None),
            };
            self.descriptors().settle(number, description);
            outcome
        })
    }

    fn open_there(&self, start: &Start, path: &str, flags: OpenFlags, mode: u32) -> Result<Description> {
        let path_only = flags.has(OpenFlags::O_PATH);
        let creates = flags.has(OpenFlags::O_CREAT) && !path_only;
        let exclusive = creates && flags.has(OpenFlags::O_EXCL);
        let slash = path.ends_with('/');
        let tree = &mut *self.tree();
        if let Some(node) = start.removed(path).filter(|_| !creates && !flags.writes()) {
            let body = if path_only { Body::Path } else { Body::Directory(Mutex::new(Listing::default())) };
            return Ok(Description::new(Arc::clone(node), flags, body));
        }
        let start = start.location(tree, path)?;
        let follow = !exclusive && !flags.has(OpenFlags::O_NOFOLLOW) || slash && !creates;
        let walked = tree.walk(&start, path, follow)?;
        if creates && walked.slash && matches!(walked.last, Last::Name(_)) {
            return Err(Errno::EISDIR);
        }
        let Some(found) = &walked.found else {
            return if creates { self.create(tree, &walked.target()?, flags, mode) } else { Err(Errno::ENOENT) };
        };
        if exclusive {
            return Err(Errno::EEXIST);
        }
        if creates && found.is_dir() {
            return Err(Errno::EISDIR);
        }
        if (flags.has(OpenFlags::O_DIRECTORY) || walked.slash) && !found.is_dir() {
            return Err(Errno::ENOTDIR);
        }
        let truncates = flags.has(OpenFlags::O_TRUNC) && !path_only;
        let body = match found.kind {
            _ if path_only => Body::Path,
            NodeKind::Symlink => return Err(Errno::ELOOP),
            NodeKind::Directory if flags.bits() & OpenFlags::O_ACCMODE.bits() != 0 || truncates => return Err(Errno::EISDIR),
            NodeKind::Directory => Body::Directory(Mutex::new(Listing::default())),
            NodeKind::Character(number) => Body::Device(self.device(number)?),
            NodeKind::File => open_file(tree, found, flags, truncates)?,
            NodeKind::Other => return Err(Errno::ENXIO),
        };
        let node = tree.at(&found.location)?.node(found);
        Ok(Description::new(node, flags, body))
    }

    fn create(&self, tree: &mut Tree, at: &crate::tree::Location, flags: OpenFlags, mode: u32) -> Result<Description> {
        let mount = tree.at(at)?;
        mount.before_create(&at.path)?;
        let options = options_of(flags).write(true).create_new(true);
        let file = mount.engine.open(&at.path, &options).map_err(|error| mount.causes.errno(error))?;
        mount.created(&at.path, NodeKind::File, self.masked(mode))?;
        let found = mount.found(&at.path)?;
        // A handle for writing too would let a descriptor for reading keep more than it may use.
        let file = if flags.writes() {
            file
        } else {
            drop(file);
            mount.engine.open(&at.path, &OpenOptions::reading()).map_err(|error| mount.causes.errno(error))?
        };
        Ok(Description::new(mount.node(&found), flags, Body::File(file)))
    }
}

fn options_of(flags: OpenFlags) -> OpenOptions {
    // The fourth access mode is for neither: the face refuses both.
    OpenOptions::new().read(flags.reads() || !flags.writes()).write(flags.writes())
}

fn open_file(tree: &mut Tree, found: &Found, flags: OpenFlags, truncates: bool) -> Result<Body> {
    let mount = tree.at(&found.location)?;
    let path = &found.location.path;
    let options = options_of(flags);
    let node = mount.open_node(path).filter(|_| truncates);
    let alone = node.as_ref().map(|node| lock(&node.appending));
    if truncates && !flags.writes() {
        let cut = OpenOptions::new().write(true).truncate(true);
        drop(mount.engine.open(path, &cut).map_err(|error| mount.causes.errno(error))?);
    }
    let options = if truncates && flags.writes() { options.truncate(true) } else { options };
    let file = mount.engine.open(path, &options).map_err(|error| mount.causes.errno(error))?;
    drop(alone);
    if truncates {
        mount.note_change(path);
    }
    Ok(Body::File(file))
}

impl crate::tree::Mount {
    /// Before something new comes to be at `path`.
    pub(crate) fn before_create(&mut self, path: &anystorage_api::StoragePath) -> Result<()> {
        self.records.before_create(&self.engine, path).map_err(|error| self.causes.errno(error))
    }

    /// Something new is at `path`, and gets its permission bits.
    pub(crate) fn created(&mut self, path: &anystorage_api::StoragePath, kind: NodeKind, mode: u32) -> Result<()> {
        self.entry_changed(path);
        if self.clockless {
            self.note_change(path);
        }
        if mode == kind.default_mode() {
            return Ok(());
        }
        let change = Change { mode: Some(mode), ..Change::default() };
        self.set(path, &change)
    }
}

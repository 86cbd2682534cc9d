use std::borrow::Cow;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use anystorage_api::{
    Capabilities, DirEntry, Durability, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile,
    StoragePath, Usage, engine,
};

use super::disk::{Disk, DiskFile, DiskKind, DiskMetadata, DiskOpen, DiskOpened};
use super::error::host_error;
use super::file::NativeFile;
use super::guard::{exclusive, lock, shared};
use super::host::HostDisk;
use super::instance::{Instance, read_full};
use super::listing::{kind_of, sort_out};
use super::lock::RootLock;
use super::names::{below, host_path, parent};
use super::node::Name;
use super::revision::times;
use crate::root::create_root;

/// A directory of the host, with one host file per file. The [module](super) says what it promises and what it assumes.
///
/// ```
/// use anystorage_api::{StorageBackend, StoragePath};
/// use anystorage_native::files::FilesBackend;
///
/// # let directory = tempfile::tempdir()?;
/// # let root = directory.path().join("notes");
/// # futures_lite::future::block_on(async {
/// let notes = FilesBackend::open(&root)?;
/// let path = StoragePath::parse("plan.md")?;
/// notes.write(&path, b"# Plan").await?;
/// assert_eq!(std::fs::read(root.join("plan.md")).unwrap(), b"# Plan");
/// notes.close().await
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FilesBackend<D: Disk = HostDisk> {
    instance: Arc<Instance<D>>,
}

impl FilesBackend {
    /// Opens the directory `root` for reading and writing, and holds it until [`close`](StorageBackend::close) or the drop of the backend
    /// and all its files. Missing directories are created, and are durable when this returns. If `root` is a symbolic link, it is followed
    /// once, now.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked), at once, if another instance holds it; [`NotADirectory`](ErrorKind::NotADirectory); what the host
    /// reports.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        Self::open_prepared(root.as_ref(), create_root)
    }

    /// Opens the directory `root` as [`open`](Self::open) does, but never creates it, nor anything above it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is nothing; [`Locked`](ErrorKind::Locked), at once, if another instance holds it;
    /// [`NotADirectory`](ErrorKind::NotADirectory); what the host reports.
    pub fn open_existing(root: impl AsRef<Path>) -> Result<Self> {
        Self::open_prepared(root.as_ref(), |_| Ok(()))
    }

    fn open_prepared(root: &Path, prepare: impl FnOnce(&Path) -> io::Result<()>) -> Result<Self> {
        let disk = open_root(root, prepare)?;
        let lock = take_lock(&disk, root)?;
        Ok(Self { instance: Arc::new(Instance::new(disk, Some(lock), false)) })
    }

    /// Opens the directory `root` for reading alone: without a lock, so also while another instance holds it, and without any change.
    /// Everything that would change something is [`PermissionDenied`](ErrorKind::PermissionDenied); `sync` does nothing, for there is
    /// nothing to make durable.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`NotADirectory`](ErrorKind::NotADirectory); what the host reports.
    pub fn open_read_only(root: impl AsRef<Path>) -> Result<Self> {
        let disk = open_root(root.as_ref(), |_| Ok(()))?;
        Ok(Self { instance: Arc::new(Instance::new(disk, None, true)) })
    }
}

impl<D: Disk> FilesBackend<D> {
    /// The engine over any [`Disk`]. Nothing is locked: that nobody else uses the disk is the caller's word.
    #[must_use]
    pub fn over(disk: D) -> Self {
        Self { instance: Arc::new(Instance::new(disk, None, false)) }
    }

    /// The engine over any [`Disk`], holding the lock of the directory `root` as [`FilesBackend::open`] does.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked); what the host reports.
    pub fn over_locked(disk: D, root: impl AsRef<Path>) -> Result<Self> {
        let held = open_root(root.as_ref(), |_| Ok(()))?;
        let lock = take_lock(&held, root.as_ref())?;
        Ok(Self { instance: Arc::new(Instance::new(disk, Some(lock), false)) })
    }
}

impl<D: Disk> fmt::Debug for FilesBackend<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilesBackend")
            .field("disk", &self.instance.disk)
            .field("read_only", &self.instance.read_only)
            .finish_non_exhaustive()
    }
}

fn open_root(root: &Path, prepare: impl FnOnce(&Path) -> io::Result<()>) -> Result<HostDisk> {
    prepare(root).and_then(|()| HostDisk::open(root)).map_err(|error| {
        let text = format!("the directory {} cannot be opened", root.display());
        host_error(error, Operation::OpenLocation, &StoragePath::root()).with_text(text)
    })
}

fn take_lock(root: impl AsFd, path: &Path) -> Result<RootLock> {
    let locked = || {
        let text = format!("another instance, in this process or in another one, holds {}", path.display());
        Error::new(ErrorKind::Locked, Operation::OpenLocation).with_text(text)
    };
    RootLock::take(root).map_err(|error| host_error(error, Operation::OpenLocation, &StoragePath::root()))?.ok_or_else(locked)
}

impl<D: Disk> FilesBackend<D> {
    /// Opens or creates, and says whether the file is new.
    fn open_or_create(&self, host: &str, path: &StoragePath, options: &OpenOptions) -> Result<(DiskOpened<D::File>, bool)> {
        const ATTEMPTS: usize = 16;
        let fail = |error| host_error(error, Operation::Open, path);
        let create = || {
            self.instance.check_changes(Operation::Open, path)?;
            let opened = self.instance.ask(|disk| disk.open(host, DiskOpen::CreateNew)).map_err(fail)?;
            self.instance.entry_changed(parent(host));
            Ok((opened, true))
        };
        if options.is_create_new() {
            return create();
        }
        let existing = match (options.is_read(), options.is_write()) {
            (_, false) => DiskOpen::Read,
            (false, true) => DiskOpen::Write,
            (true, true) => DiskOpen::ReadWrite,
        };
        for _ in 0..ATTEMPTS {
            match self.instance.ask(|disk| disk.open(host, existing)) {
                Ok(opened) => return Ok((opened, false)),
                Err(error) if error.kind() == io::ErrorKind::NotFound && options.is_create() => {}
                Err(error) => return Err(fail(error)),
            }
            match create() {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                outcome => return outcome,
            }
        }
        let text = "a symbolic link is here whose target is missing; remove the link, or create the target by its own path";
        Err(Error::new(ErrorKind::NotFound, Operation::Open).with_path(path).with_text(text))
    }

    fn open_file(&self, path: &StoragePath, options: &OpenOptions) -> Result<(NativeFile<D>, DiskMetadata)> {
        options.check(path)?;
        self.instance.check_open(Operation::Open)?;
        if options.is_write() && self.instance.read_only {
            self.instance.check_changes(Operation::Open, path)?;
        }
        if path.is_root() {
            let kind = if options.is_create_new() { ErrorKind::AlreadyExists } else { ErrorKind::IsADirectory };
            return Err(Error::new(kind, Operation::Open).with_path(path));
        }
        let host = host_path(path, Operation::Open)?;
        let _in_place = shared(&self.instance.structure);
        self.instance.check_open(Operation::Open)?;
        let (opened, new) = self.open_or_create(&host, path, options)?;
        let name = if opened.through_link { Name::Elsewhere } else { Name::At(host.into_owned()) };
        let file = Arc::new(opened.file);
        let node = lock(&self.instance.tree).nodes.register(&opened.metadata, name, new, &file, options.is_write());
        let file = NativeFile::new(self.instance.clone(), node, file, path.clone(), options);
        if options.is_truncate() && !new {
            file.change(Operation::Open, |file| file.set_len(0))?;
        }
        Ok((file, opened.metadata))
    }

    /// What is at `path` itself, links not followed.
    fn entry(&self, host: &str, path: &StoragePath, operation: Operation) -> Result<DiskMetadata> {
        self.instance.ask(|disk| disk.symlink_metadata(host)).map_err(|error| host_error(error, operation, path))
    }

    fn optional_entry(&self, host: &str, path: &StoragePath, operation: Operation) -> Result<Option<DiskMetadata>> {
        match self.entry(host, path, operation) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Flushes a file by its identity, if it is one that this instance changed.
    fn flush_by_id(&self, found: &DiskMetadata, path: &StoragePath) -> Result<()> {
        let known = lock(&self.instance.tree).nodes.get(found.id);
        match known {
            Some((node, file)) => {
                self.instance.flush_file(&node, &file, path)?;
                lock(&self.instance.tree).nodes.forget_clean(found.id);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Renames over whatever file is at `to`, and takes note of it.
    fn rename_file(&self, id: (u64, u64), from: &str, to: &str, replaced: Option<&DiskMetadata>) -> io::Result<()> {
        self.instance.ask(|disk| disk.rename(from, to))?;
        let mut tree = lock(&self.instance.tree);
        if let Some(replaced) = replaced.filter(|replaced| replaced.id != id) {
            tree.nodes.unlinked(replaced.id, to, replaced.links);
        }
        tree.nodes.renamed(id, to);
        Ok(())
    }

    fn renamed_between(&self, from: &str, to: &str) {
        let (from, to) = (parent(from), parent(to));
        lock(&self.instance.tree).dirty.mark_rename(from, to);
        self.instance.entry_changed(from);
        self.instance.entry_changed(to);
    }
}

#[engine]
impl<D: Disk> StorageBackend for FilesBackend<D> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new()
            .durability(Durability::PowerLoss)
            .atomic_rename_file(true)
            .atomic_rename_dir(true)
            .immediate(true)
            .real_names(true)
            .usage(true)
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let (file, _) = self.open_file(path, options)?;
        Ok(Box::new(file))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.instance.check_open(Operation::Stat)?;
        let host = host_path(path, Operation::Stat)?;
        let fail = |error| host_error(error, Operation::Stat, path);
        let found = self.instance.ask(|disk| disk.metadata(&host)).map_err(fail)?;
        match found.kind {
            DiskKind::Directory => {
                let revision = lock(&self.instance.revisions).of_directory(&host, &found);
                Ok(Metadata::directory().with_modified(Some(found.modified)).with_revision(revision))
            }
            DiskKind::File => {
                let open = lock(&self.instance.tree).nodes.get(found.id);
                let Some((node, file)) = open else { return Ok(file_metadata(&self.instance, &found)) };
                // Somebody may be writing: look again while nobody is, and remember what was seen.
                let mut state = exclusive(&node.state);
                let found = file.metadata().map_err(fail)?;
                state.seen = Some(times(&found));
                Ok(file_metadata(&self.instance, &found))
            }
            DiskKind::Symlink | DiskKind::Other => Ok(Metadata::of_kind(kind_of(found.kind)).with_modified(Some(found.modified))),
        }
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.instance.check_open(Operation::List)?;
        let host = host_path(directory, Operation::List)?;
        if let Some(after) = after
            && let Some(page) = lock(&self.instance.tree).listings.next_page(&host, after, limit)
        {
            return Ok(page);
        }
        let entries = {
            // Not closed meanwhile: the temporary files of the next holder are not stale.
            let _in_place = shared(&self.instance.structure);
            self.instance.check_open(Operation::List)?;
            let found = self.instance.ask(|disk| disk.entries(&host)).map_err(|error| host_error(error, Operation::List, directory))?;
            let (entries, temporaries) = sort_out(found);
            self.instance.remove_stale(&host, &temporaries);
            entries
        };
        Ok(lock(&self.instance.tree).listings.first_page(&host, entries, after, limit))
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.instance.check_changes(Operation::CreateDir, path)?;
        if path.is_root() {
            return Err(Error::new(ErrorKind::AlreadyExists, Operation::CreateDir).with_path(path));
        }
        let host = host_path(path, Operation::CreateDir)?;
        let _in_place = shared(&self.instance.structure);
        self.instance.check_open(Operation::CreateDir)?;
        self.instance.ask(|disk| disk.create_dir(&host)).map_err(|error| host_error(error, Operation::CreateDir, path))?;
        self.instance.entry_changed(parent(&host));
        Ok(())
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        const OPERATION: Operation = Operation::RemoveFile;
        self.instance.check_changes(OPERATION, path)?;
        if path.is_root() {
            return Err(Error::new(ErrorKind::IsADirectory, OPERATION).with_path(path));
        }
        let host = host_path(path, OPERATION)?;
        let _alone = exclusive(&self.instance.structure);
        self.instance.check_open(OPERATION)?;
        let watched = !lock(&self.instance.tree).nodes.is_empty();
        let found = if watched { Some(self.entry(&host, path, OPERATION)?) } else { None };
        self.instance.ask(|disk| disk.remove_file(&host)).map_err(|error| host_error(error, OPERATION, path))?;
        if let Some(found) = found {
            lock(&self.instance.tree).nodes.unlinked(found.id, &host, found.links);
        }
        self.instance.entry_changed(parent(&host));
        Ok(())
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        const OPERATION: Operation = Operation::RemoveDir;
        self.instance.check_changes(OPERATION, path)?;
        if path.is_root() {
            return Err(Error::new(ErrorKind::InvalidInput, OPERATION).with_path(path).with_text("the root cannot be removed"));
        }
        let host = host_path(path, OPERATION)?;
        let fail = |error| host_error(error, OPERATION, path);
        let _alone = exclusive(&self.instance.structure);
        self.instance.check_open(OPERATION)?;
        if let Err(error) = self.instance.ask(|disk| disk.remove_dir(&host)) {
            if error.kind() != io::ErrorKind::DirectoryNotEmpty {
                return Err(fail(error));
            }
            // Perhaps all that is in it are leftovers that nobody sees.
            let (entries, temporaries) = sort_out(self.instance.ask(|disk| disk.entries(&host)).map_err(fail)?);
            if !entries.is_empty() || temporaries.is_empty() {
                return Err(fail(error));
            }
            self.instance.remove_stale(&host, &temporaries);
            self.instance.ask(|disk| disk.remove_dir(&host)).map_err(fail)?;
        }
        {
            let mut tree = lock(&self.instance.tree);
            tree.dirty.removed(&host);
            tree.listings.forget_tree(&host);
        }
        lock(&self.instance.revisions).forget_tree(&host);
        self.instance.entry_changed(parent(&host));
        Ok(())
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        const OPERATION: Operation = Operation::Rename;
        self.instance.check_changes(OPERATION, from)?;
        if from.is_root() || to.is_root() {
            return Err(Error::new(ErrorKind::InvalidInput, OPERATION).with_path(from).with_text("the root has no other path"));
        }
        let (from_host, to_host) = (host_path(from, OPERATION)?, host_path(to, OPERATION)?);
        // A directory that is lost in a power cut takes along what was moved into it: it has to be durable before the move.
        let keep_target = || {
            let directory = parent(&to_host);
            let moves = directory != parent(&from_host);
            if moves { self.instance.flush_leading_to(|| Name::At(directory.to_owned())) } else { Ok(()) }
        };
        // Flushes take long: what can be done before the lock is, and below it is looked at again.
        keep_target().map_err(|error| error.in_operation(OPERATION))?;
        let watched = !lock(&self.instance.tree).nodes.is_empty();
        if watched && from_host != to_host && matches!(self.optional_entry(&to_host, to, OPERATION), Ok(Some(_))) {
            self.flush_by_id(&self.entry(&from_host, from, OPERATION)?, from)?;
        }
        let _alone = exclusive(&self.instance.structure);
        self.instance.check_open(OPERATION)?;
        let source = self.entry(&from_host, from, OPERATION)?;
        if from_host == to_host {
            return Ok(());
        }
        let refuse = |kind, text: &str| Err(Error::new(kind, OPERATION).with_path(to).with_text(text));
        let source_is_dir = source.kind == DiskKind::Directory;
        if source_is_dir && below(&to_host, &from_host).is_some() {
            return refuse(ErrorKind::InvalidInput, "a directory cannot move into itself");
        }
        let target = self.optional_entry(&to_host, to, OPERATION)?;
        match (source_is_dir, target.map(|target| target.kind == DiskKind::Directory)) {
            (true, Some(true)) => return refuse(ErrorKind::AlreadyExists, "another directory is there"),
            (true, Some(false)) => return refuse(ErrorKind::NotADirectory, "a directory cannot replace a file"),
            (false, Some(true)) => return refuse(ErrorKind::IsADirectory, "a file cannot replace a directory"),
            (_, None) | (false, Some(false)) => {}
        }
        if target.is_some() {
            self.flush_by_id(&source, from)?;
        }
        keep_target().map_err(|error| error.in_operation(OPERATION))?;
        let fail = |error: io::Error| {
            let about = if error.kind() == io::ErrorKind::NotFound { to } else { from };
            host_error(error, OPERATION, about)
        };
        if source_is_dir {
            self.instance.ask(|disk| disk.rename(&from_host, &to_host)).map_err(fail)?;
            {
                let mut tree = lock(&self.instance.tree);
                tree.nodes.moved(&from_host, &to_host);
                tree.dirty.moved(&from_host, &to_host);
                tree.listings.forget_tree(&from_host);
            }
            lock(&self.instance.revisions).forget_tree(&from_host);
        } else {
            self.rename_file(source.id, &from_host, &to_host, target.as_ref()).map_err(fail)?;
        }
        self.renamed_between(&from_host, &to_host);
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        self.instance.check_open(Operation::Sync)?;
        if self.instance.read_only {
            return Ok(());
        }
        let mut outcome = self.instance.check_flushes(Operation::Sync);
        let named = lock(&self.instance.tree).nodes.named();
        for (node, file) in named {
            let path = match node.name() {
                Name::At(path) => super::names::user_path(&path).unwrap_or_default(),
                Name::Elsewhere | Name::Removed => StoragePath::root(),
            };
            outcome = outcome.and(self.instance.flush_file(&node, &file, &path));
            lock(&self.instance.tree).nodes.forget_clean(node.id());
        }
        outcome.and(self.instance.flush_directories(super::dirty::DirtyDirs::all))
    }

    async fn close(&self) -> Result<()> {
        self.instance.close()
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        let (file, found) = self.open_file(path, &OpenOptions::reading()).map_err(|error| error.in_operation(Operation::Read))?;
        file.read_to_end(found.len)
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        const OPERATION: Operation = Operation::Write;
        self.instance.check_changes(OPERATION, path)?;
        if path.is_root() {
            return Err(Error::new(ErrorKind::IsADirectory, OPERATION).with_path(path));
        }
        let fail = |error| host_error(error, OPERATION, path);
        let host: Cow<'_, str> = host_path(path, OPERATION)?;
        let mode = match self.instance.ask(|disk| disk.metadata(&host)) {
            Ok(DiskMetadata { kind: DiskKind::File, mode, .. }) => Some(mode),
            Ok(DiskMetadata { kind: DiskKind::Directory, .. }) => return Err(fail(io::ErrorKind::IsADirectory.into())),
            Ok(_) => return Err(Error::new(ErrorKind::Unsupported, OPERATION).with_path(path).with_text("this is no regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(fail(error)),
        };
        let name = {
            let mut temporary = self.instance.temporary(parent(&host)).map_err(fail)?;
            if let Some(mode) = mode {
                // Before the bytes: whoever may not read the old file may not read the new one at any time.
                temporary.file.set_mode(mode).map_err(fail)?;
            }
            temporary.fill(data).map_err(fail)?;
            temporary.file.sync().map_err(fail)?;
            let _alone = exclusive(&self.instance.structure);
            self.instance.check_open(OPERATION)?;
            let watched = !lock(&self.instance.tree).nodes.is_empty();
            let replaced = if watched { self.optional_entry(&host, path, OPERATION)? } else { None };
            self.rename_file(temporary.id, &temporary.path, &host, replaced.as_ref()).map_err(fail)?;
            temporary.keep();
            self.instance.entry_changed(parent(&host));
            if temporary.through_link { Name::Elsewhere } else { Name::At(host.into_owned()) }
        };
        self.instance.flush_leading_to(|| name.clone()).map_err(|error| error.in_operation(OPERATION))
    }

    async fn usage(&self) -> Result<Usage> {
        self.instance.check_open(Operation::Usage)?;
        let space = self.instance.ask(|disk| disk.space()).map_err(|error| host_error(error, Operation::Usage, &StoragePath::root()))?;
        Ok(Usage::new(None, Some(space.total), Some(space.free)))
    }
}

/// What the outside sees of a file.
pub(super) fn file_metadata<D: Disk>(instance: &Instance<D>, found: &DiskMetadata) -> Metadata {
    let revision = lock(&instance.revisions).of_file(found);
    Metadata::file(found.len).with_modified(Some(found.modified)).with_revision(revision)
}

/// Reads all of a file whose length was `expected` a moment ago.
pub(super) fn read_whole<F: DiskFile>(file: &F, expected: u64) -> io::Result<Vec<u8>> {
    let too_large = || io::Error::new(io::ErrorKind::InvalidInput, "the file does not fit into memory");
    let mut data = Vec::new();
    let mut room = expected;
    loop {
        // One byte more than expected: a short read then says at once that this was the end.
        let more = usize::try_from(room).ok().and_then(|room| room.checked_add(1)).ok_or_else(too_large)?;
        data.try_reserve_exact(more).map_err(|_| too_large())?;
        let filled = data.len();
        data.resize(filled + more, 0);
        let count = read_full(file, filled as u64, data.get_mut(filled..).unwrap_or_default())?;
        data.truncate(filled + count);
        if count < more {
            return Ok(data);
        }
        room = 64 * 1024;
    }
}

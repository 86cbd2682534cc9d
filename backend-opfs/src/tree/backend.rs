use std::future::Future;
use std::rc::Rc;

use anystorage_api::{
    Capabilities, DirEntry, Durability, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile,
    StoragePath, Timestamp, engine,
};
use anystorage_browser_host::task::run_to_end;

use super::file::{TreeFile, metadata};
use super::location::Location;
use super::node::Node;
use crate::faults::FlushFaults;
use crate::hidden::Hidden;
use crate::hold::Hold;
use crate::host::{Directory, Entry, MAX_LEN, can_move, failed};
use crate::layout::Layout;
use crate::names::{HIDDEN, from_host, to_host};
use crate::names_log::pass_over_what_is_torn;
use crate::open_file::{Access, Change};
use crate::options::{Mode, OpfsOptions};
use crate::way::Way;

/// A tree of files in the origin private file system.
#[derive(Debug)]
pub struct TreeBackend {
    location: Rc<Location>,
}

impl TreeBackend {
    pub(super) async fn open(name: &str, options: &OpfsOptions, faults: &FlushFaults) -> Result<Self> {
        let operation = Operation::OpenLocation;
        let opening = |error: Error| error.in_operation(operation);
        let path = StoragePath::parse(name)?;
        let hold = Hold::take(&path).await?;
        let origin = Directory::of_origin().await?;
        // Before anything is created there.
        let way = Way::open(options).await?;
        pass_over_what_is_torn(&origin).await;
        let root = origin.below(path.parts().map(to_host), options.mode == Mode::ReadWriteCreate).await.map_err(failed(operation))?;
        let hidden = match root.directory(HIDDEN, false).await {
            Ok(hidden) => hidden,
            Err(exception) if exception.name() == "NotFoundError" => {
                if let other @ Some(_) = Layout::of_directory(&root).await? {
                    return Err(Layout::Tree.mistaken(other));
                }
                root.directory(HIDDEN, true).await.map_err(failed(operation))?
            }
            Err(exception) => return Err(exception.into_error(operation)),
        };
        let hidden = Rc::new(Hidden::new(root.clone(), hidden, way.clone()));
        hidden.clear().await.map_err(opening)?;
        let location = Location::new(root, Rc::clone(&hidden), Access::new(way, faults.clone(), hidden), hold);
        location.prove().await.map_err(opening)?;
        Ok(Self { location: Rc::new(location) })
    }

    /// Does something in its turn, to its end, with everything that the location has.
    fn in_turn<T, F, Fut>(&self, operation: Operation, act: F) -> impl Future<Output = Result<T>> + use<T, F, Fut>
    where
        T: 'static,
        F: FnOnce(Rc<Location>) -> Fut + 'static,
        Fut: Future<Output = Result<T>> + 'static,
    {
        let location = Rc::clone(&self.location);
        run_to_end(async move {
            let _turn = location.turn(operation).await?;
            act(Rc::clone(&location)).await
        })
    }
}

impl Location {
    /// Finds out by doing whether files can be opened and moved here.
    async fn prove(&self) -> Result<()> {
        let operation = Operation::OpenLocation;
        let (plain, number) = self.hidden.create(operation).await?;
        if !can_move(&plain) {
            let text = "this browser cannot rename files of its private file system: choose another engine";
            return Err(Error::new(ErrorKind::Unsupported, operation).with_text(text));
        }
        self.access.prove(&plain).await?;
        self.hidden.remove(number).await.map_err(failed(operation))
    }

    async fn open_file(self: &Rc<Self>, path: &StoragePath, options: &OpenOptions) -> Result<TreeFile> {
        let operation = Operation::Open;
        let creates = options.is_create() || options.is_create_new();
        let found = self.find(path, operation).await?;
        let plain = match found {
            Some(_) if options.is_create_new() => return Err(Error::new(ErrorKind::AlreadyExists, operation)),
            Some(Entry::Directory(_)) => return Err(Error::new(ErrorKind::IsADirectory, operation)),
            Some(Entry::File(plain)) => plain,
            None if creates => {
                let (directory, name) = self.place(path, operation).await?;
                let plain = directory.file(&name, true).await.map_err(failed(operation))?;
                self.changed(path);
                self.name_changed(path);
                plain
            }
            None => return Err(Error::new(ErrorKind::NotFound, operation)),
        };
        let node = match self.node(path) {
            Some(node) => node,
            None => {
                let file = Rc::new(self.access.open(&plain).await?);
                let node = Rc::new(Node::new(plain, file, self.revision(path)));
                self.nodes.borrow_mut().insert(path.clone(), Rc::clone(&node));
                node
            }
        };
        // Opened first: what becomes of a node that nobody opens is settled when its last opener goes.
        let file = TreeFile::new(Rc::clone(self), Rc::clone(&node), path, options);
        if options.is_truncate() {
            node.in_turn(&self.access, async |file| {
                if file.len().await? > 0 {
                    node.changes(self.next_revision())?;
                    file.change(Change::SetLen, 0, &[]).await?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(file)
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        if let Some(node) = self.node(path) {
            let len = node.in_turn(&self.access, async |file| file.len().await).await?;
            return Ok(metadata(&node, len));
        }
        match self.entry(path, Operation::Stat).await? {
            Entry::Directory(_) => Ok(Metadata::directory().with_revision(self.revision(path))),
            Entry::File(plain) => {
                let (len, modified) = plain.stat().await?;
                let modified = Timestamp::from_unix_millis(modified as i64);
                Ok(Metadata::file(len).with_modified(Some(modified)).with_revision(self.revision(path)))
            }
        }
    }

    async fn list(&self, path: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let known = self.listed.borrow().as_ref().filter(|(listed, _)| listed == path).map(|(_, names)| Rc::clone(names));
        let names = match known {
            Some(names) => names,
            None => {
                let Entry::Directory(directory) = self.entry(path, Operation::List).await? else {
                    return Err(Error::new(ErrorKind::NotADirectory, Operation::List));
                };
                let entries = directory.entries().await?.into_iter();
                let mut names: Vec<(String, bool)> =
                    entries.filter_map(|(host, is_directory)| Some((from_host(&host)?.into_owned(), is_directory))).collect();
                names.sort_unstable();
                let names = Rc::new(names);
                *self.listed.borrow_mut() = Some((path.clone(), Rc::clone(&names)));
                names
            }
        };
        let from = after.map_or(0, |after| names.partition_point(|(name, _)| name.as_str() <= after));
        let kind = |is_directory| if is_directory { FileKind::Directory } else { FileKind::File };
        Ok(names.iter().skip(from).take(limit).map(|(name, is_directory)| DirEntry::new(name, kind(*is_directory))).collect())
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let operation = Operation::Rename;
        if from.is_root() || to.is_root() {
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text("the root keeps its place"));
        }
        let source = self.entry(from, operation).await?;
        if from == to {
            return Ok(());
        }
        if matches!(source, Entry::Directory(_)) && to.starts_with(from) {
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text("a directory cannot be moved into itself"));
        }
        match (source, self.find(to, operation).await?) {
            (Entry::File(_), Some(Entry::Directory(_))) => Err(Error::new(ErrorKind::IsADirectory, operation)),
            (Entry::Directory(_), Some(Entry::File(_))) => Err(Error::new(ErrorKind::NotADirectory, operation)),
            (Entry::Directory(_), Some(Entry::Directory(_))) => Err(Error::new(ErrorKind::AlreadyExists, operation)),
            (Entry::File(plain), None) => self.move_file(from, &plain, to, false, operation).await,
            (Entry::File(plain), Some(Entry::File(_))) => {
                self.flush_before_replacing(from).await?;
                self.move_file(from, &plain, to, true, operation).await
            }
            (Entry::Directory(_), None) => {
                self.move_directory(from, to, operation).await?;
                self.name_changed(from);
                self.name_changed(to);
                Ok(())
            }
        }
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        let operation = Operation::RemoveDir;
        if path.is_root() {
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text("the root stays"));
        }
        let Entry::Directory(_) = self.entry(path, operation).await? else {
            return Err(Error::new(ErrorKind::NotADirectory, operation));
        };
        // With a file in it that is open, Chromium says that it is locked.
        if self.nodes.borrow().keys().any(|inner| inner.starts_with(path)) {
            return Err(Error::new(ErrorKind::DirectoryNotEmpty, operation));
        }
        let (directory, name) = self.place(path, operation).await?;
        directory.remove(&name).await.map_err(|exception| match exception.name() {
            "InvalidModificationError" => Error::new(ErrorKind::DirectoryNotEmpty, operation),
            _ => exception.into_error(operation),
        })?;
        self.directories.borrow_mut().remove(path);
        self.changed(path);
        self.name_changed(path);
        Ok(())
    }

    async fn close(&self) {
        self.closed.set(true);
        let nodes = std::mem::take(&mut *self.nodes.borrow_mut());
        nodes.values().for_each(|node| node.close());
        if let Some(link) = self.access.link() {
            link.shut().await;
        }
        let hold = self.hold.take();
        if let Some(hold) = hold {
            hold.release().await;
        }
    }
}

/// The same error, of this operation and about this path.
fn about(operation: Operation, path: &StoragePath) -> impl FnOnce(Error) -> Error {
    move |error| error.in_operation(operation).with_path(path)
}

#[engine]
impl StorageBackend for TreeBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new().durability(Durability::Process).atomic_rename_file(true).real_names(true).max_file_len(MAX_LEN)
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        let (at, options) = (path.clone(), *options);
        let opened = self.in_turn(Operation::Open, move |location| async move { location.open_file(&at, &options).await });
        Ok(Box::new(opened.await.map_err(about(Operation::Open, path))?))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        let at = path.clone();
        self.in_turn(Operation::Stat, move |location| async move { location.stat(&at).await }).await.map_err(about(Operation::Stat, path))
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let (at, after) = (directory.clone(), after.map(str::to_owned));
        let listed = self.in_turn(Operation::List, move |location| async move { location.list(&at, after.as_deref(), limit).await });
        listed.await.map_err(about(Operation::List, directory))
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        let at = path.clone();
        let created = self.in_turn(Operation::CreateDir, move |location| async move {
            if location.find(&at, Operation::CreateDir).await?.is_some() {
                return Err(Error::new(ErrorKind::AlreadyExists, Operation::CreateDir));
            }
            let (directory, name) = location.place(&at, Operation::CreateDir).await?;
            directory.directory(&name, true).await.map_err(failed(Operation::CreateDir))?;
            location.changed(&at);
            location.name_changed(&at);
            Ok(())
        });
        created.await.map_err(about(Operation::CreateDir, path))
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        let at = path.clone();
        let removed = self.in_turn(Operation::RemoveFile, move |location| async move {
            match location.entry(&at, Operation::RemoveFile).await? {
                Entry::File(plain) => location.remove_name(&at, &plain, Operation::RemoveFile).await,
                Entry::Directory(_) => Err(Error::new(ErrorKind::IsADirectory, Operation::RemoveFile)),
            }
        });
        removed.await.map_err(about(Operation::RemoveFile, path))
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        let at = path.clone();
        let removed = self.in_turn(Operation::RemoveDir, move |location| async move { location.remove_dir(&at).await });
        removed.await.map_err(about(Operation::RemoveDir, path))
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let (source, target) = (from.clone(), to.clone());
        let renamed = self.in_turn(Operation::Rename, move |location| async move { location.rename(&source, &target).await });
        renamed.await.map_err(about(Operation::Rename, from))
    }

    async fn sync(&self) -> Result<()> {
        let synced = self.in_turn(Operation::Sync, |location| async move { location.flush_all().await });
        synced.await.map_err(|error| error.in_operation(Operation::Sync))
    }

    async fn close(&self) -> Result<()> {
        let location = Rc::clone(&self.location);
        run_to_end(async move {
            // Also where the worker has ended, and nothing else can be done.
            let _turn = location.turn_to_close().await?;
            location.close().await;
            Ok(())
        })
        .await
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        let (at, data) = (path.clone(), data.to_vec());
        let written = self.in_turn(Operation::Write, move |location| async move { location.replace(&at, &data, Operation::Write).await });
        written.await.map_err(about(Operation::Write, path))
    }
}

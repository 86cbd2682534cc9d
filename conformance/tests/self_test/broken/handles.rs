//! Faults in opening files and in what open files do when the tree changes under them.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath};

use super::{Inner, Opened, fault, faults};

faults! {
    "handles are paths" => HandlesArePaths {},
    "a handle is lost with its file's name" => LostWithTheName {},
    "a handle on a removed file reads and does not write" => RemovedIsReadOnly {},
    "a handle on a removed file has no stat" => RemovedHasNoStat {},
    "a handle on a removed file does not sync" => RemovedDoesNotSync {},
    "a file that is open cannot be removed" => OpenCannotBeRemoved::default(),
    "a file that is open cannot be renamed" => OpenCannotBeRenamed::default(),
    "a file that is open cannot be replaced" => OpenCannotBeReplaced::default(),
    "a directory with an open file in it cannot be renamed" => OpenKeepsItsDirectories::default(),
    "handles that only read write" => ReadersWrite {},
    "handles that only write read" => WritersRead {},
    "writing through a reading handle is dropped in silence" => ReadersWriteNothing {},
    "a reading handle that writes is an input/output error" => ReadersFailAsIo {},
    "options that contradict themselves are taken" => ContradictionsTaken {},
    "truncating without writing creates" => ContradictionsCreate {},
    "create_new opens what is there" => CreateNewOpens {},
    "create_new cuts what is there, and then refuses" => CreateNewCutsFirst {},
    "create_new on a directory says that it is one" => CreateNewOnDirectory {},
    "create is ignored" => CreateIgnored {},
    "opening for writing creates" => WriteCreates {},
    "truncate is ignored" => TruncateIgnored {},
    "opening for writing truncates" => WriteTruncates {},
    "truncating gives the name a new file" => TruncateReplaces {},
    "opening a directory is not found" => DirectoryNotFound {},
    "a second handle on a file is refused" => OneHandle::default(),
    "close does nothing" => CloseDoesNothing {},
    "a second close succeeds" => SecondCloseSucceeds {},
    "sync succeeds after close" => SyncAfterClose {},
    "files read nothing after close, and do not say so" => ReadsNothingAfterClose {},
    "after close the error is an input/output error" => ClosedIsIo {},
    "stat works on after close" => StatAfterClose { remembered: Mutex::default() },
    "writes to a removed file panic" => RemovedPanics {},
    "files write on after close, into nothing" => WritesNothingAfterClose {},
    "files work until the first sync after their removal" => RemovedEndsWithSync { ended: AtomicBool::new(false) },
}

fn plain(options: OpenOptions) -> OpenOptions {
    OpenOptions::new().read(options.is_read()).write(options.is_write())
}

fault! { HandlesArePaths {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        file.backend.open(&file.path, &plain(file.options)).await?.read_at(offset, buf).await
    }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        file.backend.open(&file.path, &plain(file.options)).await?.write_at(offset, data).await
    }
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        file.backend.open(&file.path, &plain(file.options)).await?.set_len(len).await
    }
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        file.backend.stat(&file.path).await
    }
}

/// Whether the file still has the name it was opened by.
async fn has_name(file: &Opened) -> bool {
    match (file.backend.stat(&file.path).await, file.inner.stat().await) {
        (Ok(named), Ok(open)) => named.revision == open.revision,
        (Err(named), _) => named.kind() == ErrorKind::Closed,
        _ => true,
    }
}

async fn needs_name(file: &Opened, operation: Operation) -> Result<()> {
    if has_name(file).await { Ok(()) } else { Err(Error::new(ErrorKind::NotFound, operation).with_path(&file.path)) }
}

fault! { LostWithTheName {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        needs_name(file, Operation::Read).await?;
        file.inner.read_at(offset, buf).await
    }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        needs_name(file, Operation::Write).await?;
        file.inner.write_at(offset, data).await
    }
}

fault! { RemovedIsReadOnly {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        needs_name(file, Operation::Write).await?;
        file.inner.write_at(offset, data).await
    }
}

fault! { RemovedHasNoStat {}
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        needs_name(file, Operation::Stat).await?;
        file.inner.stat().await
    }
}

fault! { RemovedDoesNotSync {}
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        needs_name(file, Operation::Sync).await?;
        file.inner.sync().await
    }
}

/// The paths that were opened; files that were closed since count too, as the faults need no more.
type Paths = Mutex<BTreeSet<StoragePath>>;

fn locked(path: &StoragePath, operation: Operation) -> Error {
    Error::new(ErrorKind::Locked, operation).with_path(path)
}

fault! { OpenCannotBeRemoved { opened: Paths }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = inner.open(path, options).await?;
        self.opened.lock().unwrap().insert(path.clone());
        Ok(file)
    }
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        if self.opened.lock().unwrap().contains(path) { Err(locked(path, Operation::RemoveFile)) } else { inner.remove_file(path).await }
    }
}

fault! { OpenCannotBeRenamed { opened: Paths }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = inner.open(path, options).await?;
        self.opened.lock().unwrap().insert(path.clone());
        Ok(file)
    }
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if self.opened.lock().unwrap().contains(from) { Err(locked(from, Operation::Rename)) } else { inner.rename(from, to).await }
    }
}

fault! { OpenCannotBeReplaced { opened: Paths }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = inner.open(path, options).await?;
        self.opened.lock().unwrap().insert(path.clone());
        Ok(file)
    }
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        if self.opened.lock().unwrap().contains(path) { Err(locked(path, Operation::Write)) } else { inner.write(path, data).await }
    }
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if self.opened.lock().unwrap().contains(to) { Err(locked(to, Operation::Rename)) } else { inner.rename(from, to).await }
    }
}

fault! { OpenKeepsItsDirectories { opened: Paths }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = inner.open(path, options).await?;
        self.opened.lock().unwrap().insert(path.clone());
        Ok(file)
    }
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let held = self.opened.lock().unwrap().iter().any(|open| open != from && open.starts_with(from));
        if held { Err(locked(from, Operation::Rename)) } else { inner.rename(from, to).await }
    }
}

fault! { ReadersWrite {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        inner.open(path, &options.write(true)).await
    }
}

fault! { WritersRead {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        inner.open(path, &options.read(true)).await
    }
}

fault! { ReadersWriteNothing {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        if file.options.is_write() { file.inner.write_at(offset, data).await } else { Ok(()) }
    }
}

fault! { ReadersFailAsIo {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        let io = || Error::new(ErrorKind::Io, Operation::Write);
        if file.options.is_write() { file.inner.write_at(offset, data).await } else { Err(io()) }
    }
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        let io = || Error::new(ErrorKind::Io, Operation::SetLen);
        if file.options.is_write() { file.inner.set_len(len).await } else { Err(io()) }
    }
}

fault! { ContradictionsTaken {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let options = if options.check(path).is_err() { options.read(true).create(false).create_new(false).truncate(false) } else { *options };
        inner.open(path, &options).await
    }
}

fault! { ContradictionsCreate {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        if options.check(path).is_err() && options.is_create() {
            let _ = inner.open(path, &options.write(true)).await;
        }
        inner.open(path, options).await
    }
}

fault! { CreateNewOpens {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        inner.open(path, &options.create_new(false).create(options.is_create())).await
    }
}

fault! { CreateNewCutsFirst {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        if options.is_create_new() && options.is_truncate() && options.is_write() {
            let _ = inner.open(path, &OpenOptions::new().write(true).truncate(true)).await;
        }
        inner.open(path, options).await
    }
}

fault! { CreateNewOnDirectory {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        if inner.stat(path).await.is_ok_and(|found| found.is_dir()) {
            options.check(path)?;
            return Err(Error::new(ErrorKind::IsADirectory, Operation::Open).with_path(path));
        }
        inner.open(path, options).await
    }
}

fault! { CreateIgnored {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        inner.open(path, &options.create(false)).await
    }
}

fault! { WriteCreates {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        inner.open(path, &options.create(options.is_write())).await
    }
}

fault! { TruncateIgnored {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        inner.open(path, &options.truncate(false)).await
    }
}

fault! { WriteTruncates {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        inner.open(path, &options.truncate(options.is_write())).await
    }
}

fault! { TruncateReplaces {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        if options.is_truncate() && !options.is_create_new() && inner.stat(path).await.is_ok_and(|found| found.is_file()) {
            inner.write(path, b"").await?;
        }
        inner.open(path, options).await
    }
}

fault! { DirectoryNotFound {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        inner.open(path, options).await.map_err(|error| match error.kind() {
            ErrorKind::IsADirectory => Error::new(ErrorKind::NotFound, Operation::Open).with_path(path),
            _ => error,
        })
    }
}

fault! { OneHandle { opened: Mutex<Vec<usize>> }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let file = inner.open(path, options).await?;
        let revision = file.stat().await?.revision as usize;
        let mut opened = self.opened.lock().unwrap();
        if opened.contains(&revision) && revision > 0 {
            return Err(locked(path, Operation::Open));
        }
        opened.push(revision);
        Ok(file)
    }
}

fault! { CloseDoesNothing {}
    async fn close(&self, _: &Inner) -> Result<()> {
        Ok(())
    }
}

fn unless_closed<T>(value: T, outcome: Result<T>) -> Result<T> {
    outcome.or_else(|error| if error.kind() == ErrorKind::Closed { Ok(value) } else { Err(error) })
}

fault! { SecondCloseSucceeds {}
    async fn close(&self, inner: &Inner) -> Result<()> {
        unless_closed((), inner.close().await)
    }
}

fault! { SyncAfterClose {}
    async fn sync(&self, inner: &Inner) -> Result<()> {
        unless_closed((), inner.sync().await)
    }
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        unless_closed((), file.inner.sync().await)
    }
}

fault! { ReadsNothingAfterClose {}
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        unless_closed(0, file.inner.read_at(offset, buf).await)
    }
}

fault! { ClosedIsIo {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        inner.stat(path).await.map_err(|error| if error.kind() == ErrorKind::Closed { Error::new(ErrorKind::Io, Operation::Stat) } else { error })
    }
}

fault! { StatAfterClose { remembered: Mutex<Option<Metadata>> }
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        let remembered = self.remembered.lock().unwrap().clone().unwrap_or_else(|| Metadata::file(0));
        let found = unless_closed(remembered, file.inner.stat().await)?;
        *self.remembered.lock().unwrap() = Some(found.clone());
        Ok(found)
    }
}

fault! { RemovedPanics {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        assert!(has_name(file).await, "a write to a file without a name");
        file.inner.write_at(offset, data).await
    }
}

fault! { WritesNothingAfterClose {}
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        unless_closed((), file.inner.write_at(offset, data).await)
    }
}

fault! { RemovedEndsWithSync { ended: AtomicBool }
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        if !has_name(file).await {
            self.ended.store(true, Ordering::Relaxed);
        }
        file.inner.sync().await
    }
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        if self.ended.load(Ordering::Relaxed) && !has_name(file).await {
            return Ok(0);
        }
        file.inner.read_at(offset, buf).await
    }
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        if self.ended.load(Ordering::Relaxed) && !has_name(file).await {
            return Ok(Metadata::file(0));
        }
        file.inner.stat().await
    }
}

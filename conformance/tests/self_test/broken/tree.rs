//! Faults in creating, removing and renaming.

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath};

use super::{Inner, fault, faults};

faults! {
    "rename copies and removes" => RenameCopies {},
    "rename does not replace a file" => RenameDoesNotReplace {},
    "rename removes the target first, also when it is refused" => RenameRemovesFirst {},
    "rename to the same path removes the file" => RenameToItselfRemoves {},
    "rename to the same path is refused" => RenameToItselfRefused {},
    "rename keeps the old name" => RenameKeepsOldName {},
    "rename leaves the files of a directory behind" => RenameLeavesFiles {},
    "rename moves siblings whose names begin the same" => RenameTakesSiblings {},
    "rename onto an empty directory replaces it" => RenameReplacesDirectories {},
    "rename into a file's place is done by another name" => RenameToFileInside {},
    "rename into itself is an input/output error" => RenameIntoItselfIsIo {},
    "rename makes missing directories" => RenameMakesDirectories {},
    "rename does nothing" => RenameDoesNothing {},
    "remove_dir removes what is in it" => RemoveDirIsRecursive {},
    "remove_dir removes files" => RemoveDirTakesFiles {},
    "remove_file removes empty directories" => RemoveFileTakesDirectories {},
    "remove_file of what is missing succeeds" => RemoveMissingSucceeds {},
    "remove_dir of what is missing succeeds" => RemoveMissingDirSucceeds {},
    "remove_dir of the root succeeds" => RemoveRootSucceeds {},
    "remove_file does nothing" => RemoveDoesNothing {},
    "remove_file empties the file first, also for its handles" => RemoveEmpties {},
    "create_dir of what exists succeeds" => CreateExistingSucceeds {},
    "create_dir replaces a file" => CreateDirReplaces {},
    "create_dir makes missing parents" => CreateMakesParents {},
    "open makes missing directories" => OpenMakesParents {},
    "a path through a file is not found" => ThroughFileIsNotFound {},
    "a missing directory is an input/output error" => MissingIsIo {},
    "every refusal is an input/output error" => RefusalsAreIo {},
    "what was removed keeps its bytes for the next one of its name" => RemovedComesBack {},
    "a removed directory made again has its old entries" => RemovedDirComesBack {},
}

async fn copy(inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
    if inner.stat(from).await?.is_file() {
        return inner.write(to, &inner.read(from).await?).await;
    }
    inner.create_dir(to).await?;
    for entry in inner.list(from, None, usize::MAX).await? {
        Box::pin(copy(inner, &from.join(&entry.name)?, &to.join(&entry.name)?)).await?;
    }
    Ok(())
}

async fn remove_all(inner: &Inner, path: &StoragePath) -> Result<()> {
    if inner.stat(path).await?.is_file() {
        return inner.remove_file(path).await;
    }
    for entry in inner.list(path, None, usize::MAX).await? {
        Box::pin(remove_all(inner, &path.join(&entry.name)?)).await?;
    }
    inner.remove_dir(path).await
}

async fn make_parents(inner: &Inner, path: &StoragePath) {
    for parent in path.ancestors() {
        let _ = inner.create_dir(&parent).await;
    }
}

/// Whether a rename would be refused, found out by looking.
async fn makes_sense(inner: &Inner, from: &StoragePath, to: &StoragePath) -> bool {
    let (source, target) = (inner.stat(from).await, inner.stat(to).await);
    let parent_is_there = match to.parent() {
        Some(parent) => inner.stat(&parent).await.is_ok_and(|found| found.is_dir()),
        None => false,
    };
    let fits = match (&source, &target) {
        (Ok(source), Ok(target)) => source.is_file() && target.is_file(),
        (Ok(_), Err(_)) => true,
        _ => false,
    };
    fits && parent_is_there && from != to && !to.starts_with(from) && !from.is_root()
}

fault! { RenameCopies {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if !makes_sense(inner, from, to).await || inner.stat(from).await?.len > 1 << 20 {
            return inner.rename(from, to).await;
        }
        copy(inner, from, to).await?;
        remove_all(inner, from).await
    }
}

fault! { RenameDoesNotReplace {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if makes_sense(inner, from, to).await && inner.stat(to).await.is_ok() {
            return Err(Error::new(ErrorKind::AlreadyExists, Operation::Rename).with_path(to));
        }
        inner.rename(from, to).await
    }
}

fault! { RenameRemovesFirst {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if from != to {
            let _ = inner.remove_file(to).await;
        }
        inner.rename(from, to).await
    }
}

fault! { RenameToItselfRemoves {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await?;
        if from == to {
            let _ = inner.remove_file(from).await;
        }
        Ok(())
    }
}

fault! { RenameToItselfRefused {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await?;
        if from == to { Err(Error::new(ErrorKind::AlreadyExists, Operation::Rename).with_path(to)) } else { Ok(()) }
    }
}

fault! { RenameKeepsOldName {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await?;
        if from != to { copy(inner, to, from).await } else { Ok(()) }
    }
}

fault! { RenameLeavesFiles {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await?;
        if from == to || inner.stat(to).await?.is_file() {
            return Ok(());
        }
        inner.create_dir(from).await?;
        for entry in inner.list(to, None, usize::MAX).await? {
            if entry.kind == anystorage_api::FileKind::File {
                inner.rename(&to.join(&entry.name)?, &from.join(&entry.name)?).await?;
            }
        }
        Ok(())
    }
}

fault! { RenameTakesSiblings {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await?;
        let (Some(parent), Some(name), Some(new)) = (from.parent(), from.file_name(), to.file_name()) else { return Ok(()) };
        if inner.stat(to).await?.is_dir() && from != to {
            for entry in inner.list(&parent, None, usize::MAX).await? {
                if let Some(rest) = entry.name.strip_prefix(name).filter(|rest| !rest.is_empty()) {
                    inner.rename(&parent.join(&entry.name)?, &to.parent().unwrap_or_default().join(&format!("{new}{rest}"))?).await?;
                }
            }
        }
        Ok(())
    }
}

fault! { RenameReplacesDirectories {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        let directories = inner.stat(from).await.is_ok_and(|found| found.is_dir()) && inner.stat(to).await.is_ok_and(|found| found.is_dir());
        if directories && from != to && !to.starts_with(from) {
            let _ = inner.remove_dir(to).await;
        }
        inner.rename(from, to).await
    }
}

fault! { RenameToFileInside {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        // As `mv` does it: onto a directory means into it.
        let into = inner.stat(to).await.is_ok_and(|found| found.is_dir()) && inner.stat(from).await.is_ok_and(|found| found.is_file());
        match (into, from.file_name()) {
            (true, Some(name)) => inner.rename(from, &to.join(name)?).await,
            _ => inner.rename(from, to).await,
        }
    }
}

fault! { RenameIntoItselfIsIo {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await.map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => Error::new(ErrorKind::Io, Operation::Rename),
            _ => error,
        })
    }
}

fault! { RenameMakesDirectories {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if inner.stat(from).await.is_ok() && !to.starts_with(from) {
            make_parents(inner, to).await;
        }
        inner.rename(from, to).await
    }
}

fault! { RenameDoesNothing {}
    async fn rename(&self, _: &Inner, _: &StoragePath, _: &StoragePath) -> Result<()> {
        Ok(())
    }
}

fault! { RemoveDirIsRecursive {}
    async fn remove_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        if !path.is_root() && inner.stat(path).await.is_ok_and(|found| found.is_dir()) {
            return remove_all(inner, path).await;
        }
        inner.remove_dir(path).await
    }
}

fault! { RemoveDirTakesFiles {}
    async fn remove_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        match inner.remove_dir(path).await {
            Err(error) if error.kind() == ErrorKind::NotADirectory => inner.remove_file(path).await,
            outcome => outcome,
        }
    }
}

fault! { RemoveFileTakesDirectories {}
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        match inner.remove_file(path).await {
            Err(error) if error.kind() == ErrorKind::IsADirectory => inner.remove_dir(path).await,
            outcome => outcome,
        }
    }
}

/// Takes one kind of refusal for success.
fn but(kind: ErrorKind, outcome: Result<()>) -> Result<()> {
    outcome.or_else(|error| if error.kind() == kind { Ok(()) } else { Err(error) })
}

fault! { RemoveMissingSucceeds {}
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        but(ErrorKind::NotFound, inner.remove_file(path).await)
    }
}

fault! { RemoveMissingDirSucceeds {}
    async fn remove_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        but(ErrorKind::NotFound, inner.remove_dir(path).await)
    }
}

fault! { RemoveRootSucceeds {}
    async fn remove_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        but(ErrorKind::InvalidInput, inner.remove_dir(path).await)
    }
}

fault! { RemoveDoesNothing {}
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        match inner.stat(path).await {
            Ok(found) if found.is_file() => Ok(()),
            _ => inner.remove_file(path).await,
        }
    }
}

fault! { RemoveEmpties {}
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        if let Ok(file) = inner.open(path, &OpenOptions::new().write(true).truncate(true)).await {
            file.close().await?;
        }
        inner.remove_file(path).await
    }
}

fault! { CreateExistingSucceeds {}
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        but(ErrorKind::AlreadyExists, inner.create_dir(path).await)
    }
}

fault! { CreateDirReplaces {}
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        if inner.stat(path).await.is_ok_and(|found| found.is_file()) {
            inner.remove_file(path).await?;
        }
        inner.create_dir(path).await
    }
}

fault! { CreateMakesParents {}
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        make_parents(inner, path).await;
        inner.create_dir(path).await
    }
}

fault! { OpenMakesParents {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        if options.is_create() {
            make_parents(inner, path).await;
        }
        inner.open(path, options).await
    }
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        make_parents(inner, path).await;
        inner.write(path, data).await
    }
}

fn instead<T>(of: ErrorKind, other: ErrorKind, outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| if error.kind() == of { Error::new(other, error.operation()) } else { error })
}

fault! { ThroughFileIsNotFound {}
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        instead(ErrorKind::NotADirectory, ErrorKind::NotFound, inner.stat(path).await)
    }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        instead(ErrorKind::NotADirectory, ErrorKind::NotFound, inner.open(path, options).await)
    }
}

fault! { MissingIsIo {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        instead(ErrorKind::NotFound, ErrorKind::Io, inner.open(path, options).await)
    }
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        instead(ErrorKind::NotFound, ErrorKind::Io, inner.read(path).await)
    }
}

fn io<T>(outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| Error::new(ErrorKind::Io, error.operation()))
}

fault! { RefusalsAreIo {}
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        io(inner.open(path, options).await)
    }
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        io(inner.create_dir(path).await)
    }
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        io(inner.remove_file(path).await)
    }
    async fn remove_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        io(inner.remove_dir(path).await)
    }
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        io(inner.rename(from, to).await)
    }
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        io(inner.write(path, data).await)
    }
}

/// Where removed things are kept, out of the way of the cases.
fn grave(path: &StoragePath) -> Option<StoragePath> {
    StoragePath::parse(&format!("\u{1f5d1}{}", path.as_str().replace('/', "\u{2215}"))).ok()
}

fault! { RemovedComesBack {}
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        match (inner.stat(path).await, grave(path)) {
            (Ok(found), Some(grave)) if found.is_file() => inner.rename(path, &grave).await,
            _ => inner.remove_file(path).await,
        }
    }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        if let (true, Some(grave)) = (options.is_create() && inner.stat(path).await.is_err(), grave(path))
            && inner.rename(&grave, path).await.is_ok()
        {
            let options = OpenOptions::new().read(options.is_read()).write(true);
            return inner.open(path, &options).await;
        }
        inner.open(path, options).await
    }
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<anystorage_api::DirEntry>> {
        let mut entries = inner.list(directory, after, usize::MAX).await?;
        entries.retain(|entry| !entry.name.starts_with('\u{1f5d1}'));
        entries.truncate(limit);
        Ok(entries)
    }
}

fault! { RemovedDirComesBack {}
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        match (inner.stat(path).await, path.parent(), grave(path)) {
            (Ok(found), Some(parent), Some(grave)) if found.is_file() && !parent.is_root() => inner.rename(path, &grave).await,
            _ => inner.remove_file(path).await,
        }
    }
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        inner.create_dir(path).await?;
        for entry in inner.list(&StoragePath::root(), None, usize::MAX).await? {
            let old = entry.name.trim_start_matches('\u{1f5d1}').replace('\u{2215}', "/");
            if let (true, Ok(old)) = (entry.name.starts_with('\u{1f5d1}'), StoragePath::parse(&old))
                && old.parent().as_ref() == Some(path)
            {
                inner.rename(&StoragePath::root().join(&entry.name)?, &old).await?;
            }
        }
        Ok(())
    }
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<anystorage_api::DirEntry>> {
        let mut entries = inner.list(directory, after, usize::MAX).await?;
        entries.retain(|entry| !entry.name.starts_with('\u{1f5d1}'));
        entries.truncate(limit);
        Ok(entries)
    }
}

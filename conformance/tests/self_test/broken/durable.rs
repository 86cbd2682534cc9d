//! Faults that show only where something lasts.

use anystorage_api::{Capabilities, Error, ErrorKind, OpenOptions, Operation, Result, StoragePath};

use super::{Inner, Opened, fault, faults};

faults! {
    "a file's sync needs a handle that writes" => SyncNeedsWrite {},
    "a file's sync through a handle that only reads does nothing" => SyncOfReadersIsNothing {},
    "the backend's sync forgets lengths" => SyncCuts {},
    "opening removes empty files" => OpeningSweeps {},
    "opening renames what it finds to lower case" => OpeningFolds {},
    "opening empties every file" => OpeningEmpties {},
    "opening fails where something is" => OpeningFails {},
    "durability is not declared" => DurabilityIsDenied {},
    "close syncs, and fails after a failed sync" => CloseSyncs {},
    "write is in place" => WriteInPlace {},
    "rename copies and removes" => RenameCopies {},
}

fault! { SyncNeedsWrite {}
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        if file.options.is_write() { file.inner.sync().await } else { Err(Error::new(ErrorKind::PermissionDenied, Operation::Sync)) }
    }
}

fault! { SyncOfReadersIsNothing {}
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        if file.options.is_write() { file.inner.sync().await } else { Ok(()) }
    }
}

/// Every file below a directory.
async fn files(inner: &Inner, directory: &StoragePath) -> Result<Vec<StoragePath>> {
    let mut found = Vec::new();
    for entry in inner.list(directory, None, usize::MAX).await? {
        let path = directory.join(&entry.name)?;
        if entry.kind == anystorage_api::FileKind::Directory {
            found.extend(Box::pin(files(inner, &path)).await?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

fault! { SyncCuts {}
    async fn sync(&self, inner: &Inner) -> Result<()> {
        for path in files(inner, &StoragePath::root()).await? {
            let file = inner.open(&path, &OpenOptions::new().write(true)).await?;
            file.set_len(file.stat().await?.len / 4096 * 4096).await?;
        }
        inner.sync().await
    }
}

fault! { OpeningSweeps {}
    async fn open_location(&self, inner: Inner) -> Result<Inner> {
        for path in files(&inner, &StoragePath::root()).await? {
            if inner.stat(&path).await?.len == 0 {
                inner.remove_file(&path).await?;
            }
        }
        Ok(inner)
    }
}

fault! { OpeningFolds {}
    async fn open_location(&self, inner: Inner) -> Result<Inner> {
        for path in files(&inner, &StoragePath::root()).await? {
            let folded = StoragePath::parse(&path.as_str().to_lowercase())?;
            // Where the directory's own name would change, there is nothing to rename into.
            let _ = inner.rename(&path, &folded).await;
        }
        Ok(inner)
    }
}

fault! { OpeningEmpties {}
    async fn open_location(&self, inner: Inner) -> Result<Inner> {
        for path in files(&inner, &StoragePath::root()).await? {
            inner.write(&path, b"").await?;
        }
        Ok(inner)
    }
}

fault! { OpeningFails {}
    async fn open_location(&self, inner: Inner) -> Result<Inner> {
        if inner.list(&StoragePath::root(), None, 1).await?.is_empty() {
            Ok(inner)
        } else {
            Err(Error::new(ErrorKind::Io, Operation::OpenLocation))
        }
    }
}

fault! { DurabilityIsDenied {}
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities().durability(anystorage_api::Durability::None)
    }
}

fault! { CloseSyncs {}
    async fn close(&self, inner: &Inner) -> Result<()> {
        inner.sync().await?;
        inner.close().await
    }
}

fault! { WriteInPlace {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        let file = inner.open(path, &OpenOptions::new().write(true).create(true).truncate(true)).await?;
        // What is cut is cut for good, whatever comes then.
        file.sync().await?;
        file.write_at(0, data).await?;
        file.close().await
    }
}

fault! { RenameCopies {}
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if from == to || to.starts_with(from) || !inner.stat(from).await?.is_file() || inner.stat(to).await.is_ok_and(|found| found.is_dir()) {
            return inner.rename(from, to).await;
        }
        let data = inner.read(from).await?;
        inner.write(to, &data).await?;
        inner.open(to, &OpenOptions::reading()).await?.sync().await?;
        inner.remove_file(from).await
    }
}

//! Faults in `read` and `write` of whole files.

use anystorage_api::{Error, ErrorKind, OpenOptions, Operation, Result, StoragePath};
use futures_lite::future::yield_now;

use super::{Inner, fault, faults};

faults! {
    "write truncates and writes in place" => InPlace {},
    "write is in place, in pieces" => InPieces {},
    "write leaves its temporary file" => LeavesTemporary {},
    "a refused write leaves its temporary file" => RefusedLeavesTemporary {},
    "write's temporary name is too long for long names" => TemporaryTooLong {},
    "write's temporary name is cut within a character" => TemporaryCutInCharacter {},
    "write's temporary file is the same for all writers" => SharedTemporary {},
    "write's temporary file is the same for long names" => LongNamesShareTemporary {},
    "write takes what has the name of its temporary file" => TakesTemporaryName {},
    "write does not cut a longer file" => DoesNotCut {},
    "write appends" => Appends {},
    "write removes the old file first" => RemovesFirst {},
    "write of nothing does nothing" => EmptyDoesNothing {},
    "write stops after 64 KiB" => WriteStops {},
    "write of a missing file is not found" => DoesNotCreate {},
    "read stops after 64 KiB" => ReadStops {},
    "read of a missing file is empty" => MissingIsEmpty {},
    "read of a directory is empty" => DirectoryIsEmpty {},
    "read waits between its pieces" => ReadInPieces {},
    "write onto a directory puts a file into it" => IntoDirectory {},
    "read of an empty file is an error" => EmptyIsAnError {},
}

async fn in_place(inner: &Inner, path: &StoragePath, data: &[u8], truncate: bool, piece: usize) -> Result<()> {
    let file = inner.open(path, &OpenOptions::new().write(true).create(true).truncate(truncate)).await?;
    for (at, piece) in (0..).step_by(piece).zip(data.chunks(piece)) {
        file.write_at(at, piece).await?;
        if piece.len() < data.len() {
            yield_now().await;
        }
    }
    file.close().await
}

fault! { InPlace {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        in_place(inner, path, data, true, data.len().max(1)).await
    }
}

fault! { InPieces {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        in_place(inner, path, data, true, 4096).await
    }
}

fn sibling(path: &StoragePath) -> Result<StoragePath> {
    path.parent().unwrap_or_default().join(&format!(".{}.tmp", path.file_name().unwrap_or_default()))
}

fault! { LeavesTemporary {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        inner.write(path, data).await?;
        match sibling(path) {
            Ok(sibling) => inner.write(&sibling, data).await,
            Err(_) => Ok(()),
        }
    }
}

fault! { RefusedLeavesTemporary {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        if let (Err(error), Ok(sibling)) = (inner.write(path, data).await, sibling(path)) {
            let _ = inner.write(&sibling, data).await;
            return Err(error);
        }
        Ok(())
    }
}

fault! { TemporaryTooLong {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        sibling(path)?;
        inner.write(path, data).await
    }
}

fault! { TemporaryCutInCharacter {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        let name = path.file_name().unwrap_or_default();
        assert!(name.len() < 241 || name.is_char_boundary(241), "a name is cut within a character");
        inner.write(path, data).await
    }
}

/// The name of the one temporary file that all writers of a path use.
fn shared(inner: &Inner, path: &StoragePath) -> Result<StoragePath> {
    const SUFFIX: &str = ".anystorage-write";
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let most = inner.capabilities().max_name_len - SUFFIX.len() - 1;
    while name.len() > most {
        name.pop();
    }
    path.parent().unwrap_or_default().join(&format!(".{name}{SUFFIX}"))
}

/// Through the shared temporary file, as a host does that lets others run at every call.
async fn through_shared(inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
    if path.is_root() || inner.stat(path).await.is_ok_and(|found| found.is_dir()) {
        return inner.write(path, data).await;
    }
    let shared = shared(inner, path)?;
    let in_write = |error: Error| error.in_operation(Operation::Write).with_path(path);
    let file = inner.open(&shared, &OpenOptions::new().write(true).create(true).truncate(true)).await.map_err(in_write)?;
    yield_now().await;
    file.write_at(0, data).await?;
    yield_now().await;
    file.sync().await?;
    file.close().await?;
    yield_now().await;
    inner.rename(&shared, path).await.map_err(in_write)
}

fault! { SharedTemporary {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        through_shared(inner, path, data).await
    }
}

fault! { LongNamesShareTemporary {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        if path.file_name().unwrap_or_default().len() > 200 {
            return through_shared(inner, path, data).await;
        }
        inner.write(path, data).await
    }
}

fault! { TakesTemporaryName {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        inner.write(path, data).await?;
        let _ = inner.remove_file(&shared(inner, path)?).await;
        Ok(())
    }
}

fault! { DoesNotCut {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        in_place(inner, path, data, false, data.len().max(1)).await
    }
}

fault! { Appends {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        let mut all = match inner.stat(path).await {
            Ok(found) if found.is_file() => inner.read(path).await?,
            _ => Vec::new(),
        };
        all.extend(data);
        inner.write(path, &all).await
    }
}

fault! { RemovesFirst {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        let _ = inner.remove_file(path).await;
        yield_now().await;
        inner.write(path, data).await
    }
}

fault! { EmptyDoesNothing {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        if data.is_empty() { Ok(()) } else { inner.write(path, data).await }
    }
}

fault! { WriteStops {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        inner.write(path, &data[..data.len().min(65_536)]).await
    }
}

fault! { DoesNotCreate {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        inner.stat(path).await?;
        inner.write(path, data).await
    }
}

fault! { ReadStops {}
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        let mut data = inner.read(path).await?;
        data.truncate(65_536);
        Ok(data)
    }
}

fn empty_for(kind: ErrorKind, outcome: Result<Vec<u8>>) -> Result<Vec<u8>> {
    outcome.or_else(|error| if error.kind() == kind { Ok(Vec::new()) } else { Err(error) })
}

fault! { MissingIsEmpty {}
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        empty_for(ErrorKind::NotFound, inner.read(path).await)
    }
}

fault! { DirectoryIsEmpty {}
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        empty_for(ErrorKind::IsADirectory, inner.read(path).await)
    }
}

fault! { ReadInPieces {}
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        let mut data = inner.read(path).await?;
        yield_now().await;
        if let Ok(now) = inner.read(path).await {
            let half = data.len() / 2;
            data.truncate(half);
            data.extend(now.into_iter().skip(half));
        }
        Ok(data)
    }
}

fault! { IntoDirectory {}
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        match inner.write(path, data).await {
            Err(error) if error.kind() == ErrorKind::IsADirectory => inner.write(&path.join("data")?, data).await,
            outcome => outcome,
        }
    }
}

fault! { EmptyIsAnError {}
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        let data = inner.read(path).await?;
        if data.is_empty() { Err(Error::new(ErrorKind::Corrupt, Operation::Read).with_path(path)) } else { Ok(data) }
    }
}

//! Line 10: what an engine says of itself is true, and what it does not offer it says.

use anystorage_api::{Attributes, Error, ErrorKind, OpenOptions, Operation, Result, StorageBackend, StoragePath, Timestamp};
use futures_lite::future::poll_once;

use super::check::*;
use crate::case::{Broken, Verdict};
use crate::subject::Place;

/// Capabilities stay the same while the location is open, and when it is opened again.
pub async fn capabilities_do_not_change(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let first = backend.capabilities();
    put(&*backend, "file", &pattern(1, 100_000)).await?;
    same("capabilities after a write", &backend.capabilities(), &first)?;
    backend.sync().await?;
    same("capabilities after a sync", &backend.capabilities(), &first)?;
    backend.close().await?;
    drop(backend);
    let again = place.open().await?;
    same("capabilities of the location opened again", &again.capabilities(), &first)
}

/// A sync survives what is declared: with durability it is there when the location is opened again, without it nothing is.
pub async fn durability_is_what_it_says(place: &dyn Place) -> Verdict {
    let backend = place.open().await?;
    let durable = backend.capabilities().is_durable();
    backend.create_dir(&path("d")?).await?;
    put(&*backend, "d/file", b"bytes").await?;
    backend.sync().await?;
    backend.close().await?;
    drop(backend);
    let again = place.open().await?;
    if durable {
        holds("durability is declared, and a synced file is gone when the location is opened again", &*again, "d/file", b"bytes").await
    } else {
        lists("no durability is declared, and something is there when the location is opened again", &*again, "", &[]).await
    }
}

/// What is not declared answers `Unsupported`; what is, works.
pub async fn what_is_not_offered_answers_unsupported(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"bytes").await?;
    let (offered, file) = (backend.capabilities(), path("file")?);
    let usage = backend.usage().await;
    if offered.usage {
        let usage = usage?;
        ensure!(usage.used.is_some() || usage.quota.is_some() || usage.free.is_some(), "usage is declared, and tells nothing at all");
    } else {
        fails_with("usage, which is not declared", ErrorKind::Unsupported, usage)?;
    }
    let moment = Timestamp::new(1_000_000_000, 0);
    let set = backend.set_attributes(&file, &Attributes::new().modified(moment)).await;
    if offered.attributes {
        set?;
        same("a time that was set", &backend.stat(&file).await?.modified, &Some(moment))?;
    } else {
        fails_with("set_attributes, which is not declared", ErrorKind::Unsupported, set)?;
    }
    holds("a call that is not offered changed the file", backend, "file", b"bytes").await
}

/// The outcome of a call that must be ready when first polled.
async fn at_once<T>(call: &str, future: impl Future<Output = Result<T>>) -> std::result::Result<Result<T>, Broken> {
    poll_once(future).await.ok_or_else(|| Broken::promise(format!("immediate is declared, and {call} was not ready at its first poll")))
}

/// Where `immediate` is declared, every call is ready at its first poll, those that fail too.
pub async fn immediate_calls_are_ready_at_once(backend: &dyn StorageBackend) -> Verdict {
    let (root, directory, file, other) = (StoragePath::root(), path("d")?, path("d/file")?, path("d/other")?);
    at_once("create_dir", backend.create_dir(&directory)).await??;
    let handle = at_once("open", backend.open(&file, &OpenOptions::editing())).await??;
    let second = at_once("open", backend.open(&file, &OpenOptions::reading())).await??;
    at_once("write_at", handle.write_at(0, &pattern(1, 300_000))).await??;
    at_once("read_at", handle.read_at(0, &mut [0; 1000])).await??;
    at_once("read_at", second.read_at(100_000, &mut [0; 1000])).await??;
    at_once("set_len", handle.set_len(1000)).await??;
    at_once("stat of a file", handle.stat()).await??;
    at_once("sync of a file", handle.sync()).await??;
    at_once("close of a file", handle.close()).await??;
    at_once("stat", backend.stat(&file)).await??;
    at_once("list", backend.list(&root, None, 10)).await??;
    at_once("read", backend.read(&file)).await??;
    at_once("write", backend.write(&other, &pattern(2, 300_000))).await??;
    at_once("rename", backend.rename(&other, &file)).await??;
    at_once("sync", backend.sync()).await??;
    // What these answer is other cases' business; here they must answer.
    let _ = at_once("usage", backend.usage()).await?;
    let _ = at_once("set_attributes", backend.set_attributes(&file, &Attributes::new())).await?;
    fails_with("open of what is missing", ErrorKind::NotFound, at_once("open", backend.open(&other, &OpenOptions::reading())).await?)?;
    fails_with("stat of what is missing", ErrorKind::NotFound, at_once("stat", backend.stat(&other)).await?)?;
    at_once("remove_file", backend.remove_file(&file)).await??;
    at_once("remove_dir", backend.remove_dir(&directory)).await??;
    at_once("close", backend.close()).await??;
    fails_with("stat after close", ErrorKind::Closed, at_once("stat", backend.stat(&root)).await?)
}

/// A file that would get longer than `max_file_len` is refused with `InvalidInput`, and nothing of it is written.
pub async fn the_longest_file_is_as_declared(backend: &dyn StorageBackend) -> Verdict {
    let longest = backend.capabilities().max_file_len;
    let file = edit(backend, "file").await?;
    file.write_at(0, b"bytes").await?;
    let invalid = ErrorKind::InvalidInput;
    for (offset, len) in [
        (longest, 1),
        (longest.saturating_sub(1), 2),
        (longest.saturating_sub(10), 100),
        (u64::MAX, 1),
        (u64::MAX - 5, 6),
        (u64::MAX - 5, 100),
    ] {
        if offset.checked_add(len as u64).is_some_and(|end| end <= longest) {
            continue;
        }
        let promise = format!("write_at {offset} of {len} bytes, beyond max_file_len {longest}");
        fails_with(&promise, invalid, file.write_at(offset, &vec![1; len]).await)?;
    }
    for len in [longest.saturating_add(1), u64::MAX] {
        if len > longest {
            fails_with(&format!("set_len {len}, beyond max_file_len {longest}"), invalid, file.set_len(len).await)?;
        }
    }
    holds("a refused write changed the file", backend, "file", b"bytes").await?;
    same("a read at the largest offset", &file.read_at(u64::MAX, &mut [0; 10]).await?, &0)?;
    same("a read at the largest length", &file.read_at(longest, &mut [0; 10]).await?, &0)
}

/// An error says what was tried, and on which path.
pub async fn errors_name_the_operation_and_the_path(backend: &dyn StorageBackend) -> Verdict {
    let missing = path("missing")?;
    put(backend, "file", b"bytes").await?;
    backend.create_dir(&path("d")?).await?;
    let reader = backend.open(&path("file")?, &OpenOptions::reading()).await?;
    let names_it = |error: Option<Error>, operation: Operation, at: &StoragePath| {
        let Some(error) = error else {
            return Err(Broken::promise(format!("{operation} on {at:?} succeeded")));
        };
        same("the operation an error names", &error.operation(), &operation)?;
        same(&format!("the path that this error names: {error}"), &error.path(), &Some(at))
    };
    // A handle need not know the path that led to it; but it names no other.
    let names_no_other = |error: Option<Error>, operation: Operation, at: &StoragePath| match error {
        Some(error) if error.path().is_none() => same("the operation an error names", &error.operation(), &operation),
        error => names_it(error, operation, at),
    };
    names_it(backend.open(&missing, &OpenOptions::reading()).await.err(), Operation::Open, &missing)?;
    names_it(backend.stat(&missing).await.err(), Operation::Stat, &missing)?;
    names_it(backend.list(&missing, None, 1).await.err(), Operation::List, &missing)?;
    names_it(backend.create_dir(&path("d")?).await.err(), Operation::CreateDir, &path("d")?)?;
    names_it(backend.remove_file(&missing).await.err(), Operation::RemoveFile, &missing)?;
    names_it(backend.remove_dir(&missing).await.err(), Operation::RemoveDir, &missing)?;
    names_it(backend.rename(&missing, &path("new")?).await.err(), Operation::Rename, &missing)?;
    names_it(backend.write(&path("d")?, b"").await.err(), Operation::Write, &path("d")?)?;
    names_no_other(reader.write_at(0, b"x").await.err(), Operation::Write, &path("file")?)?;
    names_no_other(reader.set_len(0).await.err(), Operation::SetLen, &path("file")?)
}

/// What `usage` tells moves with what is written and removed.
pub async fn usage_moves_with_what_is_stored(backend: &dyn StorageBackend) -> Verdict {
    backend.sync().await?;
    let before = backend.usage().await?;
    put(backend, "file", &pattern(1, 2 << 20)).await?;
    backend.sync().await?;
    let full = backend.usage().await?;
    if let (Some(before), Some(full)) = (before.used, full.used) {
        ensure!(full > before, "usage tells {full} used bytes after 2 MiB were written, and {before} before");
    }
    if let (Some(used), Some(quota)) = (full.used, full.quota) {
        ensure!(used <= quota, "usage tells {used} used bytes of a quota of {quota}");
    }
    backend.remove_file(&path("file")?).await?;
    backend.sync().await?;
    let after = backend.usage().await?;
    if let (Some(after), Some(full)) = (after.used, full.used) {
        ensure!(after < full, "usage tells {after} used bytes after 2 MiB were removed, and {full} before");
    }
    Ok(())
}

/// A location that is `shared` opens twice; one that is not says `Locked`, and a location without durability is new each time.
pub async fn sharing_is_what_it_says(place: &dyn Place) -> Verdict {
    let first = place.open().await?;
    let offered = first.capabilities();
    put(&*first, "file", b"bytes").await?;
    first.sync().await?;
    let second = place.open().await;
    match second {
        Ok(second) if offered.shared => {
            holds("a shared location's second instance does not see what was synced", &*second, "file", b"bytes").await
        }
        Ok(second) if !offered.is_durable() => {
            lists("no durability is declared, and a second instance is the first one", &*second, "", &[]).await?;
            holds("a second instance disturbed the first", &*first, "file", b"bytes").await
        }
        Ok(_) => Err(Broken::promise("a location that is not shared was opened twice")),
        Err(error) if !offered.shared => same("the kind of the refusal", &error.kind(), &ErrorKind::Locked),
        Err(error) => Err(Broken::from(error).in_context("a shared location cannot be opened twice")),
    }
}

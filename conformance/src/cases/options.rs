//! Line 5 at the door: what `open` does with each combination of options, and what its handles may do.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};

use super::check::*;
use crate::case::Verdict;

/// All 32 combinations.
fn combinations() -> impl Iterator<Item = OpenOptions> {
    (0..32_u8).map(|bits| {
        let bit = |place: u8| bits & (1 << place) != 0;
        OpenOptions::new().read(bit(0)).write(bit(1)).create(bit(2)).create_new(bit(3)).truncate(bit(4))
    })
}

/// Every combination of options does to an existing and to a missing file what its words say, and those that contradict themselves are
/// refused before anything happens.
pub async fn every_combination_does_what_it_says(backend: &dyn StorageBackend) -> Verdict {
    for (number, options) in combinations().enumerate() {
        let (there, missing) = (path(&format!("there-{number}"))?, path(&format!("missing-{number}"))?);
        put(backend, there.as_str(), b"bytes").await?;
        let contradiction = !options.is_write() && (options.is_create() || options.is_truncate() || !options.is_read());
        let (on_there, on_missing, left) = if contradiction {
            (Some(ErrorKind::InvalidInput), Some(ErrorKind::InvalidInput), "bytes")
        } else if options.is_create_new() {
            (Some(ErrorKind::AlreadyExists), None, "bytes")
        } else {
            let on_missing = if options.is_create() { None } else { Some(ErrorKind::NotFound) };
            (None, on_missing, if options.is_truncate() { "" } else { "bytes" })
        };
        for (at, expected) in [(&there, on_there), (&missing, on_missing)] {
            let outcome = backend.open(at, &options).await;
            let promise = format!("open {at} with {options:?}");
            match expected {
                Some(kind) => fails_with(&promise, kind, outcome)?,
                None => outcome?.close().await?,
            }
        }
        holds(&format!("open with {options:?} left other bytes"), backend, there.as_str(), left.as_bytes()).await?;
        if on_missing.is_none() {
            holds(&format!("open with {options:?} created a file that is not empty"), backend, missing.as_str(), b"").await?;
        } else {
            absent(&format!("open with {options:?} created a file"), backend, missing.as_str()).await?;
        }
    }
    Ok(())
}

/// `create_new` refuses whatever is there, file, directory or root, and leaves it.
pub async fn create_new_refuses_what_exists(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    put(backend, "d/file", b"bytes").await?;
    let taken = ErrorKind::AlreadyExists;
    let options = OpenOptions::new().read(true).write(true).create_new(true).truncate(true);
    for at in ["d/file", "d", ""] {
        fails_with(&format!("create_new on {at:?}"), taken, backend.open(&path(at)?, &options).await)?;
    }
    holds("create_new changed the file that was there", backend, "d/file", b"bytes").await
}

/// A handle that was not opened for writing changes nothing, and says so.
pub async fn a_reading_handle_does_not_write(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"bytes").await?;
    let reader = backend.open(&path("file")?, &OpenOptions::reading()).await?;
    let refused = ErrorKind::PermissionDenied;
    fails_with("write_at through a handle that only reads", refused, reader.write_at(0, b"B").await)?;
    fails_with("write_at behind the end through a handle that only reads", refused, reader.write_at(100, b"B").await)?;
    fails_with("set_len through a handle that only reads", refused, reader.set_len(2).await)?;
    same_bytes("a handle that only reads does not read", &bytes_at(&*reader, 0, 10).await?, b"bytes")?;
    holds("a handle that only reads changed the file", backend, "file", b"bytes").await
}

/// A handle that was not opened for reading gives no bytes, and says so.
pub async fn a_writing_handle_does_not_read(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"bytes").await?;
    let writer = backend.open(&path("file")?, &OpenOptions::new().write(true)).await?;
    fails_with("read_at through a handle that only writes", ErrorKind::PermissionDenied, writer.read_at(0, &mut [0; 4]).await)?;
    writer.write_at(1, b"YTE").await?;
    same("a handle that only writes does not tell the length", &writer.stat().await?.len, &5)?;
    writer.sync().await?;
    holds("a handle that only writes did not write", backend, "file", b"bYTEs").await
}

/// A file that one opener truncates is empty for everybody who has it open.
pub async fn truncation_is_seen_by_all_handles(backend: &dyn StorageBackend) -> Verdict {
    let first = edit(backend, "file").await?;
    first.write_at(0, &pattern(1, 70_000)).await?;
    let second = backend.open(&path("file")?, &OpenOptions::new().write(true).truncate(true)).await?;
    same_bytes("a handle still reads what another opener truncated", &bytes_at(&*first, 0, 100).await?, b"")?;
    second.write_at(3, b"x").await?;
    same_bytes("bytes from before a truncation came back", &bytes_at(&*first, 0, 100).await?, b"\0\0\0x")
}

/// A directory cannot be opened as a file, whatever the options.
pub async fn a_directory_is_not_opened_as_a_file(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    put(backend, "d/file", b"bytes").await?;
    for options in [OpenOptions::reading(), OpenOptions::new().write(true), OpenOptions::editing(), OpenOptions::editing().truncate(true)] {
        for at in ["", "d"] {
            let outcome = backend.open(&path(at)?, &options).await;
            fails_with(&format!("open the directory {at:?} with {options:?}"), ErrorKind::IsADirectory, outcome)?;
        }
    }
    holds("a refused open of a directory changed what is in it", backend, "d/file", b"bytes").await
}

//! Line 12: an open file follows its rename, and stays usable after its removal.

use anystorage_api::{ErrorKind, StorageBackend};

use super::check::*;
use crate::case::Verdict;

/// A removed file stays readable and writable through its handle, apart from a new file of the same name.
pub async fn an_open_file_outlives_its_removal(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "gone").await?;
    file.write_at(0, b"still here").await?;
    backend.remove_file(&path("gone")?).await?;
    fails_with("a removed file is still there", ErrorKind::NotFound, backend.stat(&path("gone")?).await)?;
    same_bytes("a removed file that is open cannot be read", &bytes_at(&*file, 0, 20).await?, b"still here")?;
    put(backend, "gone", b"another one").await?;
    file.write_at(6, b"me").await?;
    file.set_len(9).await?;
    file.sync().await?;
    same_bytes("a removed file that is open cannot be written", &bytes_at(&*file, 0, 20).await?, b"still mer")?;
    holds("a write to a removed file reached the new one of its name", backend, "gone", b"another one").await?;
    same("a removed file's handle tells the length of the new one", &file.stat().await?.len, &9)
}

/// A handle writes to its file wherever a rename put it.
pub async fn an_open_file_follows_its_rename(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    let file = edit(backend, "first").await?;
    file.write_at(0, b"one").await?;
    backend.rename(&path("first")?, &path("d/second")?).await?;
    file.write_at(3, b" two").await?;
    holds("a write through a handle did not follow the rename", backend, "d/second", b"one two").await?;
    put(backend, "first", b"new").await?;
    same_bytes("a handle fell back to its file's old name", &bytes_at(&*file, 0, 20).await?, b"one two")?;
    file.sync().await?;
    holds("the old name's new file was touched", backend, "first", b"new").await
}

//! Line 4: `write`, and `rename` over an existing file, are atomic at once, and durable after a sync.

use anystorage_api::{ErrorKind, StorageBackend};
use futures_lite::future::zip;

use super::check::*;
use crate::case::{Broken, Carry, CaseFuture, Verdict};

/// `write` leaves exactly its data: shorter, longer, or empty.
pub async fn write_leaves_exactly_its_data(backend: &dyn StorageBackend) -> Verdict {
    for (seed, len) in (0..).zip([100_000, 10, 0, 65_536, 65_537, 1 << 20, 1, 0]) {
        let data = pattern(seed, len);
        backend.write(&path("file")?, &data).await?;
        holds("write left something else than its data", backend, "file", &data).await?;
        same("stat does not tell the written length", &backend.stat(&path("file")?).await?.len, &(len as u64))?;
    }
    Ok(())
}

/// `write` leaves no name beside the file's own.
pub async fn write_leaves_nothing_beside_its_file(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    for round in 0..5 {
        backend.write(&path("d/file")?, &pattern(round, 10_000)).await?;
        lists("write left another name behind", backend, "d", &["file"]).await?;
    }
    fails_with("write onto a directory", ErrorKind::IsADirectory, backend.write(&path("d")?, b"data").await)?;
    lists("a refused write left a name behind", backend, "", &["d"]).await?;
    lists("a refused write left a name behind", backend, "d", &["file"]).await
}

/// `write` works for names of every length an engine takes.
pub async fn write_works_for_the_longest_names(backend: &dyn StorageBackend) -> Verdict {
    let longest = backend.capabilities().max_name_len;
    for len in [longest, longest.saturating_sub(1), longest.saturating_sub(20)] {
        let name = "n".repeat(len.max(1));
        backend.write(&path(&name)?, b"one").await?;
        backend.write(&path(&name)?, b"two").await?;
        same_bytes("write under a long name left other bytes", &backend.read(&path(&name)?).await?, b"two")?;
    }
    // A multi-byte character where a temporary name might be cut.
    let name = "\u{e9}".repeat(longest / 2);
    backend.write(&path(&name)?, b"three").await?;
    same_bytes("write under a long name left other bytes", &backend.read(&path(&name)?).await?, b"three")
}

/// A `write` that is refused leaves the old file and its bytes alone.
pub async fn a_refused_write_changes_nothing(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"old").await?;
    fails_with("write through a file", ErrorKind::NotADirectory, backend.write(&path("file/below")?, b"new").await)?;
    fails_with("write into a missing directory", ErrorKind::NotFound, backend.write(&path("missing/file")?, b"new").await)?;
    fails_with("write onto the root", ErrorKind::IsADirectory, backend.write(&path("")?, b"new").await)?;
    holds("a refused write changed a file", backend, "file", b"old").await?;
    lists("a refused write changed the tree", backend, "", &["file"]).await
}

/// A file that is open while `write` replaces it keeps its old bytes, and its writes reach nobody.
pub async fn a_replaced_file_that_is_open_keeps_its_bytes(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"old bytes").await?;
    let file = edit(backend, "file").await?;
    backend.write(&path("file")?, b"new").await?;
    same_bytes("a handle on the replaced file sees other bytes", &bytes_at(&*file, 0, 20).await?, b"old bytes")?;
    file.write_at(0, b"OLD").await?;
    same_bytes("a handle on the replaced file cannot write", &bytes_at(&*file, 0, 20).await?, b"OLD bytes")?;
    holds("a handle on the replaced file wrote into the new one", backend, "file", b"new").await
}

/// Whoever reads while a `write` is under way sees the old file or the new one, whole.
pub async fn a_read_beside_a_write_sees_old_or_new(backend: &dyn StorageBackend) -> Verdict {
    let file = path("file")?;
    let mut old = pattern(0, 120_000);
    backend.write(&file, &old).await?;
    for round in 1..10 {
        let new = pattern(round, 120_000 + 1000 * round as usize);
        let (written, seen) = zip(backend.write(&file, &new), backend.read(&file)).await;
        written?;
        whole("a read beside a write saw a mixture", &seen?, &[&old, &new])?;
        old = new;
    }
    Ok(())
}

/// `write`s under way together, several to one file and several to two whose long names differ only at the end: none fails, whoever reads
/// meanwhile sees one of the contents whole, and no other name is left.
pub async fn writes_together_leave_one_of_them_whole(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    // A temporary name made of these has to be cut, and then they are the same.
    let long = "n".repeat(backend.capabilities().max_name_len.saturating_sub(1));
    let names = ["file".to_owned(), format!("{long}1"), format!("{long}2")];
    let mut files = Vec::new();
    for (seed, name) in (1000..).zip(&names) {
        let (file, old) = (path("d")?.join(name)?, pattern(seed, 30_000));
        backend.write(&file, &old).await?;
        files.push((file, old));
    }
    for round in 0..4 {
        let version = |file: u64, writer: u64| pattern(100 * round + 10 * file + writer, 40_000 - 7000 * writer as usize);
        let written: Vec<Vec<Vec<u8>>> = (0..3).map(|file| (0..3).map(|writer| version(file, writer)).collect()).collect();
        let mut calls: Vec<CaseFuture<'_, Verdict>> = Vec::new();
        for writer in 0..3 {
            for ((file, old), versions) in files.iter().zip(&written) {
                calls.extend(
                    versions
                        .get(writer)
                        .map(|data| -> CaseFuture<'_, Verdict> { Box::pin(async move { Ok(backend.write(file, data).await?) }) }),
                );
                calls.push(Box::pin(async move {
                    let allowed: Vec<&[u8]> = versions.iter().chain([old]).map(Vec::as_slice).collect();
                    for _ in 0..4 {
                        whole("a read beside several writes saw none of their contents", &backend.read(file).await?, &allowed)?;
                    }
                    Ok(())
                }));
            }
        }
        for outcome in together(calls).await {
            outcome?;
        }
        for ((file, old), versions) in files.iter_mut().zip(&written) {
            *old = backend.read(file).await?;
            let allowed: Vec<&[u8]> = versions.iter().map(Vec::as_slice).collect();
            whole("several writes together left none of their contents", old, &allowed)?;
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        lists("several writes together left another name, or took one away", backend, "d", &names).await?;
    }
    Ok(())
}

/// `write` leaves files alone whose names look like those of its own temporary files, or of other programs'.
pub async fn write_takes_no_name_that_is_in_use(backend: &dyn StorageBackend) -> Verdict {
    const OTHERS: [&str; 6] = [".a.anystorage-write", ".a.anystorage-write-0", ".a.anystorage-write-1", ".a.tmp", "a.tmp", "a~"];
    for (seed, name) in (0..).zip(OTHERS) {
        put(backend, name, &pattern(seed, 5000)).await?;
    }
    for round in 100..103 {
        backend.write(&path("a")?, &pattern(round, 9000)).await?;
        holds("write left something else than its data", backend, "a", &pattern(round, 9000)).await?;
    }
    fails_with("write through a file", ErrorKind::NotADirectory, backend.write(&path("a/below")?, b"data").await)?;
    for (seed, name) in (0..).zip(OTHERS) {
        holds("write took another file for its own", backend, name, &pattern(seed, 5000)).await?;
    }
    let [write, first, second, hidden, shown, old] = OTHERS;
    lists("write took a name away, or left one", backend, "", &[write, first, second, hidden, "a", shown, old]).await
}

/// `rename` over a file replaces it: one name, with the renamed file's bytes.
pub async fn rename_over_a_file_replaces_it(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    put(backend, "d/old", &pattern(1, 50_000)).await?;
    put(backend, "new", b"new").await?;
    backend.rename(&path("new")?, &path("d/old")?).await?;
    holds("a rename over a file did not replace it", backend, "d/old", b"new").await?;
    lists("a rename over a file left its old name", backend, "", &["d"]).await?;
    lists("a rename over a file left other names", backend, "d", &["old"]).await
}

/// After the crossing a file that `write` replaced without a sync is old or new, whole.
pub mod an_unsynced_write_is_old_or_new {
    use super::*;

    /// Syncs three files and replaces them.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        for (seed, (name, len)) in (0..).zip(SIZES) {
            backend.write(&path(name)?, &pattern(seed, len)).await?;
        }
        backend.sync().await?;
        for (seed, (name, len)) in (100..).zip(SIZES) {
            backend.write(&path(name)?, &pattern(seed, 600_000 - len)).await?;
        }
        Ok(Carry::new())
    }

    const SIZES: [(&str, usize); 3] = [("shrinks", 500_000), ("stays", 300_000), ("grows", 5)];

    /// Expects old or new.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        for (seed, (name, len)) in (0..).zip(SIZES) {
            let seen = backend.read(&path(name)?).await?;
            let promise = format!("a file that write replaced without a sync is neither old nor new ({name})");
            whole(&promise, &seen, &[&pattern(seed, len), &pattern(seed + 100, 600_000 - len)])?;
        }
        Ok(())
    }
}

/// Of many `write`s one after another, one is there whole.
pub mod one_of_many_unsynced_writes_is_there {
    use super::*;

    fn version(round: u64) -> Vec<u8> {
        pattern(round, 1000 + 3777 * (round % 7) as usize)
    }

    /// Replaces a synced file forty times.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.write(&path("file")?, &version(0)).await?;
        backend.sync().await?;
        for round in 1..=40 {
            backend.write(&path("file")?, &version(round)).await?;
        }
        Ok(Carry::new())
    }

    /// Expects one of the versions.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let seen = backend.read(&path("file")?).await?;
        let is_version = (0..=40).any(|round| seen == version(round));
        ensure!(is_version, "after 40 unsynced writes a file of {} bytes is none of the 41 versions", seen.len());
        Ok(())
    }
}

/// `write`, then a sync: the new file is there.
pub mod a_synced_write_is_new {
    use super::*;

    /// Replaces a synced file and creates another, and syncs.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.write(&path("file")?, &pattern(1, 200_000)).await?;
        backend.sync().await?;
        backend.write(&path("file")?, &pattern(2, 100_000)).await?;
        backend.write(&path("created")?, &pattern(3, 70_000)).await?;
        backend.sync().await?;
        Ok(Carry::new())
    }

    /// Expects both new.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a write that a sync covered is lost", backend, "file", &pattern(2, 100_000)).await?;
        holds("a file that write created and a sync covered is lost", backend, "created", &pattern(3, 70_000)).await
    }
}

/// After the crossing a file over which another one was renamed without a sync is old or new, and nothing is lost.
pub mod an_unsynced_rename_over_a_file_is_old_or_new {
    use super::*;

    /// Syncs both files and renames one over the other.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "target", &pattern(1, 30_000)).await?;
        put(backend, "source", &pattern(2, 20_000)).await?;
        backend.sync().await?;
        backend.rename(&path("source")?, &path("target")?).await?;
        Ok(Carry::new())
    }

    /// Expects all as before, or the source in the target's place alone.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let (old, new) = (pattern(1, 30_000), pattern(2, 20_000));
        let seen = backend.read(&path("target")?).await?;
        whole("a file over which another was renamed is neither old nor new", &seen, &[&old, &new])?;
        match found(backend, "source").await? {
            None => same_bytes("the rename's source is gone, and its target is not the source", &seen, &new),
            Some(source) => {
                same_bytes("the rename's source is still there, and its target changed", &seen, &old)?;
                same_bytes("the rename's source changed", &source, &new)
            }
        }
    }
}

/// `rename` over a file, then a sync: the new file is there under that name alone.
pub mod a_synced_rename_over_a_file_is_new {
    use super::*;

    /// Renames one file over another and syncs.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "target", &pattern(1, 30_000)).await?;
        put(backend, "source", &pattern(2, 20_000)).await?;
        backend.sync().await?;
        backend.rename(&path("source")?, &path("target")?).await?;
        backend.sync().await?;
        Ok(Carry::new())
    }

    /// Expects the new one.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a rename over a file that a sync covered is lost", backend, "target", &pattern(2, 20_000)).await?;
        absent("the source of a synced rename is back", backend, "source").await
    }
}

/// The classic way to save, written out: a new file, its sync, a rename over the old one. Old or new is there, whole.
pub mod saving_by_hand_is_old_or_new {
    use super::*;

    /// Saves several times over a synced file.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "document", &pattern(0, 90_000)).await?;
        backend.sync().await?;
        for round in 1..=3 {
            let file = edit(backend, "document.new").await?;
            file.set_len(0).await?;
            file.write_at(0, &pattern(round, 80_000)).await?;
            file.sync().await?;
            file.close().await?;
            backend.rename(&path("document.new")?, &path("document")?).await?;
        }
        Ok(Carry::new())
    }

    /// Expects one of the versions.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let versions = [pattern(0, 90_000), pattern(1, 80_000), pattern(2, 80_000), pattern(3, 80_000)];
        let allowed: Vec<&[u8]> = versions.iter().map(Vec::as_slice).collect();
        whole("a document saved by rename is none of its versions", &backend.read(&path("document")?).await?, &allowed)
    }
}

//! Line 12: an open file follows its rename, and stays usable after its removal.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};

use super::check::*;
use crate::case::{Broken, Carry, Verdict};

/// A removed file stays readable and writable through its handle, apart from a new file of the same name.
pub async fn an_open_file_outlives_its_removal(backend: &dyn StorageBackend) -> Verdict {
    let file = edit(backend, "gone").await?;
    file.write_at(0, b"still here").await?;
    backend.remove_file(&path("gone")?).await?;
    absent("a removed file is still there", backend, "gone").await?;
    same_bytes("a removed file that is open cannot be read", &bytes_at(&*file, 0, 20).await?, b"still here")?;
    put(backend, "gone", b"another one").await?;
    file.write_at(6, b"me").await?;
    file.set_len(9).await?;
    file.sync().await?;
    same_bytes("a removed file that is open cannot be written", &bytes_at(&*file, 0, 20).await?, b"still mer")?;
    holds("a write to a removed file reached the new one of its name", backend, "gone", b"another one").await?;
    same("a removed file's handle tells the length of the new one", &file.stat().await?.len, &9)
}

/// All handles on a removed file are still one file.
pub async fn handles_on_a_removed_file_are_one_file(backend: &dyn StorageBackend) -> Verdict {
    let first = edit(backend, "gone").await?;
    let second = edit(backend, "gone").await?;
    let reader = backend.open(&path("gone")?, &OpenOptions::reading()).await?;
    first.write_at(0, &pattern(1, 100_000)).await?;
    backend.remove_file(&path("gone")?).await?;
    second.write_at(50_000, b"second").await?;
    let expected = overlaid(&pattern(1, 100_000), 50_000, b"second");
    first.close().await?;
    same_bytes("a write to a removed file is not seen by its other handles", &bytes_at(&*reader, 0, 200_000).await?, &expected)?;
    second.set_len(10).await?;
    same_bytes("a cut of a removed file is not seen by its other handles", &bytes_at(&*reader, 0, 200_000).await?, part(&expected, 0..10))?;
    lists("a removed file is listed", backend, "", &[]).await
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
    holds("the old name's new file was touched", backend, "first", b"new").await?;
    let second = edit(backend, "d/second").await?;
    second.write_at(0, b"1").await?;
    same_bytes("handles from before and after a rename are not one file", &bytes_at(&*file, 0, 20).await?, b"1ne two")
}

/// A handle follows the rename of a directory above its file, at any height.
pub async fn an_open_file_follows_its_directorys_rename(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("top")?).await?;
    backend.create_dir(&path("top/sub")?).await?;
    let file = edit(backend, "top/sub/file").await?;
    file.write_at(0, b"one").await?;
    backend.rename(&path("top")?, &path("moved")?).await?;
    file.write_at(3, b" two").await?;
    holds("a write did not follow the rename of a directory above", backend, "moved/sub/file", b"one two").await?;
    backend.rename(&path("moved/sub")?, &path("out")?).await?;
    file.write_at(7, b" three").await?;
    file.sync().await?;
    holds("a write did not follow the rename of its directory", backend, "out/file", b"one two three").await?;
    absent("a directory's old name came back with a write to a file in it", backend, "top").await?;
    lists("a directory's old place came back with a write to a file in it", backend, "moved", &[]).await
}

/// A file that another one was renamed over keeps its bytes for those who have it open.
pub async fn an_open_file_outlives_its_replacement(backend: &dyn StorageBackend) -> Verdict {
    let old = edit(backend, "target").await?;
    old.write_at(0, b"the old file").await?;
    let new = edit(backend, "source").await?;
    new.write_at(0, b"the new file").await?;
    backend.rename(&path("source")?, &path("target")?).await?;
    same_bytes("a handle on a replaced file sees other bytes", &bytes_at(&*old, 0, 20).await?, b"the old file")?;
    old.write_at(4, b"OLD").await?;
    new.write_at(4, b"NEW").await?;
    old.sync().await?;
    holds("a write to a replaced file reached the new one", backend, "target", b"the NEW file").await?;
    same_bytes("a replaced file cannot be written", &bytes_at(&*old, 0, 20).await?, b"the OLD file")
}

/// Handles stay with their files when the files change names in a circle.
pub async fn open_files_change_names_in_a_circle(backend: &dyn StorageBackend) -> Verdict {
    let one = edit(backend, "one").await?;
    let two = edit(backend, "two").await?;
    one.write_at(0, b"1").await?;
    two.write_at(0, b"2").await?;
    for _ in 0..3 {
        backend.rename(&path("one")?, &path("three")?).await?;
        backend.rename(&path("two")?, &path("one")?).await?;
        backend.rename(&path("three")?, &path("two")?).await?;
        one.write_at(one.stat().await?.len, b"1").await?;
        two.write_at(two.stat().await?.len, b"2").await?;
    }
    holds("a handle went to another file when names changed in a circle", backend, "one", b"2222").await?;
    holds("a handle went to another file when names changed in a circle", backend, "two", b"1111").await
}

/// A directory whose last file was removed while open can be removed, and the file stays usable.
pub async fn an_open_file_outlives_its_directory(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    let file = edit(backend, "d/file").await?;
    file.write_at(0, &pattern(1, 70_000)).await?;
    let full = backend.remove_dir(&path("d")?).await;
    fails_with("remove_dir of a directory with an open file", ErrorKind::DirectoryNotEmpty, full)?;
    backend.remove_file(&path("d/file")?).await?;
    backend.remove_dir(&path("d")?).await?;
    file.write_at(70_000, &pattern(2, 100)).await?;
    file.sync().await?;
    same_bytes("a file is not usable after its directory is gone", &bytes_at(&*file, 69_990, 500).await?.split_off(10), &pattern(2, 100))?;
    absent("a removed directory came back with a write to a file of it", backend, "d").await
}

/// A file that was removed while open stays removed, whatever is synced through its handle.
pub mod a_sync_does_not_bring_a_removed_file_back {
    use super::*;

    /// Removes a synced file, writes and syncs through its handle, and syncs everything.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "gone").await?;
        file.write_at(0, &pattern(1, 50_000)).await?;
        file.sync().await?;
        put(backend, "stays", b"stays").await?;
        backend.remove_file(&path("gone")?).await?;
        file.write_at(10, &pattern(2, 50_000)).await?;
        file.sync().await?;
        backend.sync().await?;
        file.write_at(20, &pattern(3, 50_000)).await?;
        file.sync().await?;
        Ok(Carry::new())
    }

    /// Expects it to be gone.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        lists("a sync through a handle brought the removed file back", backend, "", &["stays"]).await?;
        holds("a removed file's handle wrote into another file", backend, "stays", b"stays").await
    }
}

/// What was written and synced through a handle after a rename is in the renamed file.
pub mod writes_after_a_rename_are_in_the_renamed_file {
    use super::*;

    /// Renames an open file, puts another one under its old name, and writes through both.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "name").await?;
        file.write_at(0, b"first").await?;
        backend.sync().await?;
        backend.rename(&path("name")?, &path("renamed")?).await?;
        let other = edit(backend, "name").await?;
        other.write_at(0, b"other").await?;
        file.write_at(5, b" and more").await?;
        file.sync().await?;
        other.sync().await?;
        Ok(Carry::new())
    }

    /// Expects both.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a write after a rename is not in the renamed file", backend, "renamed", b"first and more").await?;
        holds("a new file under a renamed one's old name", backend, "name", b"other").await
    }
}

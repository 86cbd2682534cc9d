//! Line 1: what a returned sync covered is there afterwards.

use anystorage_api::{OpenOptions, StorageBackend};

use super::check::*;
use crate::case::{Broken, Carry, Verdict};

/// What a handle wrote before its sync is there, bytes and length.
pub mod a_file_synced_by_its_handle_is_there {
    use super::*;

    /// Writes, cuts and syncs a file.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "kept").await?;
        file.write_at(0, &pattern(1, 150_000)).await?;
        file.set_len(120_000).await?;
        file.sync().await?;
        Ok(Carry::new())
    }

    /// Expects it.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a synced file is lost or changed", backend, "kept", pattern(1, 150_000).get(..120_000).unwrap_or_default()).await
    }
}

/// A file's sync makes the names of its directories durable too, however deep.
pub mod the_directories_that_lead_to_a_synced_file_are_there {
    use super::*;

    /// Syncs one file, five new directories deep.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        for directory in ["a", "a/b", "a/b/c", "a/b/c/d", "a/b/c/d/e"] {
            backend.create_dir(&path(directory)?).await?;
        }
        let file = edit(backend, "a/b/c/d/e/deep").await?;
        file.write_at(0, b"deep down").await?;
        file.sync().await?;
        Ok(Carry::new())
    }

    /// Expects it under its path.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a synced file cannot be reached any more", backend, "a/b/c/d/e/deep", b"deep down").await
    }
}

/// The backend's sync covers files that were closed without a sync of their own.
pub mod a_backend_sync_covers_files_that_were_closed {
    use super::*;

    /// Writes and closes many files, then syncs everything.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("many")?).await?;
        for number in 0..20 {
            put(backend, &format!("many/{number:02}"), &pattern(number, 3000 * number as usize)).await?;
        }
        backend.sync().await?;
        Ok(Carry::new())
    }

    /// Expects all of them.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        for number in 0..20 {
            let promise = "a closed file that the backend's sync covered is lost or changed";
            holds(promise, backend, &format!("many/{number:02}"), &pattern(number, 3000 * number as usize)).await?;
        }
        same("the directory has other entries", &names(backend, "many").await?.len(), &20)
    }
}

/// The backend's sync covers removes and renames: no name comes back.
pub mod a_backend_sync_covers_removes_and_renames {
    use super::*;

    /// Syncs, removes and renames, and syncs again.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("old")?).await?;
        backend.create_dir(&path("empty")?).await?;
        for name in ["removed", "from", "old/inside"] {
            put(backend, name, name.as_bytes()).await?;
        }
        backend.sync().await?;
        backend.remove_file(&path("removed")?).await?;
        backend.remove_dir(&path("empty")?).await?;
        backend.rename(&path("from")?, &path("to")?).await?;
        backend.rename(&path("old")?, &path("new")?).await?;
        backend.sync().await?;
        Ok(Carry::new())
    }

    /// Expects the tree after the second sync.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        lists("the tree is not the synced one", backend, "", &["new", "to"]).await?;
        holds("a renamed file changed", backend, "to", b"from").await?;
        holds("a file in a renamed directory changed", backend, "new/inside", b"old/inside").await
    }
}

/// A file's sync covers the whole file, whichever handle wrote: also one that was closed before.
pub mod a_file_sync_covers_the_writes_of_all_handles {
    use super::*;

    /// Writes through two handles, closes one, and syncs through the other.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let one = edit(backend, "shared").await?;
        let other = edit(backend, "shared").await?;
        one.write_at(0, &pattern(1, 50_000)).await?;
        other.write_at(50_000, &pattern(2, 50_000)).await?;
        one.close().await?;
        other.sync().await?;
        Ok(Carry::new())
    }

    /// Expects what both wrote.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let expected = [pattern(1, 50_000), pattern(2, 50_000)].concat();
        holds("a write through another handle was not covered by the file's sync", backend, "shared", &expected).await
    }
}

/// A sync through a handle that only reads covers the file as well.
pub mod a_sync_through_a_reading_handle_covers_the_file {
    use super::*;

    /// Writes and closes, then opens for reading and syncs.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "read-synced", &pattern(3, 30_000)).await?;
        let reader = backend.open(&path("read-synced")?, &OpenOptions::reading()).await?;
        reader.sync().await?;
        Ok(Carry::new())
    }

    /// Expects the file.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a sync through a reading handle covered nothing", backend, "read-synced", &pattern(3, 30_000)).await
    }
}

/// A cut that was synced stays, and what it cut off does not come back when the file grows again.
pub mod a_synced_cut_stays {
    use super::*;

    /// Syncs a long file, cuts it, and syncs again.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "cut").await?;
        file.write_at(0, &pattern(4, 300_000)).await?;
        file.sync().await?;
        file.set_len(70_001).await?;
        file.sync().await?;
        Ok(Carry::new())
    }

    /// Expects the rest, then grows it.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let data = pattern(4, 300_000);
        let kept = part(&data, 0..70_001);
        holds("a synced cut is undone", backend, "cut", kept).await?;
        let file = edit(backend, "cut").await?;
        file.set_len(300_000).await?;
        holds("what a synced cut removed came back", backend, "cut", &overlaid(kept, 300_000, &[])).await
    }
}

/// A sparse file beyond 4 GiB is there after its sync: its length, its bytes, its holes.
pub mod a_synced_sparse_file_is_there {
    use super::*;

    const FAR: u64 = (5 << 30) + 123;

    /// Writes a few bytes at both ends and syncs.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "sparse").await?;
        file.write_at(0, b"start").await?;
        file.write_at(FAR, b"end").await?;
        file.sync().await?;
        Ok(Carry::new())
    }

    /// Expects both ends and zeros around them.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let file = edit(backend, "sparse").await?;
        same("the synced length of a sparse file is lost", &file.stat().await?.len, &(FAR + 3))?;
        same_bytes("the start of a synced sparse file is lost", &bytes_at(&*file, 0, 9).await?, b"start\0\0\0\0")?;
        same_bytes("the end of a synced sparse file is lost", &bytes_at(&*file, FAR - 4, 20).await?, b"\0\0\0\0end")?;
        same_bytes("a hole in a synced file is not zeros", &bytes_at(&*file, FAR & 0xffff_ffff, 20).await?, &[0; 20])
    }
}

/// What has no bytes is kept too: empty files, empty directories, a length without a write.
pub mod synced_emptiness_is_there {
    use super::*;

    /// Makes all three; the empty file of a directory is synced by itself, the rest by the backend.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("empty")?).await?;
        backend.create_dir(&path("with")?).await?;
        edit(backend, "with/nothing").await?.sync().await?;
        edit(backend, "nothing").await?.close().await?;
        edit(backend, "zeros").await?.set_len(66_000).await?;
        backend.sync().await?;
        Ok(Carry::new())
    }

    /// Expects them.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        lists("synced names without bytes are lost", backend, "", &["empty", "nothing", "with", "zeros"]).await?;
        lists("an empty directory is not empty", backend, "empty", &[]).await?;
        ensure!(backend.stat(&path("empty")?).await?.is_dir(), "an empty directory came back as something else");
        holds("an empty file that was synced by itself is lost", backend, "with/nothing", b"").await?;
        holds("an empty file is not empty", backend, "nothing", b"").await?;
        holds("a length that was set and synced is lost", backend, "zeros", &vec![0; 66_000]).await
    }
}

/// A file's sync after a rename makes the new name durable, not the old one.
pub mod a_sync_after_a_rename_covers_the_new_name {
    use super::*;

    /// Renames an open file, and the directory of another one, then syncs each by itself.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("from")?).await?;
        backend.create_dir(&path("to")?).await?;
        let file = edit(backend, "from/file").await?;
        file.write_at(0, b"moved").await?;
        file.sync().await?;
        backend.rename(&path("from/file")?, &path("to/renamed")?).await?;
        file.sync().await?;
        let inside = edit(backend, "from/inside").await?;
        inside.write_at(0, b"carried along").await?;
        inside.sync().await?;
        backend.rename(&path("from")?, &path("else")?).await?;
        inside.sync().await?;
        Ok(Carry::new())
    }

    /// Expects both under their new paths alone.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a file synced after its rename is not under its new name", backend, "to/renamed", b"moved").await?;
        holds("a file synced after its directory's rename is not under its new path", backend, "else/inside", b"carried along").await?;
        absent("a renamed directory that a sync covered is back", backend, "from").await?;
        lists("a renamed file that a sync covered is back", backend, "else", &["inside"]).await
    }
}

/// Names come back byte for byte, whatever they are.
pub mod synced_names_come_back_byte_for_byte {
    use super::*;

    fn all() -> Vec<String> {
        let mut names: Vec<String> =
            ["A", "CON", "a", "aux.txt", "b\\c", "dot.", "e\u{301}", "space ", "\u{e9}", "\u{1f600}", "100%", "a:b", " lead"]
                .map(str::to_owned)
                .to_vec();
        names.push("x".repeat(200));
        names.sort();
        names
    }

    /// Makes a file of each name, its content the name.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("names")?).await?;
        for name in all() {
            put(backend, &format!("names/{name}"), name.as_bytes()).await?;
        }
        backend.sync().await?;
        Ok(Carry::new())
    }

    /// Expects the same names with the same contents.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let all = all();
        let expected: Vec<&str> = all.iter().map(String::as_str).collect();
        lists("synced names came back changed", backend, "names", &expected).await?;
        for name in expected {
            holds("a name leads to another file's bytes", backend, &format!("names/{name}"), name.as_bytes()).await?;
        }
        Ok(())
    }
}

/// The last of many syncs counts, not an earlier one.
pub mod the_last_of_many_syncs_counts {
    use super::*;

    /// Overwrites the same bytes thirty times, with a sync each, once through the file and once through the backend.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "again").await?;
        for round in 0..30 {
            file.write_at(0, &pattern(round, 20_000)).await?;
            if round % 2 == 0 {
                backend.sync().await?;
            } else {
                file.sync().await?;
            }
        }
        Ok(Carry::new())
    }

    /// Expects the last round.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("an earlier sync's bytes came back", backend, "again", &pattern(29, 20_000)).await
    }
}

/// After the crossing the location takes reads, writes and syncs as before.
pub mod the_location_works_on_afterwards {
    use super::*;

    /// Leaves a small tree, part of it unsynced.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        put(backend, "d/synced", b"1").await?;
        backend.sync().await?;
        put(backend, "d/unsynced", b"2").await?;
        Ok(Carry::new())
    }

    /// Writes, renames, removes and syncs in it.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        put(backend, "d/unsynced", b"3").await?;
        backend.write(&path("d/synced")?, b"4").await?;
        backend.create_dir(&path("d/new")?).await?;
        backend.rename(&path("d/synced")?, &path("d/new/moved")?).await?;
        backend.sync().await?;
        backend.remove_file(&path("d/unsynced")?).await?;
        backend.sync().await?;
        lists("the tree cannot be changed after a crossing", backend, "d", &["new"]).await?;
        holds("a file cannot be replaced after a crossing", backend, "d/new/moved", b"4").await
    }
}

/// A file that took over a removed one's name is there under it, alone, once it is synced.
pub mod a_name_taken_over_is_the_new_file {
    use super::*;

    /// Removes a synced file, renames another one to its name, and syncs that one.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "name", b"old").await?;
        put(backend, "other", b"the one that takes over").await?;
        backend.sync().await?;
        let taking = edit(backend, "other").await?;
        backend.remove_file(&path("name")?).await?;
        backend.rename(&path("other")?, &path("name")?).await?;
        taking.sync().await?;
        Ok(Carry::new())
    }

    /// Expects the second file under the first one's name.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a name that a synced file took over", backend, "name", b"the one that takes over").await?;
        lists("a file that took over a name and was synced", backend, "", &["name"]).await
    }
}

/// A directory that was removed and made again holds what was synced in the new one, and nothing of the old one.
pub mod a_directory_made_again_holds_only_new_files {
    use super::*;

    /// Empties, removes and remakes a synced directory, and syncs a file in it.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        put(backend, "d/old", b"old").await?;
        backend.sync().await?;
        backend.remove_file(&path("d/old")?).await?;
        backend.remove_dir(&path("d")?).await?;
        backend.create_dir(&path("d")?).await?;
        let file = edit(backend, "d/new").await?;
        file.write_at(0, b"new").await?;
        file.sync().await?;
        Ok(Carry::new())
    }

    /// Expects the new file alone.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        lists("a directory that was removed, made again and reached by a sync", backend, "d", &["new"]).await?;
        holds("a file synced in a directory that was made again", backend, "d/new", b"new").await
    }
}

/// A directory under a renamed one's old name does not take the renamed one's files from it.
pub mod a_directory_under_an_old_name_takes_nothing {
    use super::*;

    /// Renames a synced directory, makes another one under its old name, and syncs a file in that.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("a")?).await?;
        put(backend, "a/file", b"synced long ago").await?;
        backend.sync().await?;
        backend.rename(&path("a")?, &path("b")?).await?;
        backend.create_dir(&path("a")?).await?;
        let file = edit(backend, "a/new").await?;
        file.write_at(0, b"new").await?;
        file.sync().await?;
        Ok(Carry::new())
    }

    /// Expects both directories, each with its own file.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a file synced in a directory under a renamed one's old name", backend, "a/new", b"new").await?;
        holds("a synced file in a renamed directory whose old name is taken", backend, "b/file", b"synced long ago").await?;
        lists("a directory under a renamed one's old name", backend, "a", &["new"]).await
    }
}

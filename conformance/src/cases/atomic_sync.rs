//! Line 3, where `atomic_sync` is declared: afterwards each file is exactly at some sync that covered it.

use anystorage_api::{Attributes, StorageBackend};

use super::attributes::{ACCESSED, MODIFIED, has, mode_and_times, set};
use super::check::*;
use crate::case::{Broken, Carry, Verdict};

/// Changes of a file that no sync covered are gone, all of them.
pub mod unsynced_changes_are_gone_whole {
    use super::*;

    /// Syncs a file and changes it in every way.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "file").await?;
        file.write_at(0, &pattern(1, 100_000)).await?;
        file.sync().await?;
        file.write_at(10, &pattern(2, 70_000)).await?;
        file.set_len(90_000).await?;
        file.write_at(200_000, b"beyond").await?;
        Ok(Carry::new())
    }

    /// Expects the synced file.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a file is not exactly at its last sync", backend, "file", &pattern(1, 100_000)).await
    }
}

/// A backend's sync is one point for all files and for the tree.
pub mod a_backend_sync_is_one_point_for_all {
    use super::*;

    /// Syncs a tree, and changes all of it afterwards.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        for name in ["d/one", "d/two", "d/three"] {
            put(backend, name, b"old").await?;
        }
        backend.sync().await?;
        put(backend, "d/one", b"at the sync").await?;
        backend.rename(&path("d/two")?, &path("d/renamed")?).await?;
        backend.remove_file(&path("d/three")?).await?;
        backend.create_dir(&path("d/sub")?).await?;
        backend.sync().await?;
        put(backend, "d/one", b"later").await?;
        backend.rename(&path("d/renamed")?, &path("d/sub/again")?).await?;
        put(backend, "d/three", b"back").await?;
        Ok(Carry::new())
    }

    /// Expects the second sync.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        lists("the tree is not at the last backend sync", backend, "d", &["one", "renamed", "sub"]).await?;
        lists("a directory is not at the last backend sync", backend, "d/sub", &[]).await?;
        holds("a file is not at the last backend sync", backend, "d/one", b"at the sync").await?;
        holds("a renamed file is not at the last backend sync", backend, "d/renamed", b"old").await
    }
}

/// One file's sync publishes nothing of another file's changes.
pub mod one_files_sync_does_not_publish_anothers {
    use super::*;

    /// Changes two files and syncs one.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "synced", &pattern(1, 80_000)).await?;
        put(backend, "other", &pattern(2, 80_000)).await?;
        backend.sync().await?;
        let (synced, other) = (edit(backend, "synced").await?, edit(backend, "other").await?);
        for round in 0..8 {
            other.write_at(round * 9000, &pattern(20 + round, 4000)).await?;
            synced.write_at(round * 9000, &pattern(10 + round, 4000)).await?;
        }
        other.set_len(75_000).await?;
        synced.sync().await?;
        Ok(Carry::new())
    }

    /// Expects one new and the other old.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let mut new = pattern(1, 80_000);
        for round in 0..8_usize {
            new = overlaid(&new, round * 9000, &pattern(10 + round as u64, 4000));
        }
        holds("a synced file is not exactly at its sync", backend, "synced", &new).await?;
        holds("another file's sync published changes of this one", backend, "other", &pattern(2, 80_000)).await
    }
}

/// A file stands at the later of its own sync and the backend's, with nothing from after it.
pub mod a_file_stands_at_its_last_sync {
    use super::*;

    /// Syncs by both ways in turn, with writes between.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let (one, other) = (edit(backend, "one").await?, edit(backend, "other").await?);
        for round in 0..10 {
            one.write_at(round * 1000, &pattern(round, 3000)).await?;
            other.write_at(round * 1000, &pattern(50 + round, 3000)).await?;
            match round {
                4 => backend.sync().await?,
                7 => one.sync().await?,
                _ => {}
            }
        }
        Ok(Carry::new())
    }

    /// Expects rounds 0 to 7 of one and 0 to 4 of the other.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        for (name, first, rounds) in [("one", 0, 8), ("other", 50, 5)] {
            let mut expected = Vec::new();
            for round in 0..rounds {
                expected = overlaid(&expected, round * 1000, &pattern(first + round as u64, 3000));
            }
            holds("a file is not exactly at the last sync that covered it", backend, name, &expected).await?;
        }
        Ok(())
    }
}

/// Unsynced changes of the tree are gone, all of them.
pub mod unsynced_changes_of_the_tree_are_gone {
    use super::*;

    /// Syncs a tree and changes it.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        backend.create_dir(&path("d/empty")?).await?;
        put(backend, "d/file", b"1").await?;
        put(backend, "d/moved", b"2").await?;
        backend.sync().await?;
        backend.remove_file(&path("d/file")?).await?;
        backend.remove_dir(&path("d/empty")?).await?;
        backend.create_dir(&path("new")?).await?;
        backend.rename(&path("d/moved")?, &path("new/moved")?).await?;
        backend.rename(&path("d")?, &path("renamed")?).await?;
        Ok(Carry::new())
    }

    /// Expects the synced tree.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        lists("unsynced changes of the tree are there", backend, "", &["d"]).await?;
        lists("unsynced changes of the tree are there", backend, "d", &["empty", "file", "moved"]).await?;
        holds("a removal that was undone changed the file", backend, "d/file", b"1").await?;
        holds("a rename that was undone changed the file", backend, "d/moved", b"2").await
    }
}

/// A large change, more than an engine keeps in memory, is there whole with its sync and gone whole without.
pub mod a_large_change_is_there_whole_or_not_at_all {
    use super::*;

    const MANY: usize = 9 << 20;

    /// Writes two files of 9 MiB over short ones, in pieces, and syncs one.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "synced", b"short").await?;
        put(backend, "unsynced", b"short").await?;
        backend.sync().await?;
        let (synced, unsynced) = (edit(backend, "synced").await?, edit(backend, "unsynced").await?);
        let data = pattern(3, MANY);
        for (at, piece) in (0..).step_by(1 << 20).zip(data.chunks(1 << 20)) {
            synced.write_at(at, piece).await?;
            unsynced.write_at(at, piece).await?;
        }
        synced.sync().await?;
        Ok(Carry::new())
    }

    /// Expects one long and one short.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        holds("a large synced change is not there whole", backend, "synced", &pattern(3, MANY)).await?;
        holds("a large unsynced change is partly there", backend, "unsynced", b"short").await
    }
}

/// A synced file that took another one's name sends that one to the name it has by now, with the bytes of its own last sync.
pub mod a_displaced_file_stands_at_its_own_last_sync {
    use super::*;

    /// Renames a synced, changed file away, once into a new directory, and syncs a new file under its old name.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        for (name, to, seed) in [("one", "renamed", 1), ("two", "d/moved", 2)] {
            let displaced = edit(backend, name).await?;
            displaced.write_at(0, &pattern(seed, 50_000)).await?;
            displaced.sync().await?;
            displaced.write_at(20_000, &pattern(10 + seed, 50_000)).await?;
            backend.rename(&path(name)?, &path(to)?).await?;
            let taker = edit(backend, name).await?;
            taker.write_at(0, &pattern(20 + seed, 30_000)).await?;
            taker.sync().await?;
        }
        Ok(Carry::new())
    }

    /// Expects each file at its own sync.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        for (name, to, seed) in [("one", "renamed", 1), ("two", "d/moved", 2)] {
            holds("a synced file that took a name is not there", backend, name, &pattern(20 + seed, 30_000)).await?;
            let Some(found) = found(backend, to).await? else {
                return Err(Broken::promise(format!("a synced file is lost: its old name {name:?} was taken, and it is not at {to:?}")));
            };
            same_bytes(&format!("a file whose old name was taken is not at its own last sync ({to:?})"), &found, &pattern(seed, 50_000))?;
        }
        Ok(())
    }
}

/// Two files change places, and one of them is synced: the other one is under its new name too, at its own last sync.
pub mod a_file_that_changed_places_stands_at_its_own_last_sync {
    use super::*;

    /// Syncs two files, changes both and exchanges their names, and syncs one.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let (one, other) = (edit(backend, "one").await?, edit(backend, "other").await?);
        one.write_at(0, &pattern(1, 50_000)).await?;
        other.write_at(0, &pattern(2, 50_000)).await?;
        backend.sync().await?;
        one.write_at(30_000, &pattern(3, 30_000)).await?;
        other.write_at(30_000, &pattern(4, 30_000)).await?;
        for (from, to) in [("one", "between"), ("other", "one"), ("between", "other")] {
            backend.rename(&path(from)?, &path(to)?).await?;
        }
        one.sync().await?;
        Ok(Carry::new())
    }

    /// Expects both under their new names, one of them new.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let new = overlaid(&pattern(1, 50_000), 30_000, &pattern(3, 30_000));
        lists("two files that changed places are not both there", backend, "", &["one", "other"]).await?;
        holds("a synced file is not under its new name", backend, "other", &new).await?;
        holds("the file that made room is not at its own last sync", backend, "one", &pattern(2, 50_000)).await
    }
}

/// A file that no sync covered is not there, whatever other files were synced.
pub mod a_file_that_was_never_synced_is_not_there {
    use super::*;

    /// Creates files around one that is synced, one of them under the name that it left.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        put(backend, "synced", b"1").await?;
        backend.sync().await?;
        put(backend, "new", &pattern(1, 10_000)).await?;
        backend.rename(&path("synced")?, &path("d/synced")?).await?;
        put(backend, "synced", &pattern(3, 10_000)).await?;
        put(backend, "d/beside", &pattern(4, 10_000)).await?;
        edit(backend, "d/synced").await?.sync().await?;
        Ok(Carry::new())
    }

    /// Expects nothing beside the synced file.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        lists("files that no sync covered are there", backend, "", &["d"]).await?;
        lists("files that no sync covered are there", backend, "d", &["synced"]).await?;
        holds("a synced file is not under its new name", backend, "d/synced", b"1").await
    }
}

/// Attributes that no sync covered are gone, as bytes are.
pub mod unsynced_attributes_are_gone {
    use super::*;

    /// Changes attributes after their sync, makes a link, and syncs another file.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        for name in ["d/synced", "d/other", "d/empty"] {
            put(backend, name, b"").await?;
        }
        for name in ["d/synced", "d/other", "d"] {
            set(backend, name, mode_and_times(0o640)).await?;
        }
        backend.sync().await?;
        for name in ["d/synced", "d/other", "d"] {
            set(backend, name, Attributes::new().mode(0o777).accessed(MODIFIED).modified(ACCESSED)).await?;
        }
        set(backend, "d/empty", Attributes::new().link_target("synced")).await?;
        edit(backend, "d/synced").await?.sync().await?;
        Ok(Carry::new())
    }

    /// Expects the new attributes of the synced file, and the old ones of the other.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        has("attributes that a sync covered", backend, "d/synced", (Some(0o777), Some(MODIFIED), Some(ACCESSED))).await?;
        has("a file's attributes are not those of its last sync", backend, "d/other", (Some(0o640), Some(ACCESSED), Some(MODIFIED)))
            .await?;
        let directory = backend.stat(&path("d")?).await?;
        same("a directory's mode is not that of the last backend sync", &directory.mode, &Some(0o640))?;
        holds("an unsynced link is there", backend, "d/empty", b"").await
    }
}

//! Line 2: a change that no sync covered may be lost, and the loss reaches no further than the bytes it touched.

use anystorage_api::{OpenOptions, StorageBackend};

use super::check::*;
use crate::case::{Broken, Carry, Verdict};

/// Bytes overwritten since the last sync are old or new; all others are as they were.
pub mod an_overwrite_reaches_no_further_than_its_bytes {
    use super::*;

    const CHANGES: [(usize, usize); 4] = [(0, 10), (50_000, 10_000), (120_001, 2), (199_999, 1)];

    /// Syncs a file and overwrites parts of it.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "over").await?;
        file.write_at(0, &pattern(1, 200_000)).await?;
        file.sync().await?;
        let new = pattern(2, 200_000);
        for (offset, len) in CHANGES {
            file.write_at(offset as u64, part(&new, offset..offset + len)).await?;
        }
        Ok(Carry::new())
    }

    /// Expects the old file, but for those parts.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let (old, new) = (pattern(1, 200_000), pattern(2, 200_000));
        let mut changed = old.clone();
        for (offset, len) in CHANGES {
            changed = overlaid(&changed, offset, part(&new, offset..offset + len));
        }
        let seen = backend.read(&path("over")?).await?;
        same("an unsynced overwrite changed the length", &seen.len(), &old.len())?;
        mixture("an unsynced overwrite reached beyond its bytes", &seen, &[&old, &changed])
    }
}

/// An append that was not synced leaves the old bytes alone; of the new ones some, none, or zeros are there.
pub mod an_append_leaves_the_old_bytes {
    use super::*;

    /// Syncs a file and appends to it.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        let file = edit(backend, "log").await?;
        file.write_at(0, &pattern(1, 10_001)).await?;
        file.sync().await?;
        file.write_at(10_001, &pattern(2, 90_000)).await?;
        Ok(Carry::new())
    }

    /// Expects the old part whole.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let seen = backend.read(&path("log")?).await?;
        let appended = overlaid(&pattern(1, 10_001), 10_001, &pattern(2, 90_000));
        let zeros = overlaid(&pattern(1, 10_001), 100_001, &[]);
        ensure!(seen.len() >= 10_001, "an unsynced append cut the synced file: {} bytes instead of at least 10001", seen.len());
        mixture("an unsynced append changed bytes that were synced, or left bytes that nobody wrote", &seen, &[&appended, &zeros])
    }
}

/// A cut that was not synced happened or not; what lies before it is as it was.
pub mod a_cut_leaves_what_lies_before_it {
    use super::*;

    /// Syncs two files, and cuts one by `set_len`, the other by opening it with `truncate`.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "cut", &pattern(1, 150_000)).await?;
        put(backend, "emptied", &pattern(2, 150_000)).await?;
        backend.sync().await?;
        edit(backend, "cut").await?.set_len(70_000).await?;
        backend.open(&path("emptied")?, &OpenOptions::new().write(true).truncate(true)).await?.close().await?;
        Ok(Carry::new())
    }

    /// Expects the part before the cut.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        for (name, seed, kept) in [("cut", 1, 70_000), ("emptied", 2, 0)] {
            let old = pattern(seed, 150_000);
            let seen = backend.read(&path(name)?).await?;
            ensure!(seen.len() >= kept, "an unsynced cut took more than it was to: {} bytes instead of at least {kept}", seen.len());
            let zeros = overlaid(part(&old, 0..kept), 150_000, &[]);
            mixture("an unsynced cut changed bytes before it, or left bytes that nobody wrote", &seen, &[&old, &zeros])?;
        }
        Ok(())
    }
}

/// Whatever happens to one file, the others are as they were synced.
pub mod other_files_are_as_they_were {
    use super::*;

    /// Syncs many files, then changes one of them in every way.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        for number in 0..12 {
            put(backend, &format!("d/{number:02}"), &pattern(number, 10_000 + 4096 * number as usize)).await?;
        }
        backend.sync().await?;
        let file = edit(backend, "d/05").await?;
        file.write_at(100, &pattern(99, 100_000)).await?;
        file.set_len(3).await?;
        file.write_at(70_000, &pattern(98, 5000)).await?;
        Ok(Carry::new())
    }

    /// Expects all the others.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        for number in (0..12).filter(|number| *number != 5) {
            let expected = pattern(number, 10_000 + 4096 * number as usize);
            holds("an unsynced change of one file reached another one", backend, &format!("d/{number:02}"), &expected).await?;
        }
        same("an unsynced change of a file changed the tree", &names(backend, "d").await?.len(), &12)
    }
}

/// Unsynced creations and removals each happened or not, and take nothing else along.
pub mod changes_of_the_tree_each_happened_or_not {
    use super::*;

    /// Syncs a tree and changes it.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        for directory in ["d", "d/goes", "d/stays"] {
            backend.create_dir(&path(directory)?).await?;
        }
        for name in ["d/removed", "d/kept", "d/stays/inside"] {
            put(backend, name, name.as_bytes()).await?;
        }
        backend.sync().await?;
        backend.remove_file(&path("d/removed")?).await?;
        backend.remove_dir(&path("d/goes")?).await?;
        backend.create_dir(&path("d/comes")?).await?;
        put(backend, "d/created", b"created").await?;
        Ok(Carry::new())
    }

    /// Expects each change done or undone.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let known = ["comes", "created", "goes", "kept", "removed", "stays"];
        let seen = names(backend, "d").await?;
        for name in &seen {
            ensure!(known.contains(&name.as_str()), "unsynced changes of the tree left the name {name:?}, which nobody made");
        }
        holds("an unsynced change of the tree touched another file", backend, "d/kept", b"d/kept").await?;
        holds("an unsynced change of the tree touched another directory", backend, "d/stays/inside", b"d/stays/inside").await?;
        if let Some(removed) = found(backend, "d/removed").await? {
            same_bytes("a file whose removal was lost is not whole", &removed, b"d/removed")?;
        }
        if let Some(created) = found(backend, "d/created").await? {
            ensure!(created.len() <= 7, "a file that was created without a sync has {} bytes instead of at most 7", created.len());
            mixture("a file that was created without a sync has bytes that nobody wrote", &created, &[b"created", &[0; 7]])?;
        }
        for directory in ["goes", "comes"] {
            if seen.iter().any(|name| name == directory) {
                lists("a directory holds what nobody put there", backend, &format!("d/{directory}"), &[]).await?;
            }
        }
        Ok(())
    }
}

/// A file renamed without a sync is under exactly one of its names, whole.
pub mod a_renamed_file_has_one_of_its_names {
    use super::*;

    /// Syncs a file and renames it into another directory.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("one")?).await?;
        backend.create_dir(&path("two")?).await?;
        put(backend, "one/file", &pattern(1, 40_000)).await?;
        backend.sync().await?;
        backend.rename(&path("one/file")?, &path("two/file")?).await?;
        Ok(Carry::new())
    }

    /// Looks under both names.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let seen = (found(backend, "one/file").await?, found(backend, "two/file").await?);
        let data = match &seen {
            (Some(data), None) | (None, Some(data)) => data,
            (None, None) => return Err(Broken::promise("an unsynced rename lost a synced file: it is under neither name")),
            (Some(_), Some(_)) => return Err(Broken::promise("an unsynced rename left the file under both names")),
        };
        same_bytes("an unsynced rename changed the file's bytes", data, &pattern(1, 40_000))
    }
}

/// A directory renamed without a sync is under exactly one of its names, with all that is in it.
pub mod a_renamed_directory_has_one_of_its_names {
    use super::*;

    /// Syncs a tree and renames its top.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("old")?).await?;
        backend.create_dir(&path("old/sub")?).await?;
        for number in 0..20 {
            put(backend, &format!("old/sub/{number:02}"), &pattern(number, 1000)).await?;
        }
        backend.sync().await?;
        backend.rename(&path("old")?, &path("new")?).await?;
        Ok(Carry::new())
    }

    /// Looks under both names.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let tops = names(backend, "").await?;
        ensure!(
            tops == ["old"] || tops == ["new"],
            "an unsynced rename of a directory left the names {tops:?} instead of either \"old\" or \"new\""
        );
        for (top, number) in tops.iter().flat_map(|top| (0..20).map(move |number| (top, number))) {
            holds(
                "an unsynced rename of a directory lost a file in it",
                backend,
                &format!("{top}/sub/{number:02}"),
                &pattern(number, 1000),
            )
            .await?;
        }
        Ok(())
    }
}

/// A file that was never synced is missing, or has some of its bytes; nothing else is in it.
pub mod a_file_that_was_never_synced_has_nothing_foreign {
    use super::*;

    /// Removes a synced file full of other bytes and creates new ones without a sync, so that freed space is used again.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "secret", &pattern(7, 500_000)).await?;
        backend.sync().await?;
        backend.remove_file(&path("secret")?).await?;
        backend.sync().await?;
        let file = edit(backend, "new").await?;
        file.set_len(400_000).await?;
        file.write_at(100_000, &pattern(8, 100_000)).await?;
        Ok(Carry::new())
    }

    /// Expects new bytes or zeros, and no name that a sync removed.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        absent("a file whose removal was synced is back", backend, "secret").await?;
        if let Some(seen) = found(backend, "new").await? {
            let new = overlaid(&vec![0; 400_000], 100_000, &pattern(8, 100_000));
            ensure!(seen.len() <= 400_000, "a file that was never synced is longer than it ever was: {} bytes", seen.len());
            mixture("a file that was never synced has bytes that nobody wrote to it", &seen, &[&new, &vec![0; 400_000]])?;
        }
        Ok(())
    }
}

/// A sync of one file covers that file whole, and leaves another one's unsynced changes within their bounds.
pub mod a_sync_beside_unsynced_changes_covers_its_own_file {
    use super::*;

    /// Changes two files in turn and syncs one.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        put(backend, "synced", &pattern(1, 60_000)).await?;
        put(backend, "unsynced", &pattern(2, 60_000)).await?;
        backend.sync().await?;
        let (one, other) = (edit(backend, "synced").await?, edit(backend, "unsynced").await?);
        for round in 0..6 {
            one.write_at(round * 10_000, &pattern(10 + round, 5000)).await?;
            other.write_at(round * 10_000, &pattern(20 + round, 5000)).await?;
        }
        one.sync().await?;
        Ok(Carry::new())
    }

    /// Expects one exactly, and the other within bounds.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        let (mut one, old) = (pattern(1, 60_000), pattern(2, 60_000));
        let mut other = old.clone();
        for round in 0..6_usize {
            one = overlaid(&one, round * 10_000, &pattern(10 + round as u64, 5000));
            other = overlaid(&other, round * 10_000, &pattern(20 + round as u64, 5000));
        }
        holds("a file's sync beside another one's changes did not cover it", backend, "synced", &one).await?;
        let seen = backend.read(&path("unsynced")?).await?;
        same("an unsynced overwrite changed the length", &seen.len(), &60_000)?;
        mixture("unsynced changes reached beyond their bytes", &seen, &[&old, &other])
    }
}

//! Line 1: what a returned sync covered is there afterwards.

use anystorage_api::StorageBackend;

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
        let expected = ["new", "to"].map(str::to_owned);
        same("the tree is not the synced one", names(backend, "").await?.as_slice(), expected.as_slice())?;
        holds("a renamed file changed", backend, "to", b"from").await?;
        holds("a file in a renamed directory changed", backend, "new/inside", b"old/inside").await
    }
}

//! Line 1, where `attributes` is declared: a sync covers them too.

use anystorage_api::{Attributes, FileKind, StorageBackend};

use super::attributes::{ACCESSED, MODIFIED, has, is_link, link, mode_and_times, set};
use super::check::*;
use crate::case::{Broken, Carry, Verdict};

/// A file's sync covers its attributes, those that were set after its bytes were synced too.
pub mod a_file_sync_covers_its_attributes {
    use super::*;

    /// Sets attributes before the bytes, after them, and with nothing else to sync.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        for name in ["first", "last", "alone", "link"] {
            let file = edit(backend, name).await?;
            if name == "alone" {
                file.write_at(0, &pattern(1, 10_000)).await?;
                file.sync().await?;
            }
            if name == "last" {
                file.write_at(0, &pattern(1, 10_000)).await?;
            }
            if name == "link" {
                set(backend, name, Attributes::new().link_target("../some/where")).await?;
            } else {
                set(backend, name, mode_and_times(0o751)).await?;
            }
            if name == "first" {
                file.write_at(0, &pattern(1, 10_000)).await?;
                set(backend, name, Attributes::new().modified(MODIFIED)).await?;
            }
            file.sync().await?;
        }
        Ok(Carry::new())
    }

    /// Expects them.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        for name in ["first", "last", "alone"] {
            has("attributes that a file's sync covered", backend, name, (Some(0o751), Some(ACCESSED), Some(MODIFIED))).await?;
            holds("a file whose attributes were synced", backend, name, &pattern(1, 10_000)).await?;
        }
        is_link("a link that a sync through a handle from before covered", backend, "link", "../some/where").await
    }
}

/// A backend's sync covers the attributes of everything: of files that are closed, directories, the root and links.
pub mod a_backend_sync_covers_all_attributes {
    use super::*;

    /// Sets attributes of all kinds of things and syncs.
    pub async fn before(backend: &dyn StorageBackend) -> Result<Carry, Broken> {
        backend.create_dir(&path("d")?).await?;
        backend.create_dir(&path("d/old")?).await?;
        put(backend, "d/file", b"bytes").await?;
        put(backend, "d/moved", b"").await?;
        backend.sync().await?;
        backend.rename(&path("d/moved")?, &path("d/old/moved")?).await?;
        link(backend, "d/link", "file").await?;
        for (at, mode) in [("d/file", 0o600), ("d/old/moved", 0o444), ("d/old", 0o711), ("d", 0o1777), ("", 0o755)] {
            set(backend, at, mode_and_times(mode)).await?;
        }
        backend.sync().await?;
        Ok(Carry::new())
    }

    /// Expects them.
    pub async fn after(backend: &dyn StorageBackend, _: &str) -> Verdict {
        for (at, mode) in [("d/file", 0o600), ("d/old/moved", 0o444), ("d/old", 0o711), ("d", 0o1777), ("", 0o755)] {
            has("attributes that a backend sync covered", backend, at, (Some(mode), Some(ACCESSED), Some(MODIFIED))).await?;
        }
        is_link("a link that a backend sync covered", backend, "d/link", "file").await?;
        let found = backend.stat(&path("d/file")?).await?;
        same("a file beside a link", &(found.kind, found.len), &(FileKind::File, 5))
    }
}

//! Line 5 for the tree: creates, removes and renames are seen at once, and what cannot be done is refused and changes nothing.

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend};

use super::check::*;
use crate::case::{Broken, Verdict};

/// A tree with a file, a full directory and an empty one, for refusals to leave alone.
async fn plant(backend: &dyn StorageBackend) -> Verdict {
    for directory in ["full", "full/sub", "empty"] {
        backend.create_dir(&path(directory)?).await?;
    }
    put(backend, "file", b"file").await?;
    put(backend, "full/inside", b"inside").await?;
    put(backend, "full/sub/deep", b"deep").await
}

async fn is_as_planted(promise: &str, backend: &dyn StorageBackend) -> Verdict {
    lists(promise, backend, "", &["empty", "file", "full"]).await?;
    lists(promise, backend, "empty", &[]).await?;
    lists(promise, backend, "full", &["inside", "sub"]).await?;
    holds(promise, backend, "file", b"file").await?;
    holds(promise, backend, "full/inside", b"inside").await?;
    holds(promise, backend, "full/sub/deep", b"deep").await
}

/// `create_dir` makes one directory where nothing was, and nothing else.
pub async fn create_dir_makes_one_directory(backend: &dyn StorageBackend) -> Verdict {
    plant(backend).await?;
    for at in ["", "file", "full", "empty"] {
        fails_with(&format!("create_dir on {at:?}, which exists"), ErrorKind::AlreadyExists, backend.create_dir(&path(at)?).await)?;
    }
    fails_with("create_dir in a missing directory", ErrorKind::NotFound, backend.create_dir(&path("no/new")?).await)?;
    fails_with("create_dir below a file", ErrorKind::NotADirectory, backend.create_dir(&path("file/new")?).await)?;
    is_as_planted("a refused create_dir changed the tree", backend).await?;
    backend.create_dir(&path("empty/new")?).await?;
    ensure!(backend.stat(&path("empty/new")?).await?.is_dir(), "create_dir made something else than a directory");
    lists("a new directory is not listed", backend, "empty", &["new"]).await
}

/// `remove_dir` removes empty directories alone.
pub async fn remove_dir_removes_empty_directories_alone(backend: &dyn StorageBackend) -> Verdict {
    plant(backend).await?;
    for (at, kind) in [
        ("full", ErrorKind::DirectoryNotEmpty),
        ("full/sub", ErrorKind::DirectoryNotEmpty),
        ("file", ErrorKind::NotADirectory),
        ("no", ErrorKind::NotFound),
        ("no/no", ErrorKind::NotFound),
        ("file/no", ErrorKind::NotADirectory),
        ("", ErrorKind::InvalidInput),
    ] {
        fails_with(&format!("remove_dir {at:?}"), kind, backend.remove_dir(&path(at)?).await)?;
    }
    is_as_planted("a refused remove_dir changed the tree", backend).await?;
    backend.remove_file(&path("full/sub/deep")?).await?;
    for at in ["full/sub", "empty"] {
        backend.remove_dir(&path(at)?).await?;
        absent("a removed directory is still there", backend, at).await?;
    }
    lists("removed directories are still listed", backend, "", &["file", "full"]).await
}

/// `remove_file` removes files alone.
pub async fn remove_file_removes_files_alone(backend: &dyn StorageBackend) -> Verdict {
    plant(backend).await?;
    for (at, kind) in [
        ("full", ErrorKind::IsADirectory),
        ("empty", ErrorKind::IsADirectory),
        ("", ErrorKind::IsADirectory),
        ("no", ErrorKind::NotFound),
        ("no/no", ErrorKind::NotFound),
        ("file/no", ErrorKind::NotADirectory),
    ] {
        fails_with(&format!("remove_file {at:?}"), kind, backend.remove_file(&path(at)?).await)?;
    }
    is_as_planted("a refused remove_file changed the tree", backend).await?;
    backend.remove_file(&path("file")?).await?;
    absent("a removed file is still there", backend, "file").await?;
    lists("a removed file is still listed", backend, "", &["empty", "full"]).await?;
    fails_with("a second remove_file", ErrorKind::NotFound, backend.remove_file(&path("file")?).await)
}

/// Every rename that makes no sense is refused with the error that says why, and changes nothing.
pub async fn a_refused_rename_changes_nothing(backend: &dyn StorageBackend) -> Verdict {
    plant(backend).await?;
    for (from, to, kind) in [
        ("no", "new", ErrorKind::NotFound),
        ("no", "no", ErrorKind::NotFound),
        ("no/no", "new", ErrorKind::NotFound),
        ("file", "no/new", ErrorKind::NotFound),
        ("file/no", "new", ErrorKind::NotADirectory),
        ("full/inside", "file/new", ErrorKind::NotADirectory),
        ("file", "empty", ErrorKind::IsADirectory),
        ("file", "full", ErrorKind::IsADirectory),
        ("full/inside", "full", ErrorKind::IsADirectory),
        ("empty", "file", ErrorKind::NotADirectory),
        ("full", "file", ErrorKind::NotADirectory),
        ("full/sub", "empty", ErrorKind::AlreadyExists),
        ("empty", "full", ErrorKind::AlreadyExists),
        ("full/sub", "full", ErrorKind::AlreadyExists),
        ("full", "full/new", ErrorKind::InvalidInput),
        ("full", "full/sub/new", ErrorKind::InvalidInput),
        ("full", "full/sub", ErrorKind::InvalidInput),
        ("", "new", ErrorKind::InvalidInput),
        ("empty", "", ErrorKind::InvalidInput),
        ("", "", ErrorKind::InvalidInput),
    ] {
        fails_with(&format!("rename {from:?} to {to:?}"), kind, backend.rename(&path(from)?, &path(to)?).await)?;
        is_as_planted(&format!("the refused rename of {from:?} to {to:?} changed the tree"), backend).await?;
    }
    Ok(())
}

/// A rename to the same path succeeds and changes nothing.
pub async fn a_rename_to_itself_changes_nothing(backend: &dyn StorageBackend) -> Verdict {
    plant(backend).await?;
    for at in ["file", "full", "empty", "full/sub/deep"] {
        backend.rename(&path(at)?, &path(at)?).await?;
    }
    is_as_planted("a rename to the same path changed the tree", backend).await
}

/// A renamed directory takes along all that is in it, and leaves nothing.
pub async fn a_renamed_directory_takes_everything_along(backend: &dyn StorageBackend) -> Verdict {
    plant(backend).await?;
    // Siblings whose names start the same way, for engines that keep paths as text.
    for name in ["full-", "full.txt", "fullmoon", "ful"] {
        put(backend, name, name.as_bytes()).await?;
    }
    backend.rename(&path("full")?, &path("empty/moved")?).await?;
    absent("a renamed directory is still there", backend, "full").await?;
    absent("a file of a renamed directory is still there", backend, "full/inside").await?;
    lists("a renamed directory lost entries", backend, "empty/moved", &["inside", "sub"]).await?;
    holds("a file in a renamed directory changed", backend, "empty/moved/inside", b"inside").await?;
    holds("a file deep in a renamed directory changed", backend, "empty/moved/sub/deep", b"deep").await?;
    lists("a directory's rename touched its siblings", backend, "", &["empty", "file", "ful", "full-", "full.txt", "fullmoon"]).await?;
    for name in ["full-", "full.txt", "fullmoon", "ful"] {
        holds("a directory's rename touched its siblings", backend, name, name.as_bytes()).await?;
    }
    backend.create_dir(&path("full")?).await?;
    lists("a new directory under a renamed one's old name is not empty", backend, "full", &[]).await
}

/// A name that was removed and made again is a new, empty file.
pub async fn a_removed_name_made_again_is_empty(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", &pattern(1, 100_000)).await?;
    backend.remove_file(&path("file")?).await?;
    let file = backend.open(&path("file")?, &OpenOptions::new().read(true).write(true).create_new(true)).await?;
    same_bytes("a file made again has bytes of the removed one", &bytes_at(&*file, 0, 10).await?, b"")?;
    file.set_len(100_000).await?;
    same_bytes("a file made again grows into the removed one's bytes", &bytes_at(&*file, 0, 100_000).await?, &[0; 100_000])?;
    backend.remove_file(&path("file")?).await?;
    backend.create_dir(&path("file")?).await?;
    put(backend, "file/inside", b"1").await?;
    backend.remove_file(&path("file/inside")?).await?;
    backend.remove_dir(&path("file")?).await?;
    backend.create_dir(&path("file")?).await?;
    lists("a directory made again is not empty", backend, "file", &[]).await
}

/// A path that leads through a file is `NotADirectory`, and one whose directories are missing is `NotFound`, in every call.
pub async fn paths_that_lead_nowhere_are_told_apart(backend: &dyn StorageBackend) -> Verdict {
    plant(backend).await?;
    for (start, kind) in [("file", ErrorKind::NotADirectory), ("no", ErrorKind::NotFound), ("full/inside", ErrorKind::NotADirectory)] {
        for at in [path(&format!("{start}/below"))?, path(&format!("{start}/far/below"))?] {
            let promise = |call: &str| format!("{call} {at}");
            fails_with(&promise("open"), kind, backend.open(&at, &OpenOptions::reading()).await)?;
            fails_with(&promise("open to create"), kind, backend.open(&at, &OpenOptions::editing()).await)?;
            fails_with(&promise("stat"), kind, backend.stat(&at).await)?;
            fails_with(&promise("list"), kind, backend.list(&at, None, 10).await)?;
            fails_with(&promise("create_dir"), kind, backend.create_dir(&at).await)?;
            fails_with(&promise("remove_file"), kind, backend.remove_file(&at).await)?;
            fails_with(&promise("remove_dir"), kind, backend.remove_dir(&at).await)?;
            fails_with(&promise("read"), kind, backend.read(&at).await)?;
            fails_with(&promise("write"), kind, backend.write(&at, b"data").await)?;
            fails_with(&promise("rename from"), kind, backend.rename(&at, &path("new")?).await)?;
            fails_with(&promise("rename to"), kind, backend.rename(&path("full/sub")?, &at).await)?;
        }
    }
    is_as_planted("a call on a path that leads nowhere changed the tree", backend).await
}

/// A tree of forty levels holds a file at each.
pub async fn deep_trees_work(backend: &dyn StorageBackend) -> Verdict {
    let mut directory = path("")?;
    for level in 0..40_u64 {
        backend.write(&directory.join("file")?, &pattern(level, 10)).await?;
        directory = directory.join("down")?;
        backend.create_dir(&directory).await?;
    }
    let mut directory = path("")?;
    for level in 0..40 {
        same_bytes("a file deep in the tree has other bytes", &backend.read(&directory.join("file")?).await?, &pattern(level, 10))?;
        directory = directory.join("down")?;
    }
    Ok(())
}

/// A directory of many entries lists, opens and removes each of them.
pub async fn large_directories_work(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("many")?).await?;
    let all: Vec<String> = (0..600).map(|number| format!("{number:03}")).collect();
    for name in &all {
        put(backend, &format!("many/{name}"), name.as_bytes()).await?;
    }
    let expected: Vec<&str> = all.iter().map(String::as_str).collect();
    lists("a large directory lists other names", backend, "many", &expected).await?;
    let at_once = backend.list(&path("many")?, None, usize::MAX).await?;
    same("how many of 600 entries one large page has", &at_once.len(), &600)?;
    for name in all.iter().step_by(2) {
        backend.remove_file(&path(&format!("many/{name}"))?).await?;
    }
    let expected: Vec<&str> = all.iter().skip(1).step_by(2).map(String::as_str).collect();
    lists("a large directory lists other names after removals", backend, "many", &expected).await?;
    for name in expected {
        holds("a file in a large directory has other bytes", backend, &format!("many/{name}"), name.as_bytes()).await?;
    }
    Ok(())
}

/// Two files change places through a third name.
pub async fn two_files_change_places(backend: &dyn StorageBackend) -> Verdict {
    let (one, other, third) = (path("one")?, path("other")?, path("third")?);
    put(backend, "one", &pattern(1, 70_000)).await?;
    put(backend, "other", &pattern(2, 1000)).await?;
    for _ in 0..3 {
        backend.rename(&one, &third).await?;
        backend.rename(&other, &one).await?;
        backend.rename(&third, &other).await?;
    }
    holds("a file that changed places has other bytes", backend, "one", &pattern(2, 1000)).await?;
    holds("a file that changed places has other bytes", backend, "other", &pattern(1, 70_000)).await?;
    let left = names(backend, "").await?;
    if left == ["one", "other"] { Ok(()) } else { Err(Broken::promise(format!("changing places left the names {left:?}"))) }
}

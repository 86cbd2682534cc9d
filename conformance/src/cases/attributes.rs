//! Line 10, where `attributes` is declared: permissions, times and links are what was set, and nothing else.

use anystorage_api::{Attributes, ErrorKind, FileKind, Metadata, OpenOptions, Operation, StorageBackend, StoragePath, Timestamp};

use super::check::*;
use crate::case::Verdict;

/// Moments that show whether their nanoseconds and their sign are kept.
pub(crate) const ACCESSED: Timestamp = Timestamp::new(1_000_000_000, 123_456_789);
pub(crate) const MODIFIED: Timestamp = Timestamp::new(-86_400, 999_999_999);

/// Mode, time of the last read, time of the last change.
pub(crate) type Set = (Option<u32>, Option<Timestamp>, Option<Timestamp>);

/// Mode and times, without a link.
pub(crate) fn mode_and_times(mode: u32) -> Attributes {
    Attributes::new().mode(mode).accessed(ACCESSED).modified(MODIFIED)
}

fn of(metadata: &Metadata) -> Set {
    (metadata.mode, metadata.accessed, metadata.modified)
}

/// Breaks `promise` unless these are the mode and the times of what is there.
pub(crate) async fn has(promise: &str, backend: &dyn StorageBackend, at: &str, expected: Set) -> Verdict {
    same(&format!("{promise} ({at:?})"), &of(&backend.stat(&path(at)?).await?), &expected)
}

/// Sets attributes of what is there.
pub(crate) async fn set(backend: &dyn StorageBackend, at: &str, attributes: Attributes) -> Verdict {
    Ok(backend.set_attributes(&path(at)?, &attributes).await?)
}

/// Makes an empty file, and a link of it.
pub(crate) async fn link(backend: &dyn StorageBackend, at: &str, target: &str) -> Verdict {
    put(backend, at, b"").await?;
    set(backend, at, Attributes::new().link_target(target)).await
}

/// Breaks `promise` unless there is a link to `target`.
pub(crate) async fn is_link(promise: &str, backend: &dyn StorageBackend, at: &str, target: &str) -> Verdict {
    let found = backend.stat(&path(at)?).await?;
    same(&format!("{promise} ({at:?})"), &(found.kind, found.len, found.link_target.as_deref()), &(FileKind::Symlink, 0, Some(target)))
}

/// What is set is told by `stat` of the path and of every handle, of files, directories and the root.
pub async fn what_was_set_is_told(backend: &dyn StorageBackend) -> Verdict {
    let before = edit(backend, "file").await?;
    before.write_at(0, b"bytes").await?;
    backend.create_dir(&path("d")?).await?;
    for (at, mode) in [("file", 0o640), ("d", 0o7777), ("", 0)] {
        set(backend, at, mode_and_times(mode)).await?;
        has("attributes that were set", backend, at, (Some(mode), Some(ACCESSED), Some(MODIFIED))).await?;
    }
    let expected = (Some(0o640), Some(ACCESSED), Some(MODIFIED));
    let after = backend.open(&path("file")?, &OpenOptions::reading()).await?;
    same("attributes through a handle that was open before", &of(&before.stat().await?), &expected)?;
    same("attributes through a handle opened since", &of(&after.stat().await?), &expected)?;
    bytes_at(&*after, 0, 5).await?;
    same("attributes after a read", &of(&backend.stat(&path("file")?).await?), &expected)
}

/// Setting one thing leaves the others, the bytes and every other file as they are; setting nothing changes nothing.
pub async fn only_what_is_given_is_set(backend: &dyn StorageBackend) -> Verdict {
    for at in ["file", "other"] {
        put(backend, at, b"bytes").await?;
        set(backend, at, mode_and_times(0o600)).await?;
    }
    let later = Timestamp::new(2_000_000_000, 1);
    let steps: [(Attributes, Set); 4] = [
        (Attributes::new().mode(0o755), (Some(0o755), Some(ACCESSED), Some(MODIFIED))),
        (Attributes::new().accessed(later), (Some(0o755), Some(later), Some(MODIFIED))),
        (Attributes::new().modified(later), (Some(0o755), Some(later), Some(later))),
        (Attributes::new(), (Some(0o755), Some(later), Some(later))),
    ];
    for (given, expected) in steps {
        let promise = format!("attributes after {given:?} was set");
        set(backend, "file", given).await?;
        has(&promise, backend, "file", expected).await?;
    }
    has("another file's attributes", backend, "other", (Some(0o600), Some(ACCESSED), Some(MODIFIED))).await?;
    let found = backend.stat(&path("file")?).await?;
    same(
        "the kind, the length and the link of a file whose attributes were set",
        &(found.kind, found.len, found.link_target),
        &(FileKind::File, 5, None),
    )?;
    holds("setting attributes changed the file", backend, "file", b"bytes").await
}

/// What cannot be set is refused, with nothing set.
pub async fn bad_attributes_are_refused(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    put(backend, "file", b"bytes").await?;
    put(backend, "empty", b"").await?;
    let before = [backend.stat(&path("d")?).await?, backend.stat(&path("file")?).await?, backend.stat(&path("empty")?).await?];
    let link = |target: &str| Attributes::new().mode(0o700).accessed(ACCESSED).link_target(target);
    for (at, given) in [
        ("file", Attributes::new().accessed(ACCESSED).mode(Attributes::MAX_MODE + 1)),
        ("d", Attributes::new().accessed(ACCESSED).mode(u32::MAX)),
        ("file", link("target")),
        ("d", link("target")),
        ("", link("target")),
        ("empty", link("")),
        ("empty", link("nul\0")),
    ] {
        let promise = format!("setting {given:?} of {at:?}");
        let refused = backend.set_attributes(&path(at)?, &given).await;
        if let Err(error) = &refused {
            same("the operation an error names", &error.operation(), &Operation::SetAttributes)?;
            same("the path an error names", &error.path(), &Some(&path(at)?))?;
        }
        fails_with(&promise, ErrorKind::InvalidInput, refused)?;
    }
    for (at, before) in ["d", "file", "empty"].into_iter().zip(before) {
        same(&format!("attributes after they were refused ({at:?})"), &backend.stat(&path(at)?).await?, &before)?;
    }
    let mode = Attributes::new().mode(0o700);
    fails_with("setting attributes of what is missing", ErrorKind::NotFound, backend.set_attributes(&path("missing")?, &mode).await)?;
    absent("setting attributes created a file", backend, "missing").await?;
    fails_with("a path through a missing directory", ErrorKind::NotFound, backend.set_attributes(&path("no/file")?, &mode).await)?;
    fails_with("a path through a file", ErrorKind::NotADirectory, backend.set_attributes(&path("file/below")?, &mode).await)?;
    holds("refused attributes changed the file", backend, "file", b"bytes").await
}

/// A time of change that was set stays until the bytes change, and not longer.
pub async fn a_time_that_was_set_stays_until_the_next_change(backend: &dyn StorageBackend) -> Verdict {
    let stays = (None, None, Some(MODIFIED));
    backend.create_dir(&path("d")?).await?;
    for round in 0..3 {
        put(backend, "d/file", b"bytes").await?;
        set(backend, "d/file", Attributes::new().modified(MODIFIED)).await?;
        set(backend, "d", Attributes::new().modified(MODIFIED)).await?;
        let file = edit(backend, "d/file").await?;
        file.sync().await?;
        backend.sync().await?;
        bytes_at(&*file, 0, 5).await?;
        has("a time that was set, before any change", backend, "d/file", stays).await?;
        has("a directory's time that was set, after its file was opened", backend, "d", stays).await?;
        match round {
            0 => file.write_at(1, b"x").await?,
            1 => file.set_len(2).await?,
            _ => backend.write(&path("d/file")?, b"new").await?,
        }
        let now = backend.stat(&path("d/file")?).await?.modified;
        ensure!(now != Some(MODIFIED), "a time that was set by hand is still told after the bytes changed (round {round})");
    }
    put(backend, "d/new", b"").await?;
    let now = backend.stat(&path("d")?).await?.modified;
    ensure!(now != Some(MODIFIED), "a directory's time that was set by hand is still told after its entries changed");
    Ok(())
}

/// Attributes go where their file or directory goes, and a name that is given anew has none of them.
pub async fn attributes_follow_a_rename(backend: &dyn StorageBackend) -> Verdict {
    let all = |mode| (Some(mode), Some(ACCESSED), Some(MODIFIED));
    backend.create_dir(&path("d")?).await?;
    put(backend, "d/file", b"1").await?;
    put(backend, "over", b"2").await?;
    set(backend, "d/file", mode_and_times(0o640)).await?;
    set(backend, "over", mode_and_times(0o755)).await?;
    set(backend, "d", mode_and_times(0o711)).await?;
    backend.rename(&path("d")?, &path("e")?).await?;
    has("attributes of a renamed directory", backend, "e", all(0o711)).await?;
    has("attributes below a renamed directory", backend, "e/file", all(0o640)).await?;
    backend.rename(&path("e/file")?, &path("over")?).await?;
    has("attributes of a file renamed over another one", backend, "over", all(0o640)).await?;
    backend.create_dir(&path("d")?).await?;
    put(backend, "e/file", b"3").await?;
    for at in ["d", "e/file"] {
        let found = backend.stat(&path(at)?).await?;
        ensure!(
            found.mode != Some(0o711) && found.mode != Some(0o640) && found.accessed != Some(ACCESSED) && found.modified != Some(MODIFIED),
            "a new file or directory at {at:?} has attributes of the one that had its name"
        );
    }
    Ok(())
}

/// A mode stays whatever happens to the bytes: also when the whole file is written anew.
pub async fn a_mode_outlives_changes_of_the_bytes(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"bytes").await?;
    set(backend, "file", Attributes::new().mode(0o751)).await?;
    let keeps = async |change: &str| same(&format!("the mode after {change}"), &backend.stat(&path("file")?).await?.mode, &Some(0o751));
    let file = edit(backend, "file").await?;
    file.write_at(3, &pattern(1, 10_000)).await?;
    keeps("write_at").await?;
    file.set_len(2).await?;
    keeps("set_len").await?;
    put(backend, "file", b"cut").await?;
    keeps("an open that truncates").await?;
    backend.write(&path("file")?, &pattern(2, 10_000)).await?;
    keeps("a whole-file write").await?;
    holds("a whole-file write over a file with a mode", backend, "file", &pattern(2, 10_000)).await?;
    lists("a whole-file write over a file with a mode", backend, "", &["file"]).await
}

/// A link is told as one, with its target as it was given, and leads nowhere.
pub async fn a_link_is_told_and_never_followed(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    put(backend, "file", b"bytes").await?;
    let early = edit(backend, "link").await?;
    for (at, target) in [("link", "file"), ("d/up", "../file"), ("d/directory", "../d"), ("d/odd", "//\u{fe}not a path/..\\")] {
        link(backend, at, target).await?;
        is_link("a link", backend, at, target).await?;
    }
    for (directory, name) in [("", "link"), ("d", "directory"), ("d", "odd"), ("d", "up")] {
        let entries = backend.list(&path(directory)?, None, 100).await?;
        let kind = entries.iter().find(|entry| entry.name == name).map(|entry| entry.kind);
        same(&format!("the kind of the entry {name:?}"), &kind, &Some(FileKind::Symlink))?;
    }
    let refused = ErrorKind::InvalidInput;
    for at in ["link", "d/up", "d/directory", "d/odd"] {
        let at = path(at)?;
        let options = [OpenOptions::reading(), OpenOptions::editing(), OpenOptions::editing().truncate(true)];
        for options in options {
            fails_with(&format!("open of the link {at:?} with {options:?}"), refused, backend.open(&at, &options).await)?;
        }
        let new = OpenOptions::editing().create_new(true);
        fails_with(&format!("create_new where the link {at:?} is"), ErrorKind::AlreadyExists, backend.open(&at, &new).await)?;
        fails_with(&format!("read of the link {at:?}"), refused, backend.read(&at).await)?;
        fails_with(&format!("write to the link {at:?}"), refused, backend.write(&at, b"x").await)?;
    }
    let through = path("d/directory/up")?;
    fails_with("a path through a link", ErrorKind::NotADirectory, backend.stat(&through).await)?;
    fails_with("a list of a link", ErrorKind::NotADirectory, backend.list(&path("d/directory")?, None, 1).await)?;
    fails_with("write_at through a handle from before", refused, early.write_at(0, b"x").await)?;
    fails_with("set_len through a handle from before", refused, early.set_len(1).await)?;
    same("a read through a handle from before", &early.read_at(0, &mut [0; 10]).await?, &0)?;
    same("the kind through a handle from before", &early.stat().await?.kind, &FileKind::Symlink)?;
    is_link("a link after all that was refused", backend, "link", "file").await?;
    holds("what a link leads to", backend, "file", b"bytes").await
}

/// What is done to a link is done to the link itself.
pub async fn a_link_is_changed_renamed_and_removed_itself(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"bytes").await?;
    set(backend, "file", Attributes::new().mode(0o640)).await?;
    link(backend, "link", "file").await?;
    set(backend, "link", Attributes::new().mode(0o777)).await?;
    same("the mode of a link", &backend.stat(&path("link")?).await?.mode, &Some(0o777))?;
    same("the mode of what a link leads to", &backend.stat(&path("file")?).await?.mode, &Some(0o640))?;
    set(backend, "link", Attributes::new().link_target("nowhere")).await?;
    is_link("a link whose target was changed", backend, "link", "nowhere").await?;

    put(backend, "over", b"replaced").await?;
    set(backend, "link", Attributes::new().link_target("file")).await?;
    backend.rename(&path("link")?, &path("over")?).await?;
    is_link("a link renamed over a file", backend, "over", "file").await?;
    lists("a link was renamed over a file", backend, "", &["file", "over"]).await?;
    put(backend, "new", b"new").await?;
    backend.rename(&path("new")?, &path("over")?).await?;
    holds("a file renamed over a link", backend, "over", b"new").await?;
    holds("what a link leads to, after the link was replaced", backend, "file", b"bytes").await?;

    link(backend, "link", "file").await?;
    fails_with("remove_dir of a link", ErrorKind::NotADirectory, backend.remove_dir(&path("link")?).await)?;
    backend.remove_file(&path("link")?).await?;
    lists("a link was removed", backend, "", &["file", "over"]).await?;
    put(backend, "link", b"a file again").await?;
    let found = backend.stat(&path("link")?).await?;
    same("a file where a link was", &(found.kind, found.len, found.link_target), &(FileKind::File, 12, None))?;
    same("the kind of the root", &backend.stat(&StoragePath::root()).await?.kind, &FileKind::Directory)
}

//! Line 5 for directories: `list` gives every entry once, in byte order, in pages.

use anystorage_api::{ErrorKind, FileKind, StorageBackend};

use super::check::*;
use crate::case::Verdict;

/// Entries come in the byte order of their UTF-8 names: not by locale, not without case, not by UTF-16 units.
pub async fn names_come_in_byte_order(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    // The last two are in the other order by UTF-16 units, and the first ones in another by any locale.
    let ordered = [" ", "!", "-", "0", "10", "9", "A", "B", "Z", "_", "a", "a b", "aa", "b", "z", "~", "\u{e9}", "\u{ff61}", "\u{1f600}"];
    for name in ordered.iter().rev().step_by(2).chain(ordered.iter().rev().skip(1).step_by(2)) {
        put(backend, &format!("d/{name}"), b"").await?;
    }
    lists("entries are not in the byte order of their names", backend, "d", &ordered).await
}

/// Any `after` and any `limit` give the entries behind `after`, at most `limit` of them, and fewer only at the end.
pub async fn pages_are_cut_where_they_should_be(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    let all = ["b", "bb", "c", "d", "f", "f0"];
    for (number, name) in all.iter().enumerate() {
        if number % 2 == 0 {
            put(backend, &format!("d/{name}"), b"").await?;
        } else {
            backend.create_dir(&path(&format!("d/{name}"))?).await?;
        }
    }
    for after in
        [None, Some(""), Some("a"), Some("b"), Some("b\0"), Some("bb"), Some("e"), Some("f"), Some("f0"), Some("zz"), Some("\u{1f600}")]
    {
        for limit in [0, 1, 2, 3, 5, 6, 7, 1000, usize::MAX] {
            let page = backend.list(&path("d")?, after, limit).await?;
            let seen: Vec<&str> = page.iter().map(|entry| entry.name.as_str()).collect();
            let expected: Vec<&str> = all.iter().copied().filter(|name| after.is_none_or(|after| *name > after)).take(limit).collect();
            same(&format!("the page after {after:?} with limit {limit}"), &seen, &expected)?;
        }
    }
    Ok(())
}

/// Entries tell what they are, and can be opened by the names they tell.
pub async fn entries_tell_what_they_are(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("directory")?).await?;
    put(backend, "file", b"").await?;
    let entries = backend.list(&path("")?, None, 10).await?;
    let seen: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind, entry.addressable)).collect();
    same("entries", &seen, &vec![("directory", FileKind::Directory, true), ("file", FileKind::File, true)])
}

/// Only directories can be listed.
pub async fn only_directories_are_listed(backend: &dyn StorageBackend) -> Verdict {
    put(backend, "file", b"").await?;
    for limit in [0, 10] {
        fails_with("list a file", ErrorKind::NotADirectory, backend.list(&path("file")?, None, limit).await)?;
        fails_with("list what is missing", ErrorKind::NotFound, backend.list(&path("missing")?, None, limit).await)?;
    }
    backend.create_dir(&path("empty")?).await?;
    same("an empty directory has entries", &backend.list(&path("empty")?, None, 10).await?.len(), &0)
}

/// Entries that stay are seen exactly once while others are removed and made between pages.
pub async fn removals_between_pages_hide_nobody(backend: &dyn StorageBackend) -> Verdict {
    backend.create_dir(&path("d")?).await?;
    for number in 0..60 {
        put(backend, &format!("d/{number:02}"), b"").await?;
    }
    let mut seen: Vec<String> = Vec::new();
    loop {
        let page = backend.list(&path("d")?, seen.last().map(String::as_str), 7).await?;
        let full = page.len() == 7;
        for entry in page {
            // What was just listed goes, and so does what lies ahead and ends in 5; a new name comes behind the reader.
            if entry.name.ends_with('1') {
                backend.remove_file(&path(&format!("d/{}", entry.name))?).await?;
                put(backend, &format!("d/!{}", entry.name), b"").await?;
            }
            if let (Ok(number), true) = (entry.name.parse::<u32>(), entry.name.ends_with('4'))
                && !seen.iter().any(|name| *name == format!("{:02}", number + 1))
            {
                let ahead = path(&format!("d/{:02}", number + 1))?;
                if backend.stat(&ahead).await.is_ok() {
                    backend.remove_file(&ahead).await?;
                }
            }
            seen.push(entry.name);
        }
        if !full {
            break;
        }
    }
    for number in (0..60).filter(|number| number % 10 != 5) {
        let name = format!("{number:02}");
        let count = seen.iter().filter(|seen| **seen == name).count();
        ensure!(count == 1, "an entry that stayed was listed {count} times while others came and went: {name:?}");
    }
    Ok(())
}

/// A directory lists its own entries alone: not those of its subdirectories, not those of siblings whose names start the same way.
pub async fn a_directory_lists_its_own_entries_alone(backend: &dyn StorageBackend) -> Verdict {
    for directory in ["a", "a!", "a-b", "a.b", "ab", "a/a", "a/a/a"] {
        backend.create_dir(&path(directory)?).await?;
        put(backend, &format!("{directory}/in"), directory.as_bytes()).await?;
    }
    lists("the root", backend, "", &["a", "a!", "a-b", "a.b", "ab"]).await?;
    lists("a directory", backend, "a", &["a", "in"]).await?;
    lists("a directory", backend, "a/a", &["a", "in"]).await?;
    for directory in ["a!", "a-b", "a.b", "ab", "a/a/a"] {
        lists("a directory", backend, directory, &["in"]).await?;
        holds("a file of a sibling", backend, &format!("{directory}/in"), directory.as_bytes()).await?;
    }
    Ok(())
}

//! Line 10 for names: what a name says is what it is. No engine silently takes another one for it.

use anystorage_api::{ErrorKind, MAX_NAME_LEN, MAX_PATH_LEN, OpenOptions, StorageBackend, StoragePath};

use super::check::*;
use crate::case::{Broken, Verdict};

/// Makes a file of each name, each with its own bytes, and expects all of them under exactly these names.
async fn are_all_different(backend: &dyn StorageBackend, promise: &str, names: &[&str]) -> Verdict {
    backend.create_dir(&path("names")?).await?;
    for name in names {
        put(backend, &format!("names/{name}"), name.as_bytes()).await?;
    }
    let mut ordered = names.to_vec();
    ordered.sort_unstable();
    lists(promise, backend, "names", &ordered).await?;
    for name in names {
        holds(promise, backend, &format!("names/{name}"), name.as_bytes()).await?;
    }
    for name in names {
        backend.remove_file(&path(&format!("names/{name}"))?).await?;
        absent(promise, backend, &format!("names/{name}")).await?;
    }
    lists(promise, backend, "names", &[]).await
}

/// Names that differ in case are different.
pub async fn names_are_case_sensitive(backend: &dyn StorageBackend) -> Verdict {
    let names = ["a", "A", "readme", "README", "ReadMe", "\u{e9}", "\u{c9}", "\u{df}", "SS", "ss", "\u{131}", "i", "I"];
    are_all_different(backend, "names that differ in case are taken for one another", &names).await
}

/// Names that look the same and differ in their bytes are different.
pub async fn names_are_not_normalised(backend: &dyn StorageBackend) -> Verdict {
    let names =
        ["\u{e9}", "e\u{301}", "\u{212b}", "\u{c5}", "A\u{30a}", "\u{fb01}", "fi", "\u{1100}\u{1161}", "\u{ac00}", "a\u{200d}b", "ab"];
    are_all_different(backend, "names that differ in their bytes are taken for one another", &names).await
}

/// Names that some host cannot hold are held, or encoded where nobody sees it.
pub async fn odd_names_are_names(backend: &dyn StorageBackend) -> Verdict {
    let names = [
        "CON",
        "aux.txt",
        "nul",
        "COM1",
        "dot.",
        "dots...",
        "...",
        "..a",
        ".hidden",
        "space ",
        " space",
        " ",
        "back\\slash",
        "\\",
        "c:",
        "a:b",
        "*",
        "?",
        "<>|\"",
        "'",
        "$HOME",
        "~",
        "#1",
        "a&b=c",
        "50%",
        "%41",
        "%2F",
        "%",
        "+",
        ";",
        "new\nline",
        "tab\t",
        "\r",
        "\u{7f}",
        "\u{1}",
        "\u{1f600}",
        "\u{202e}abc",
        "\u{feff}bom",
        "\u{fffd}",
        "\u{10ffff}",
        "-rf",
        "--",
        "desktop.ini",
        "Thumbs.db",
        "__proto__",
        "constructor",
        "lock",
        "LOCK",
        "a.crswap",
        "index",
        "0",
    ];
    are_all_different(backend, "an odd name is not held as it is", &names).await
}

/// Names as long as the engine says work in every call; longer ones are refused in every call, with nothing touched.
pub async fn names_work_up_to_the_declared_length(backend: &dyn StorageBackend) -> Verdict {
    let longest = backend.capabilities().max_name_len;
    ensure!((1..=MAX_NAME_LEN).contains(&longest), "max_name_len is {longest}, and a name has 1 to {MAX_NAME_LEN} bytes");
    for letter in ["x", "\u{e9}", "\u{1f600}", "\\"] {
        let name = letter.repeat(longest / letter.len());
        backend.create_dir(&path(&name)?).await?;
        let inside = path(&name)?.join(&name)?;
        backend.write(&inside, b"1").await?;
        let moved = path(&name)?.join("short")?;
        backend.rename(&inside, &moved).await?;
        backend.rename(&moved, &inside).await?;
        same_bytes("a file with a long name has other bytes", &backend.read(&inside).await?, b"1")?;
        lists("a long name is listed otherwise", backend, &name, &[&name]).await?;
        backend.remove_file(&inside).await?;
        backend.remove_dir(&path(&name)?).await?;
    }
    if longest < MAX_NAME_LEN {
        put(backend, "file", b"bytes").await?;
        let long = path(&"x".repeat(longest + 1))?;
        refused(backend, &long).await?;
        refused(backend, &long.join("below")?).await?;
        lists("a refused name touched something", backend, "", &["file"]).await?;
    }
    Ok(())
}

async fn refused(backend: &dyn StorageBackend, long: &StoragePath) -> Verdict {
    let invalid = ErrorKind::InvalidPath;
    fails_with("open with a name that is too long", invalid, backend.open(long, &OpenOptions::editing()).await)?;
    fails_with("stat with a name that is too long", invalid, backend.stat(long).await)?;
    fails_with("list with a name that is too long", invalid, backend.list(long, None, 10).await)?;
    fails_with("create_dir with a name that is too long", invalid, backend.create_dir(long).await)?;
    fails_with("remove_file with a name that is too long", invalid, backend.remove_file(long).await)?;
    fails_with("remove_dir with a name that is too long", invalid, backend.remove_dir(long).await)?;
    fails_with("rename to a name that is too long", invalid, backend.rename(&path("file")?, long).await)?;
    fails_with("read with a name that is too long", invalid, backend.read(long).await)?;
    fails_with("write with a name that is too long", invalid, backend.write(long, b"new").await)
}

/// The longest path that can be written down works, or is refused before anything is touched.
pub async fn the_longest_path_works_or_is_refused(backend: &dyn StorageBackend) -> Verdict {
    // Parts of 99 bytes and their separators, and a last part that fills the path up to its limit.
    let mut directory = StoragePath::root();
    while directory.as_str().len() + 200 < MAX_PATH_LEN {
        let next = directory.join(&"d".repeat(99))?;
        match backend.create_dir(&next).await {
            Ok(()) => directory = next,
            Err(error) if error.kind() == ErrorKind::InvalidPath => {
                return lists("a refused path touched something", backend, directory.as_str(), &[]).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let name = "f".repeat(MAX_PATH_LEN - directory.as_str().len() - 1);
    let longest = directory.join(&name)?;
    same("the case's path is not the longest one", &longest.as_str().len(), &MAX_PATH_LEN)?;
    match backend.write(&longest, b"at the end").await {
        Ok(()) => {
            same_bytes("the longest path leads to other bytes", &backend.read(&longest).await?, b"at the end")?;
            lists("the longest path is listed otherwise", backend, directory.as_str(), &[&name]).await?;
            Ok(backend.remove_file(&longest).await?)
        }
        Err(error) if error.kind() == ErrorKind::InvalidPath => {
            lists("a refused path touched something", backend, directory.as_str(), &[]).await
        }
        Err(error) => Err(Broken::from(error).in_context("a path of 4096 bytes neither works nor is refused as too long")),
    }
}

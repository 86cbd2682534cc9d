//! What a URL may say, and what the error tells about one that may not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use anystorage::{ByteSize, ErrorKind, FilesMode, Location, StorageUrl};

#[test]
fn memory_takes_a_limit() {
    for (url, expected) in [("memory:", None), ("memory:?limit=64MiB", Some(64 << 20)), ("MEMORY:?limit=4096", Some(4096))] {
        let parsed = StorageUrl::parse(url).unwrap();
        assert!(matches!(parsed.location(), Location::Memory { limit, .. } if limit.map(ByteSize::bytes) == expected), "{url}");
    }
}

#[test]
fn file_urls_name_a_directory_byte_for_byte() {
    for (url, directory) in [
        ("file:///srv/notes", "/srv/notes"),
        ("FILE:///srv/notes/", "/srv/notes/"),
        ("file://localhost/srv/notes", "/srv/notes"),
        ("file:///srv/my%20notes", "/srv/my notes"),
        ("file:///srv/my notes", "/srv/my notes"),
        ("file:///srv/a%23b%3Fc%25d%5Ce", "/srv/a#b?c%d\\e"),
        ("file:///srv/%F0%9F%98%80/\u{1f600}", "/srv/\u{1f600}/\u{1f600}"),
        ("file:///C|/x:", "/C|/x:"),
        ("file:///", "/"),
    ] {
        let parsed = StorageUrl::parse(url).unwrap();
        let Location::Files { root, mode, .. } = parsed.location() else { panic!("{url}") };
        assert_eq!(root, Path::new(directory), "{url}");
        assert_eq!(*mode, FilesMode::ReadWriteCreate, "{url}");
    }
}

#[test]
fn the_mode_says_what_may_be_changed_and_created() {
    use FilesMode::{ReadOnly, ReadWrite, ReadWriteCreate};
    for (url, expected, existing) in [
        ("file:///a?mode=ro", ReadOnly, "file:///a?mode=ro"),
        ("file:///a?mode=rw", ReadWrite, "file:///a?mode=rw"),
        ("file:///a?mode=rwc", ReadWriteCreate, "file:///a?mode=rwc"),
        ("file:///a", ReadWriteCreate, "file:///a?mode=rw"),
        ("file:///a?", ReadWriteCreate, "file:///a?mode=rw"),
    ] {
        let parsed = StorageUrl::parse(url).unwrap();
        assert!(matches!(parsed.location(), Location::Files { mode, .. } if *mode == expected), "{url}");
        assert_eq!(parsed.is_read_only(), expected == ReadOnly, "{url}");
        assert_eq!(parsed.existing(), StorageUrl::parse(existing).unwrap(), "{url}");
    }
    assert_eq!(StorageUrl::parse("memory:").unwrap().existing().as_str(), "memory:");
    let read_only = StorageUrl::parse("file:///a?mode=rw").unwrap().read_only();
    assert_eq!(read_only, StorageUrl::parse("file:///a?mode=ro").unwrap());
}

#[cfg(unix)]
#[test]
fn every_directory_has_a_url_that_leads_back_to_it() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    for bytes in
        [&b"/srv/a b#c?d%e\\f\"g"[..], b"/\xff\xfe/x", b"/tab\there/line\nbreak", b"/a|/b:", b"/C|/x", "/\u{e9}\u{1f600}".as_bytes()]
    {
        let directory = Path::new(OsStr::from_bytes(bytes));
        let url = StorageUrl::directory(directory).unwrap();
        let again = StorageUrl::parse(url.as_str()).unwrap();
        assert!(matches!(again.location(), Location::Files { root, .. } if root == directory), "{url}");
    }
    assert_eq!(StorageUrl::directory(Path::new("srv/notes")).unwrap_err().kind(), ErrorKind::InvalidPath);
}

#[test]
fn errors_name_the_part_that_is_wrong() {
    use ErrorKind::{InvalidInput, InvalidPath, Unsupported};
    for (url, kind, named) in [
        ("", InvalidPath, "no scheme"),
        ("/srv/notes", InvalidPath, "no scheme"),
        ("notes", InvalidPath, "no scheme"),
        ("file:notes", InvalidPath, "relative"),
        ("file:/srv/notes", InvalidPath, "two slashes are missing: write file:///srv/notes"),
        ("file://", InvalidPath, "no directory"),
        ("file://host/srv", InvalidPath, "\"host\""),
        ("file://srv", InvalidPath, "\"srv\""),
        ("file:///srv/../etc", InvalidPath, "\"..\""),
        ("file:///srv/%2e%2E/etc", InvalidPath, "\"..\""),
        ("file:///srv/./etc", InvalidPath, "\".\""),
        ("file:///srv/a\\b", InvalidPath, "%5C"),
        ("file:///srv/a\tb", InvalidPath, "%09"),
        (" file:///srv", InvalidPath, "space"),
        ("file:///srv/a%00b", InvalidPath, "NUL"),
        ("file:///srv/a\0b", InvalidPath, "NUL"),
        ("file:///srv/100%", InvalidPath, "%25"),
        ("file:////srv//notes", InvalidPath, "would be read as"),
        ("file:///srv#part", InvalidPath, "fragment"),
        ("file:///srv?mod=ro", InvalidInput, "\"mod\""),
        ("file:///srv?mode=ro&mode=rw", InvalidInput, "twice"),
        ("file:///srv?mode=readonly", InvalidInput, "\"readonly\""),
        ("file:///srv?limit=1MiB", InvalidInput, "takes mode"),
        ("memory:?limit=", InvalidInput, "\"\" is not a size"),
        ("memory:?limit=64MB", InvalidInput, "\"64MB\""),
        ("memory:?limit=-1", InvalidInput, "\"-1\""),
        ("memory:?limit=17179869184GiB", InvalidInput, "16 EiB"),
        ("memory:?limit=1&limit=1", InvalidInput, "twice"),
        ("memory:notes", InvalidPath, "no path"),
        ("memory://notes", InvalidPath, "no path"),
        ("memory:///notes", InvalidPath, "no path"),
        ("opfs://notes", Unsupported, "\"opfs\""),
        ("https://example.org/", Unsupported, "memory: and file:"),
    ] {
        let error = StorageUrl::parse(url).unwrap_err();
        assert_eq!(error.kind(), kind, "{url:?}: {error}");
        assert!(error.to_string().contains(named), "{url:?} should name {named:?}: {error}");
    }
}

/// Errors end up in logs, and a password that was put into a URL by mistake would be there for everyone to read.
#[test]
fn a_secret_is_refused_and_not_repeated() {
    for url in [
        "file://ada:hunter2@host/srv",
        "opfs://hunter2@notes",
        "memory://ada:hunter2@",
        "sftp://ada:hunter2@host:99999/x",
        "x://a:hunter2@h#f",
    ] {
        let error = StorageUrl::parse(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{url}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("no secrets") && !text.contains("hunter2"), "{text}");
    }
}

//! What a URL may say, and what the error tells about one that may not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use anystorage::{ByteSize, ErrorKind, FilesMode, Location, StorageUrl, StoreMode, StoreOptions};

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

/// The path and the options of a store.
fn store(url: &StorageUrl) -> (&Path, StoreOptions) {
    match url.location() {
        Location::Sled { directory, options, .. } => (directory, *options),
        Location::Redb { file, options, .. } => (file, *options),
        other => panic!("{other:?}"),
    }
}

#[test]
fn stores_take_a_mode_a_block_and_a_cache() {
    for scheme in ["sled", "redb"] {
        for (rest, path, mode, block, cache) in [
            ("///srv/notes", "/srv/notes", StoreMode::ReadWriteCreate, None, None),
            ("///srv/my%20notes?mode=rwc", "/srv/my notes", StoreMode::ReadWriteCreate, None, None),
            ("///srv/my notes?mode=rw&block=64", "/srv/my notes", StoreMode::ReadWrite, Some(64), None),
            (
                "///srv/a%23b%3Fc%25d%5Ce?block=1MiB&cache=32MiB",
                "/srv/a#b?c%d\\e",
                StoreMode::ReadWriteCreate,
                Some(1 << 20),
                Some(32 << 20),
            ),
            ("///C|/x:\u{1f600}?cache=4096", "/C|/x:\u{1f600}", StoreMode::ReadWriteCreate, None, Some(4096)),
        ] {
            let url = StorageUrl::parse(&format!("{scheme}:{rest}")).unwrap();
            let (found, options) = store(&url);
            let sizes = (options.block.map(ByteSize::bytes), options.cache.map(ByteSize::bytes));
            assert_eq!((found, options.mode, sizes), (Path::new(path), mode, (block, cache)), "{url}");
            assert_eq!((url.engine().scheme, url.host_path()), (scheme, Some(Path::new(path))));
            assert!(!url.is_read_only(), "{url}");
            assert_eq!(StorageUrl::parse(url.as_str()).unwrap(), url, "what is shown can be read back");
        }
    }
}

#[test]
fn locations_of_an_origin_have_a_name() {
    use anystorage::{OpfsIo, OpfsLayout};
    for (rest, name) in [("notes", "notes"), ("Notes/2026", "Notes/2026"), ("my%20notes%3F", "my notes?"), ("%F0%9F%98%80", "\u{1f600}")] {
        let url = StorageUrl::parse(&format!("opfs://{rest}")).unwrap();
        let Location::Opfs { name: found, options, .. } = url.location() else { panic!("{url}") };
        assert_eq!((found.as_str(), options.layout, options.io), (name, None, OpfsIo::Handle), "{url}");
        assert_eq!((options.mode, url.engine().scheme, url.host_path()), (StoreMode::ReadWriteCreate, "opfs", None), "{url}");
        assert_eq!(StorageUrl::parse(url.as_str()).unwrap(), url, "what is shown can be read back");

        let url = StorageUrl::parse(&format!("idb://{rest}?block=16KiB&mode=rw")).unwrap();
        let Location::Idb { name: found, options, .. } = url.location() else { panic!("{url}") };
        assert_eq!((found.as_str(), options.mode, options.cache), (name, StoreMode::ReadWrite, None), "{url}");
        assert_eq!((options.block.map(ByteSize::bytes), url.engine().scheme), (Some(16 << 10), "idb"), "{url}");
    }
    for (value, layout) in [("tree", OpfsLayout::Tree), ("packed", OpfsLayout::Packed), ("pool", OpfsLayout::Pool)] {
        let url = StorageUrl::parse(&format!("opfs://notes?layout={value}")).unwrap();
        assert!(matches!(url.location(), Location::Opfs { options, .. } if options.layout == Some(layout)), "{url}");
    }
    let url = StorageUrl::parse("opfs://notes?layout=packed&block=4KiB&cache=1MiB").unwrap();
    let Location::Opfs { options, .. } = url.location() else { panic!("{url}") };
    assert_eq!((options.block.map(ByteSize::bytes), options.cache.map(ByteSize::bytes)), (Some(4 << 10), Some(1 << 20)));
    let url = StorageUrl::parse("opfs://shop?layout=pool&capacity=32").unwrap();
    assert!(matches!(url.location(), Location::Opfs { options, .. } if options.capacity == Some(32)), "{url}");
    let url = StorageUrl::parse("opfs://notes?layout=tree").unwrap();
    assert_eq!(url.existing().as_str(), "opfs://notes?layout=tree&mode=rw");

    for (value, io) in [("handle", OpfsIo::Handle), ("stream", OpfsIo::Stream)] {
        let url = StorageUrl::parse(&format!("opfs://notes?io={value}")).unwrap();
        assert!(matches!(url.location(), Location::Opfs { options, .. } if options.io == io), "{url}");
    }
    assert_eq!(url.read_only(), url.existing());
    let url = StorageUrl::parse("opfs://notes?worker_url=/scripts/opfs%20worker.js").unwrap();
    assert!(
        matches!(url.location(), Location::Opfs { options, .. } if options.worker_url.as_deref() == Some("/scripts/opfs worker.js")),
        "{url}"
    );
}

/// A URL put into another mode lost its other parameters.
#[test]
fn the_other_parameters_stay_when_the_mode_changes() {
    for (url, existing, looked_at) in [
        ("redb:///a", "redb:///a?mode=rw", "redb:///a?mode=rw"),
        ("redb:///a?", "redb:///a?mode=rw", "redb:///a?mode=rw"),
        ("redb:///a?block=4KiB", "redb:///a?block=4KiB&mode=rw", "redb:///a?block=4KiB&mode=rw"),
        ("sled:///a?block=4KiB&cache=1MiB", "sled:///a?block=4KiB&cache=1MiB&mode=rw", "sled:///a?block=4KiB&cache=1MiB&mode=rw"),
        ("sled:///a?mode=rwc&cache=1MiB", "sled:///a?mode=rwc&cache=1MiB", "sled:///a?cache=1MiB&mode=rw"),
        ("sled:///a?m%6fde=rwc&cache=1MiB", "sled:///a?m%6fde=rwc&cache=1MiB", "sled:///a?cache=1MiB&mode=rw"),
        ("sled:///a%3Fb?&block=64&", "sled:///a%3Fb?block=64&mode=rw", "sled:///a%3Fb?block=64&mode=rw"),
        ("file:///a?mode=rwc", "file:///a?mode=rwc", "file:///a?mode=ro"),
        ("memory:?limit=1MiB", "memory:?limit=1MiB", "memory:?limit=1MiB"),
    ] {
        let parsed = StorageUrl::parse(url).unwrap();
        for (changed, expected) in [(parsed.existing(), existing), (parsed.read_only(), looked_at)] {
            assert_eq!(changed.as_str(), expected, "{url}");
            assert_eq!(changed, StorageUrl::parse(expected).unwrap(), "{url}");
        }
    }
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
        for scheme in ["file", "sled", "redb"] {
            let url = StorageUrl::on_host(scheme, directory).unwrap();
            assert_eq!((url.host_path(), url.engine().scheme), (Some(directory), scheme), "{url}");
        }
    }
    assert_eq!(StorageUrl::directory(Path::new("srv/notes")).unwrap_err().kind(), ErrorKind::InvalidPath);
    assert_eq!(StorageUrl::on_host("memory", Path::new("/srv/notes")).unwrap_err().kind(), ErrorKind::InvalidPath);
    assert_eq!(StorageUrl::on_host("opfs", Path::new("/srv/notes")).unwrap_err().kind(), ErrorKind::InvalidPath);
    assert_eq!(StorageUrl::on_host("s3", Path::new("/srv/notes")).unwrap_err().kind(), ErrorKind::Unsupported);
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
        ("s3://notes", Unsupported, "\"s3\""),
        ("https://example.org/", Unsupported, "there are memory:, file:, sled:, redb:, opfs: and idb:"),
        ("opfs:notes", InvalidPath, "two slashes are missing: write opfs://notes"),
        ("idb:/notes", InvalidPath, "two slashes are missing: write idb://notes"),
        ("opfs://", InvalidPath, "no location: write opfs://name"),
        ("idb://?mode=rw", InvalidPath, "no location"),
        ("opfs:///notes", InvalidPath, "a slash too many: a location of the origin is written opfs://notes"),
        ("opfs://a/../b", InvalidPath, "\"a/../b\""),
        ("opfs://a//b", InvalidPath, "\"a//b\""),
        ("idb://notes/", InvalidPath, "\"notes/\""),
        ("idb://a%00b", InvalidPath, "NUL"),
        ("idb://%ff", InvalidPath, "UTF-8"),
        ("opfs://a\\b", InvalidPath, "%5C"),
        ("opfs://my notes", InvalidPath, "%20"),
        ("idb://a:b", InvalidPath, "%3A"),
        ("opfs://notes#part", InvalidPath, "fragment"),
        ("opfs://notes?mode=ro", InvalidInput, "takes the lock"),
        ("opfs://notes?layout=flat", InvalidInput, "tree"),
        ("opfs://notes?io=async", InvalidInput, "handle"),
        ("opfs://notes?blocks=4KiB", InvalidInput, "opfs: takes mode, layout, io, block, cache, capacity, worker_url"),
        ("opfs://notes?worker_url=", InvalidInput, "the URL of a script"),
        ("opfs://notes?io=stream&worker_url=/w.js", InvalidInput, "io=stream has none"),
        ("opfs://notes?block=4KiB", InvalidInput, "for layout=packed"),
        ("opfs://notes?layout=tree&cache=4MiB", InvalidInput, "for layout=packed"),
        ("opfs://notes?layout=packed&io=stream", InvalidInput, "layout=packed takes synchronous handles, and has no io=stream"),
        ("opfs://notes?layout=pool&io=stream", InvalidInput, "layout=pool takes synchronous handles, and has no io=stream"),
        ("opfs://notes?layout=pool&worker_url=/w.js", InvalidInput, "starts none"),
        ("opfs://notes?layout=pool&capacity=0", InvalidInput, "from 1 to 10000"),
        ("opfs://notes?layout=packed&capacity=3", InvalidInput, "capacity is for layout=pool"),
        ("idb://notes?io=sync", InvalidInput, "idb: takes mode, block, cache"),
        ("idb://notes?block=3", InvalidInput, "a block has from 64"),
        ("redb:notes", InvalidPath, "the file is relative: write redb:///absolute/file"),
        ("sled:notes", InvalidPath, "the directory is relative: write sled:///absolute/directory"),
        ("redb:/srv/notes", InvalidPath, "two slashes are missing: write redb:///srv/notes"),
        ("redb:", InvalidPath, "relative"),
        ("redb://", InvalidPath, "no file"),
        ("sled://?mode=rw", InvalidPath, "no directory"),
        ("redb://notes", InvalidPath, "\"notes\""),
        ("redb://localhost/srv/notes", InvalidPath, "three slashes, redb:///localhost/srv/notes"),
        ("sled:///srv/../etc", InvalidPath, "\"..\""),
        ("redb:///srv/%2e%2E/etc", InvalidPath, "\"..\""),
        ("redb:///srv/a\\b", InvalidPath, "%5C"),
        ("redb:///srv/a\tb", InvalidPath, "%09"),
        ("redb:///srv/a%00b", InvalidPath, "NUL"),
        ("redb:///srv/100%", InvalidPath, "%25"),
        ("redb:///srv/notes/", InvalidPath, "a file, and not a directory"),
        ("redb:///", InvalidPath, "a file, and not a directory"),
        ("redb:///srv#part", InvalidPath, "fragment"),
        ("redb:////srv/notes", InvalidPath, "a slash too many: write redb:///srv/notes"),
        ("redb:///srv?mode=ro", InvalidInput, "takes the lock"),
        ("sled:///srv?mode=ro", InvalidInput, "write rw"),
        ("sled:///srv?mode=create", InvalidInput, "rw (the location must exist) or rwc"),
        ("sled:///srv?mode=rw&mode=rw", InvalidInput, "twice"),
        ("redb:///srv?limit=1MiB", InvalidInput, "redb: takes mode, block, cache"),
        ("redb:///srv?block=3", InvalidInput, "a block has from 64 to 1048576 bytes"),
        ("redb:///srv?block=63", InvalidInput, "\"63\""),
        ("sled:///srv?block=1025KiB", InvalidInput, "\"1025KiB\""),
        ("sled:///srv?block=lots", InvalidInput, "\"lots\" is not a size"),
        ("sled:///srv?cache=", InvalidInput, "\"\" is not a size"),
        ("sled:///srv?cache=16777215TiB", InvalidInput, "more than this machine can address"),
        ("file:///srv?block=4KiB", InvalidInput, "file: takes mode"),
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
        "redb://ada:hunter2@host/srv",
        "sftp://ada:hunter2@host:99999/x",
        "x://a:hunter2@h#f",
    ] {
        let error = StorageUrl::parse(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPath, "{url}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("no secrets") && !text.contains("hunter2"), "{text}");
    }
}

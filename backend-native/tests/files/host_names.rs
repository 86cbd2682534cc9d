//! What other programs put below the root, and what the engine's own names mean.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use anystorage_api::{ErrorKind, FileKind, MAX_PATH_LEN, OpenOptions, StorageBackend};
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;

use crate::support::{path, refused};

const LEFTOVER: &str = ".anystorage-~0123456789abcdef";

#[test]
fn names_are_the_same_on_the_host() {
    let root = tempfile::tempdir().unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    let names =
        ["a b", "it's", "\"quoted\"", "\u{1f980}", "back\\slash", "new\nline", "-rf", "CON", "e\u{301}", "\u{e9}", " ", "~", ".hidden"];
    block_on(async {
        for name in names {
            backend.write(&path(name), name.as_bytes()).await.unwrap();
            assert_eq!(fs::read(root.path().join(name)).unwrap(), name.as_bytes());
        }
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        let listed: Vec<String> = backend.list(&path(""), None, 100).await.unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(listed, sorted);
    });
}

/// A pipe without a writer holds up whoever opens it the usual way, for ever.
#[test]
fn pipes_and_sockets_are_listed_and_never_opened() {
    let root = tempfile::tempdir().unwrap();
    assert!(Command::new("mkfifo").arg(root.path().join("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    block_on(async {
        for name in ["pipe", "socket"] {
            let at = path(name);
            for options in [OpenOptions::reading(), OpenOptions::editing(), OpenOptions::new().write(true).truncate(true)] {
                let error = backend.open(&at, &options).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
                assert!(error.to_string().contains("pipe"), "{error}");
            }
            assert_eq!(refused(backend.read(&at).await), ErrorKind::Unsupported);
            assert_eq!(refused(backend.write(&at, b"x").await), ErrorKind::Unsupported);
            assert_eq!(backend.stat(&at).await.unwrap().kind, FileKind::Other);
        }
        let kinds: Vec<FileKind> = backend.list(&path(""), None, 10).await.unwrap().into_iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [FileKind::Other, FileKind::Other]);
        backend.remove_file(&path("pipe")).await.unwrap();
    });
}

#[test]
fn names_that_are_not_utf8_are_listed_and_said_to_be_out_of_reach() {
    let root = tempfile::tempdir().unwrap();
    for name in [&b"caf\xe9"[..], b"caf\xe8", b"plain"] {
        fs::write(root.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    let backend = FilesBackend::open(root.path()).unwrap();
    block_on(async {
        let mut names = Vec::new();
        // One by one, so that every entry's name is what the next page continues behind.
        while let [entry] = &backend.list(&path(""), names.last().map(|(name, _): &(String, bool)| name.as_str()), 1).await.unwrap()[..] {
            names.push((entry.name.clone(), entry.addressable));
        }
        let addressable: Vec<bool> = names.iter().map(|(_, addressable)| *addressable).collect();
        assert_eq!(addressable, [false, false, true], "{names:?}");
        assert!(names.iter().all(|(name, _)| name.starts_with("caf") || name == "plain"), "{names:?}");
        assert_eq!(refused(backend.remove_dir(&path("")).await), ErrorKind::InvalidInput);
    });
}

#[test]
fn leftovers_of_a_killed_write_are_never_seen_and_go_when_met() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("d")).unwrap();
    for directory in ["", "d"] {
        fs::write(root.path().join(directory).join(LEFTOVER), b"half a fi").unwrap();
    }
    let backend = FilesBackend::open(root.path()).unwrap();
    block_on(async {
        assert_eq!(backend.list(&path(""), None, 10).await.unwrap().len(), 1);
        assert!(!root.path().join(LEFTOVER).exists());
        assert_eq!(refused(backend.stat(&path(&format!("d/{LEFTOVER}"))).await), ErrorKind::NotFound);
        backend.remove_dir(&path("d")).await.unwrap();
        assert!(!root.path().join("d").exists());
    });
}

#[test]
fn a_directory_with_something_beside_leftovers_is_not_empty_and_not_touched() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("d")).unwrap();
    fs::write(root.path().join("d").join(LEFTOVER), b"").unwrap();
    fs::write(root.path().join("d").join(OsStr::from_bytes(b"\xff")), b"theirs").unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    assert_eq!(refused(block_on(backend.remove_dir(&path("d")))), ErrorKind::DirectoryNotEmpty);
    assert_eq!(fs::read_dir(root.path().join("d")).unwrap().count(), 2);
}

#[test]
fn a_users_file_may_have_a_name_like_ours() {
    let root = tempfile::tempdir().unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    let longer = LEFTOVER.replacen('~', "~~~", 1);
    block_on(async {
        for name in [LEFTOVER, &longer] {
            backend.create_dir(&path("d")).await.unwrap();
            let at = path(&format!("d/{name}"));
            backend.write(&at, name.as_bytes()).await.unwrap();
            assert_eq!(backend.read(&at).await.unwrap(), name.as_bytes());
            let listed = backend.list(&path("d"), None, 10).await.unwrap();
            assert_eq!(listed.len(), 1);
            assert_eq!(listed[0].name, name);
            assert_eq!(refused(backend.remove_dir(&path("d")).await), ErrorKind::DirectoryNotEmpty);
            let file = backend.open(&at, &OpenOptions::reading()).await.unwrap();
            let error = file.write_at(0, b"x").await.unwrap_err();
            assert_eq!(error.path(), Some(&at));
            backend.rename(&at, &path("d/plain")).await.unwrap();
            backend.remove_file(&path("d/plain")).await.unwrap();
            backend.remove_dir(&path("d")).await.unwrap();
        }
        let full = format!(".anystorage-~{}0123456789abcdef", "~".repeat(255 - 29));
        assert_eq!(refused(backend.write(&path(&full), b"").await), ErrorKind::InvalidPath);
    });
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn the_longest_path_works() {
    let root = tempfile::tempdir().unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    block_on(async {
        let mut directory = path("");
        for level in 0..15_u8 {
            directory = directory.join(&char::from(b'a' + level).to_string().repeat(255)).unwrap();
            backend.create_dir(&directory).await.unwrap();
        }
        directory = directory.join("x").unwrap();
        backend.create_dir(&directory).await.unwrap();
        let file = directory.join(&"f".repeat(MAX_PATH_LEN - directory.as_str().len() - 1)).unwrap();
        assert_eq!(file.as_str().len(), MAX_PATH_LEN);
        backend.write(&file, b"deep").await.unwrap();
        backend.write(&file, b"deeper").await.unwrap();
        assert_eq!(backend.read(&file).await.unwrap(), b"deeper");
        assert_eq!(backend.stat(&file).await.unwrap().len, 6);
        let handle = backend.open(&file, &OpenOptions::editing()).await.unwrap();
        handle.write_at(0, b"DEEPER").await.unwrap();
        handle.sync().await.unwrap();
        let other = directory.join("g").unwrap();
        backend.rename(&file, &other).await.unwrap();
        assert_eq!(backend.list(&directory, None, 10).await.unwrap().len(), 1);
        backend.rename(&other, &file).await.unwrap();
        backend.sync().await.unwrap();
        backend.remove_file(&file).await.unwrap();
        while !directory.is_root() {
            backend.remove_dir(&directory).await.unwrap();
            directory = directory.parent().unwrap();
        }
    });
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn replacing_a_file_keeps_its_permission_bits() {
    let root = tempfile::tempdir().unwrap();
    let backend = FilesBackend::open(root.path()).unwrap();
    block_on(async {
        for mode in [0o600, 0o640, 0o755, 0o444] {
            backend.write(&path("f"), b"old").await.unwrap();
            fs::set_permissions(root.path().join("f"), fs::Permissions::from_mode(mode)).unwrap();
            backend.write(&path("f"), b"new").await.unwrap();
            assert_eq!(fs::metadata(root.path().join("f")).unwrap().permissions().mode() & 0o7777, mode);
        }
    });
}

#[test]
fn a_large_directory_is_read_once_for_all_its_pages() {
    const FILES: usize = 3000;
    let root = tempfile::tempdir().unwrap();
    for number in 0..FILES {
        fs::write(root.path().join(format!("{number:05}")), b"").unwrap();
    }
    let backend = FilesBackend::open(root.path()).unwrap();
    block_on(async {
        let mut seen = Vec::new();
        loop {
            let page = backend.list(&path(""), seen.last().map(String::as_str), 100).await.unwrap();
            let last = page.len() < 100;
            seen.extend(page.into_iter().map(|entry| entry.name));
            if last {
                break;
            }
            // Somebody else's file: had the directory been read again, it would be seen.
            fs::write(root.path().join("99999"), b"").unwrap();
        }
        assert_eq!(seen.len(), FILES);
        // The engine's own changes are seen by the next page.
        let first = backend.list(&path(""), None, 10).await.unwrap();
        backend.write(&path("00009a"), b"").await.unwrap();
        let second = backend.list(&path(""), first.last().map(|entry| entry.name.as_str()), 1).await.unwrap();
        assert_eq!(second[0].name, "00009a");
    });
}

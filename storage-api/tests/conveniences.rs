//! `StorageBackendExt`, over memory and over a host with links and odd names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod host;

use anystorage_api::{ErrorKind, FileKind, OpenOptions, Operation, StorageBackend, StorageBackendExt, StoragePath};
use anystorage_memory::MemoryBackend;
use futures_lite::future::block_on;
use host::Host;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

async fn fill(storage: &dyn StorageBackend, files: &[&str]) {
    for file in files {
        storage.create_dir_all(&path(file).parent().unwrap()).await.unwrap();
        storage.write(&path(file), file.as_bytes()).await.unwrap();
    }
}

async fn walked(storage: &dyn StorageBackend, directory: &str) -> Vec<String> {
    let mut walk = storage.walk(&path(directory));
    let mut seen = Vec::new();
    while let Some(entry) = walk.next().await.unwrap() {
        seen.push(entry.path.map_or_else(|| format!("{}/? {}", entry.directory, entry.name), |path| path.to_string()));
    }
    seen
}

#[test]
fn create_dir_all_makes_what_is_missing_and_takes_what_is_there() {
    block_on(async {
        let storage = MemoryBackend::new();
        storage.create_dir_all(&StoragePath::root()).await.unwrap();
        storage.create_dir_all(&path("a/b/c")).await.unwrap();
        storage.create_dir_all(&path("a/b/c")).await.unwrap();
        storage.create_dir_all(&path("a/x")).await.unwrap();
        assert_eq!(walked(&storage, "").await, ["a", "a/b", "a/b/c", "a/x"]);
        storage.write(&path("a/file"), b"").await.unwrap();
        for through in ["a/file", "a/file/below", "a/file/below/that"] {
            let error = storage.create_dir_all(&path(through)).await.unwrap_err();
            assert_eq!((error.kind(), error.operation()), (ErrorKind::NotADirectory, Operation::CreateDir), "{through}");
        }
    });
}

#[test]
fn a_walk_goes_depth_first_in_byte_order_through_pages() {
    block_on(async {
        let storage = MemoryBackend::new();
        let many: Vec<String> = (0..600).map(|i| format!("many/{i:04}")).collect();
        fill(&storage, &["a/z/deep", "a-b", "B", "a/\u{e4}", "a/y"]).await;
        fill(&storage, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut expected = vec!["B", "a", "a/y", "a/z", "a/z/deep", "a/\u{e4}", "a-b", "many"];
        expected.extend(many.iter().map(String::as_str));
        assert_eq!(walked(&storage, "").await, expected);
        assert_eq!(walked(&storage, "a/z").await, ["a/z/deep"]);
        assert_eq!(storage.walk(&path("B")).next().await.unwrap_err().kind(), ErrorKind::NotADirectory);
        assert_eq!(storage.walk(&path("none")).next().await.unwrap_err().kind(), ErrorKind::NotFound);
        let listed = storage.list_all(&path("many")).await.unwrap();
        assert_eq!(listed.iter().map(|entry| format!("many/{}", entry.name)).collect::<Vec<_>>(), many);
    });
}

#[test]
fn a_walk_goes_on_behind_a_directory_that_was_removed_under_it() {
    block_on(async {
        let storage = MemoryBackend::new();
        fill(&storage, &["a/in", "b/in"]).await;
        let mut walk = storage.walk(&StoragePath::root());
        assert_eq!(walk.next().await.unwrap().unwrap().path, Some(path("a")));
        storage.remove_dir_all(&path("a")).await.unwrap();
        assert_eq!(walk.next().await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(walk.next().await.unwrap().unwrap().path, Some(path("b")));
        assert_eq!(walk.next().await.unwrap().unwrap().path, Some(path("b/in")));
        assert_eq!(walk.next().await.unwrap(), None);
    });
}

#[test]
fn links_and_names_that_are_not_utf_8_are_reported_and_not_entered() {
    block_on(async {
        let mut host = Host::default();
        fill(&host, &["real/in", "d/to-real/in"]).await;
        host.links.insert(path("d/to-real"));
        host.odd.insert(path("d"));
        let mut walk = host.walk(&path("d"));
        let odd = walk.next().await.unwrap().unwrap();
        assert_eq!((odd.path, odd.directory, odd.kind), (None, path("d"), FileKind::Directory));
        let link = walk.next().await.unwrap().unwrap();
        assert_eq!((link.path, link.kind), (Some(path("d/to-real")), FileKind::Symlink));
        assert_eq!(walk.next().await.unwrap(), None);
    });
}

#[test]
fn remove_dir_all_removes_everything_and_only_that() {
    block_on(async {
        let storage = MemoryBackend::new();
        let many: Vec<String> = (0..600).map(|i| format!("gone/many/{i}")).collect();
        fill(&storage, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
        fill(&storage, &["gone/a/b/c/d", "gone/a/b2", "gone-not/a", "kept"]).await;
        storage.create_dir_all(&path("gone/empty/empty")).await.unwrap();
        storage.remove_dir_all(&path("gone")).await.unwrap();
        assert_eq!(walked(&storage, "").await, ["gone-not", "gone-not/a", "kept"]);

        for (missing, kind) in [("gone", ErrorKind::NotFound), ("gone/deeper", ErrorKind::NotFound), ("kept", ErrorKind::NotADirectory)] {
            let error = storage.remove_dir_all(&path(missing)).await.unwrap_err();
            assert_eq!((error.kind(), error.operation()), (kind, Operation::RemoveDir), "{missing}");
        }
        storage.remove_dir_all(&StoragePath::root()).await.unwrap();
        assert_eq!(walked(&storage, "").await, Vec::<String>::new());
    });
}

#[test]
fn remove_dir_all_removes_links_and_leaves_what_they_lead_to() {
    block_on(async {
        let mut host = Host::default();
        fill(&host, &["d/link/precious", "d/file"]).await;
        host.links.insert(path("d/link"));
        let error = host.remove_dir_all(&path("d/link")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotADirectory);
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert!(host.exists(&path("d/link/precious")).await.unwrap());
        host.remove_dir_all(&path("d")).await.unwrap();
        assert_eq!(walked(&host, "").await, ["target of the removed link", "target of the removed link/precious"]);
    });
}

#[test]
fn remove_dir_all_names_what_it_cannot_remove_and_removes_the_rest() {
    block_on(async {
        let mut host = Host::default();
        fill(&host, &["d/a/in", "d/b/c/in", "d/z/in"]).await;
        host.odd.insert(path("d/b/c"));
        let error = host.remove_dir_all(&path("d")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty);
        assert!(error.to_string().contains("\"odd\u{fffd}\" in \"d/b/c\""), "{error}");
        assert_eq!(walked(&host, "").await, ["d", "d/b", "d/b/c", "d/b/c/? odd\u{fffd}"]);
    });
}

#[test]
fn entry_tells_a_link_from_what_it_leads_to() {
    block_on(async {
        let mut host = Host::default();
        fill(&host, &["d/a", "d/aa", "d/ab", "d/b", "d/\u{1f600}", "d/\u{1f600}x"]).await;
        host.links.insert(path("d/ab"));
        for (name, kind) in
            [("a", FileKind::File), ("ab", FileKind::Symlink), ("\u{1f600}", FileKind::File), ("\u{1f600}x", FileKind::File)]
        {
            let entry = host.entry(&path("d").join(name).unwrap()).await.unwrap().unwrap();
            assert_eq!((entry.name.as_str(), entry.kind), (name, kind));
        }
        for missing in ["", "d/ac", "d/0", "d/zz", "d/\u{1f600}y"] {
            assert_eq!(host.entry(&path(missing)).await.unwrap(), None, "{missing}");
        }
        assert_eq!(host.entry(&path("none/x")).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn exists_is_file_and_is_dir_answer_for_paths_that_cannot_be() {
    block_on(async {
        let storage = MemoryBackend::new();
        fill(&storage, &["d/f"]).await;
        let mut answers = Vec::new();
        for asked in ["", "d", "d/f", "d/f/through", "none", "none/none"] {
            let asked = path(asked);
            answers.push((
                storage.exists(&asked).await.unwrap(),
                storage.is_file(&asked).await.unwrap(),
                storage.is_dir(&asked).await.unwrap(),
            ));
        }
        let (directory, file, nothing) = ((true, false, true), (true, true, false), (false, false, false));
        assert_eq!(answers, [directory, directory, file, nothing, nothing, nothing]);
        storage.close().await.unwrap();
        assert_eq!(storage.exists(&path("d")).await.unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn read_to_string_says_where_text_ends_to_be_utf_8() {
    block_on(async {
        let storage = MemoryBackend::new();
        storage.write(&path("good"), "gr\u{fc}n".as_bytes()).await.unwrap();
        assert_eq!(storage.read_to_string(&path("good")).await.unwrap(), "gr\u{fc}n");
        storage.write(&path("bad"), b"abc\xff").await.unwrap();
        let error = storage.read_to_string(&path("bad")).await.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::InvalidInput, Some(&path("bad"))));
        assert!(error.to_string().contains("byte 3"), "{error}");
    });
}

#[test]
fn copy_replaces_whole_keeps_holes_and_leaves_no_sibling() {
    block_on(async {
        let storage = MemoryBackend::with_limit(3 << 20);
        let file = storage.open(&path("from"), &OpenOptions::editing()).await.unwrap();
        file.write_at(100, b"start").await.unwrap();
        file.write_at(64 << 20, &[7; 300_000]).await.unwrap();
        file.set_len(80 << 20).await.unwrap();
        storage.write(&path("to"), b"old").await.unwrap();
        let old = storage.open(&path("to"), &OpenOptions::reading()).await.unwrap();

        assert_eq!(storage.copy(&path("from"), &path("to")).await.unwrap(), 80 << 20);
        assert!(storage.read(&path("from")).await.unwrap() == storage.read(&path("to")).await.unwrap(), "the copy differs");
        assert_eq!(walked(&storage, "").await, ["from", "to"]);
        let mut buf = [0; 10];
        assert_eq!(old.read_at(0, &mut buf).await.unwrap(), 3, "a handle on the replaced file keeps its bytes");

        assert_eq!(storage.copy(&path("to"), &path("to")).await.unwrap(), 80 << 20);
        storage.write(&path("empty"), b"").await.unwrap();
        assert_eq!(storage.copy(&path("empty"), &path("to")).await.unwrap(), 0);
        assert_eq!(storage.stat(&path("to")).await.unwrap().len, 0);
    });
}

#[test]
fn a_copy_that_fails_leaves_the_destination_as_it_was() {
    block_on(async {
        let host = Host { memory: MemoryBackend::with_limit(1000), ..Host::default() };
        fill(&host, &["d/from", "to"]).await;
        *host.fail_rename.lock().unwrap() = true;
        for (from, to, kind) in [
            ("d/from", "to", ErrorKind::Io),
            ("d/from", "d", ErrorKind::IsADirectory),
            ("d/from", "", ErrorKind::IsADirectory),
            ("d", "new", ErrorKind::IsADirectory),
            ("none", "to", ErrorKind::NotFound),
            ("d/from", "none/to", ErrorKind::NotFound),
            ("d/from", "to/through", ErrorKind::NotADirectory),
        ] {
            let error = host.copy(&path(from), &path(to)).await.unwrap_err();
            assert_eq!((error.kind(), error.operation()), (kind, Operation::Copy), "{from} to {to}: {error}");
            assert!(!error.to_string().contains("anystorage-copy"), "{error}");
        }
        host.write(&path("large"), &[1; 600]).await.unwrap();
        assert_eq!(host.copy(&path("large"), &path("to")).await.unwrap_err().kind(), ErrorKind::NoSpace);
        assert_eq!(host.read(&path("to")).await.unwrap(), b"to");
        assert_eq!(walked(&host, "").await, ["d", "d/from", "large", "to"]);
    });
}

#[test]
fn a_copy_steps_around_the_sibling_that_a_kill_left() {
    block_on(async {
        let storage = MemoryBackend::new();
        let long = "\u{e4}".repeat(127);
        fill(&storage, &["from", ".to.anystorage-copy-0"]).await;
        storage.copy(&path("from"), &path("to")).await.unwrap();
        storage.copy(&path("from"), &path(&long)).await.unwrap();
        assert_eq!(walked(&storage, "").await, [".to.anystorage-copy-0", "from", "to", &long]);
        assert_eq!(storage.read(&path(".to.anystorage-copy-0")).await.unwrap(), b".to.anystorage-copy-0");
    });
}

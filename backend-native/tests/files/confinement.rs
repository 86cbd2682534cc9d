//! Nothing below the root leads out of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anystorage_api::{Error, ErrorKind, FileKind, OpenOptions, Result, StorageBackend, StoragePath};
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;

use crate::support::{Over, path, refused};

const SECRET: &[u8] = b"nobody below the root may read this";

/// A root beside a directory with a secret.
struct Beside {
    directory: tempfile::TempDir,
    backend: FilesBackend,
}

impl Beside {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("outside")).unwrap();
        fs::write(directory.path().join("outside/secret"), SECRET).unwrap();
        fs::write(directory.path().join("outside/only-there"), b"").unwrap();
        let backend = FilesBackend::open(directory.path().join("root")).unwrap();
        Self { directory, backend }
    }

    fn root(&self) -> std::path::PathBuf {
        self.directory.path().join("root")
    }

    fn outside(&self) -> std::path::PathBuf {
        self.directory.path().join("outside")
    }

    #[track_caller]
    fn assert_untouched(&self) {
        let mut names: Vec<_> = fs::read_dir(self.outside()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["only-there", "secret"]);
        assert_eq!(fs::read(self.outside().join("secret")).unwrap(), SECRET);
    }
}

#[test]
fn dot_dot_is_no_path() {
    for text in ["..", "../outside", "a/../../outside/secret", "/etc/passwd", "./a", "a/."] {
        assert_eq!(refused(StoragePath::parse(text)), ErrorKind::InvalidPath, "{text:?}");
    }
}

/// Every call that follows links, at a link itself and below it.
async fn calls(backend: &FilesBackend, file: &StoragePath, directory: &StoragePath) -> Vec<(&'static str, Result<()>)> {
    let below = directory.join("secret").unwrap();
    let editing = OpenOptions::editing();
    vec![
        ("stat", backend.stat(file).await.map(drop)),
        ("open", backend.open(file, &OpenOptions::reading()).await.map(drop)),
        ("open for writing", backend.open(file, &editing).await.map(drop)),
        ("open and cut", backend.open(file, &editing.truncate(true)).await.map(drop)),
        ("read", backend.read(file).await.map(drop)),
        ("write", backend.write(file, b"overwritten").await),
        ("list", backend.list(directory, None, 10).await.map(drop)),
        ("read below", backend.read(&below).await.map(drop)),
        ("stat below", backend.stat(&below).await.map(drop)),
        ("write below", backend.write(&below, b"overwritten").await),
        ("create below", backend.open(&directory.join("new").unwrap(), &editing).await.map(drop)),
        ("create_dir below", backend.create_dir(&directory.join("new").unwrap()).await),
        ("remove_file below", backend.remove_file(&below).await),
        ("remove_dir below", backend.remove_dir(&below).await),
        ("rename from below", backend.rename(&below, &path("stolen")).await),
        ("rename to below", backend.rename(&path("mine"), &below).await),
    ]
}

#[test]
fn a_link_that_leads_out_is_refused_by_every_call_and_named() {
    let place = Beside::new();
    let (absolute, absolute_dir) = (place.outside().join("secret"), place.outside());
    block_on(async {
        place.backend.write(&path("mine"), b"mine").await.unwrap();
        for (name, file, directory) in [
            ("absolute", absolute.as_path(), absolute_dir.as_path()),
            ("relative", Path::new("../outside/secret"), Path::new("../outside")),
            ("roundabout", Path::new("sub/../../outside/secret"), Path::new("sub/../../outside")),
        ] {
            let _ = fs::create_dir(place.root().join("sub"));
            symlink(file, place.root().join(format!("{name}-file"))).unwrap();
            symlink(directory, place.root().join(format!("{name}-dir"))).unwrap();
            let (file, directory) = (path(&format!("{name}-file")), path(&format!("{name}-dir")));
            for (call, outcome) in calls(&place.backend, &file, &directory).await {
                let error: Error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{call} at {name}: {error}");
                let shown = error.path().unwrap_or_else(|| panic!("{call} at {name} names no path: {error}"));
                assert!(
                    shown.starts_with(&file) || shown.starts_with(&directory) || call.starts_with("rename"),
                    "{call} at {name}: {error}"
                );
                place.assert_untouched();
            }
            assert_eq!(place.backend.read(&path("mine")).await.unwrap(), b"mine");
        }
    });
}

#[test]
fn a_link_is_listed_as_one_and_removing_or_renaming_it_is_about_the_link() {
    let place = Beside::new();
    symlink(place.outside().join("secret"), place.root().join("file")).unwrap();
    symlink(place.outside(), place.root().join("dir")).unwrap();
    block_on(async {
        let entries = place.backend.list(&path(""), None, 10).await.unwrap();
        assert!(entries.iter().all(|entry| entry.kind == FileKind::Symlink), "{entries:?}");
        place.backend.rename(&path("dir"), &path("moved")).await.unwrap();
        place.assert_untouched();
        assert_eq!(refused(place.backend.remove_dir(&path("moved")).await), ErrorKind::NotADirectory);
        place.backend.remove_file(&path("moved")).await.unwrap();
        place.backend.write(&path("mine"), b"mine").await.unwrap();
        place.backend.rename(&path("mine"), &path("file")).await.unwrap();
        assert_eq!(place.backend.read(&path("file")).await.unwrap(), b"mine");
    });
    place.assert_untouched();
}

#[test]
fn a_link_that_stays_below_the_root_is_followed() {
    let place = Beside::new();
    block_on(async {
        place.backend.create_dir(&path("d")).await.unwrap();
        place.backend.write(&path("d/f"), b"within").await.unwrap();
        symlink("d", place.root().join("to-d")).unwrap();
        symlink("d/../d/f", place.root().join("to-f")).unwrap();
        assert_eq!(place.backend.read(&path("to-d/f")).await.unwrap(), b"within");
        assert_eq!(place.backend.stat(&path("to-f")).await.unwrap().len, 6);
        let file = place.backend.open(&path("to-f"), &OpenOptions::editing()).await.unwrap();
        file.write_at(0, b"WITHIN").await.unwrap();
        file.sync().await.unwrap();
        assert_eq!(place.backend.read(&path("d/f")).await.unwrap(), b"WITHIN");
        place.backend.rename(&path("d/f"), &path("d/g")).await.unwrap();
        file.write_at(0, b"after").await.unwrap();
        assert_eq!(place.backend.read(&path("d/g")).await.unwrap(), b"afterN");
    });
}

#[test]
fn links_in_a_circle_and_to_nothing_are_errors() {
    let place = Beside::new();
    symlink("b", place.root().join("a")).unwrap();
    symlink("a", place.root().join("b")).unwrap();
    symlink("nothing", place.root().join("dangling")).unwrap();
    block_on(async {
        assert_eq!(refused(place.backend.read(&path("a")).await), ErrorKind::Io);
        assert_eq!(refused(place.backend.open(&path("dangling"), &OpenOptions::editing()).await), ErrorKind::NotFound);
        assert!(!place.root().join("nothing").exists());
    });
}

#[test]
fn the_root_itself_may_be_a_link_and_is_followed_once() {
    let place = Beside::new();
    let link = place.directory.path().join("link");
    fs::create_dir(place.directory.path().join("real")).unwrap();
    symlink("real", &link).unwrap();
    let backend = FilesBackend::open(&link).unwrap();
    block_on(backend.write(&path("f"), b"one")).unwrap();
    assert_eq!(fs::read(place.directory.path().join("real/f")).unwrap(), b"one");
    fs::remove_file(&link).unwrap();
    symlink("outside", &link).unwrap();
    block_on(backend.write(&path("f"), b"two")).unwrap();
    assert_eq!(fs::read(place.directory.path().join("real/f")).unwrap(), b"two");
    place.assert_untouched();
}

/// Checks made before a call are worth nothing when another process swaps a directory for a link between the check and the use. Here a
/// thread does nothing else.
#[test]
fn a_link_swapped_in_during_the_call_does_not_lead_out() {
    const ROUNDS: usize = 4000;
    let place = Beside::new();
    let root = place.root();
    fs::create_dir(root.join("d")).unwrap();
    fs::write(root.join("d/secret"), b"harmless").unwrap();
    symlink(place.outside(), root.join("link")).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let mut swaps = 0_u64;
            while !over.load(Ordering::Relaxed) {
                // "d" is the directory, then the link, then the directory again.
                fs::rename(root.join("d"), root.join("aside")).unwrap();
                fs::rename(root.join("link"), root.join("d")).unwrap();
                fs::rename(root.join("d"), root.join("link")).unwrap();
                fs::rename(root.join("aside"), root.join("d")).unwrap();
                for _ in 0..20 {
                    assert!(root.join("d").symlink_metadata().unwrap().is_dir());
                }
                swaps += 1;
            }
            swaps
        });
        let end = Over(&over);
        let (mut within, mut refusals) = (0, 0);
        block_on(async {
            let backend = &place.backend;
            let mut round = 0;
            while round < ROUNDS || within < 100 || refusals < 100 {
                round += 1;
                assert!(round < 100 * ROUNDS, "the race is none: {within} reads within, {refusals} refused");
                let secret = path("d/secret");
                let new = path(&format!("d/new-{round}"));
                if let Ok(data) = backend.read(&secret).await {
                    assert_ne!(data, SECRET, "round {round}: the secret was read");
                    within += 1;
                } else {
                    refusals += 1;
                }
                if let Ok(found) = backend.stat(&secret).await {
                    assert_ne!(found.len, SECRET.len() as u64, "round {round}: the secret was looked at");
                }
                if let Ok(entries) = backend.list(&path("d"), None, 10_000).await {
                    assert!(entries.iter().all(|entry| entry.name != "only-there"), "round {round}: the outside was listed");
                }
                // Whatever they answer: nothing may happen outside.
                let _ = backend.write(&new, b"new").await;
                let _ = backend.remove_file(&new).await;
                let _ = backend.create_dir(&new).await;
                let _ = backend.remove_dir(&new).await;
                let _ = backend.open(&new, &OpenOptions::editing().truncate(true)).await;
                let _ = backend.rename(&new, &path("taken")).await;
                let _ = backend.write(&secret, b"harmless").await;
            }
        });
        drop(end);
        let swaps = swapping.join().unwrap();
        println!("{swaps} swaps, {within} reads within, {refusals} refused");
    });
    place.assert_untouched();
}

//! `info`, `ls`, `stat`, `cat`, `put`, `get`, `rm`: what they do, and what they print for programs.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{PROGRAM, Ran, anystorage, ran, url};
use crate::tree::{Random, digest, manifest};

fn with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child =
        Command::new(PROGRAM).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    ran(child.wait_with_output().unwrap())
}

#[test]
fn what_is_put_can_be_seen_fetched_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let location = url(&store);
    let source = directory.path().join("source");
    Random::of(3).write(&source, (3 << 20) + 5);
    let source = source.to_str().unwrap();

    let put = anystorage(["--format", "json", "put", "--parents", &location, "a/b/large", source]).ok().json();
    assert_eq!(put["bytes"], (3 << 20) + 5);
    with_input(&["put", &location, "greeting \u{1f600}"], b"hello").ok();
    with_input(&["put", &location, "greeting \u{1f600}", "-"], b"hello again").ok();
    assert_eq!(anystorage(["cat", &location, "greeting \u{1f600}"]).ok().stdout, "hello again");

    let fetched = directory.path().join("fetched");
    let fetched_text = fetched.to_str().unwrap();
    fs::write(&fetched, "older").unwrap();
    let get = anystorage(["get", "--format=json", &location, "a/b/large", fetched_text]).ok().json();
    assert_eq!(get["bytes"], (3 << 20) + 5);
    assert_eq!(digest(&fetched), digest(Path::new(source)));
    assert_eq!(anystorage(["get", &location, "greeting \u{1f600}", "-"]).ok().stdout, "hello again");
    anystorage(["get", &location, "greeting \u{1f600}", "/dev/null"]).ok();

    let stat = anystorage(["--format", "json", "stat", &location, "a/b/large"]).ok().json();
    assert_eq!((stat["kind"].as_str(), stat["len"].as_u64()), (Some("file"), Some((3 << 20) + 5)));
    assert!(stat["modified"].as_str().unwrap().ends_with('Z'));
    assert!(stat["mode"].is_null() && stat["accessed"].is_null() && stat["link_target"].is_null(), "not kept by this engine: {stat}");
    assert_eq!(anystorage(["--format", "json", "stat", &location]).ok().json()["kind"], "directory");

    anystorage(["rm", &location, "greeting \u{1f600}"]).ok();
    assert_eq!(anystorage(["--format", "json", "rm", "-r", &location, "a"]).ok().json()["removed"], "a");
    assert!(manifest(&store).is_empty());
    let names: Vec<_> = manifest(directory.path()).into_keys().collect();
    assert_eq!(names, ["fetched", "source", "store"], "something was left beside the files");
}

/// A file that cannot be read to its end must not replace the one that is there.
#[test]
fn a_failed_get_leaves_what_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let (store, target) = (directory.path().join("store"), directory.path().join("target"));
    fs::create_dir(&store).unwrap();
    fs::write(&target, "precious").unwrap();
    let before = manifest(directory.path());
    assert_eq!(anystorage(["get", &url(&store), "missing", target.to_str().unwrap()]).code, Some(1));
    assert_eq!(manifest(directory.path()), before);
}

/// Every kill of a `get` left one more file behind.
#[test]
fn a_killed_get_leaves_one_file_that_the_next_replaces() {
    let directory = tempfile::tempdir().unwrap();
    let (store, target) = (directory.path().join("store"), directory.path().join("target"));
    fs::create_dir(&store).unwrap();
    fs::File::create(store.join("endless")).unwrap().set_len(1 << 40).unwrap();
    fs::write(store.join("small"), "small").unwrap();
    let parts = || -> Vec<_> {
        let entries = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(".anystorage-get-")).collect()
    };
    let mut left = Vec::new();
    for _ in 0..2 {
        let mut child = Command::new(PROGRAM)
            .args(["get", &url(&store), "endless", target.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The kill comes once there are new bytes under its name.
        while !parts().iter().any(|part| fs::metadata(part).is_ok_and(|found| found.len() > 0 && !left.contains(&found.ino()))) {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::yield_now();
        }
        // As long as one writes, another does not.
        let other = anystorage(["get", &url(&store), "small", target.to_str().unwrap()]);
        assert!(other.code == Some(1) && other.stderr.contains("another get is writing"), "{other:#?}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(parts().len(), 1);
        // A second name keeps it, so that its number is not given to the next.
        left.push(fs::metadata(&parts()[0]).unwrap().ino());
        fs::hard_link(&parts()[0], directory.path().join(format!("held {}", left.len()))).unwrap();
    }
    anystorage(["get", &url(&store), "small", target.to_str().unwrap()]).ok();
    assert_eq!(fs::read(&target).unwrap(), b"small");
    assert_eq!(parts(), Vec::<std::path::PathBuf>::new());
}

/// Whoever may write to the directory could have led the bytes to another file by a link of the name that is known beforehand.
#[test]
fn a_link_in_the_place_of_the_part_file_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "bytes").unwrap();
    fs::write(directory.path().join("precious"), "precious").unwrap();
    let target = directory.path().join("foobar");
    symlink("precious", directory.path().join(".anystorage-get-85944171f73967e8.part")).unwrap();
    anystorage(["get", &url(directory.path()), "file", target.to_str().unwrap()]).ok();
    assert_eq!(fs::read(&target).unwrap(), b"bytes");
    assert!(target.symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read(directory.path().join("precious")).unwrap(), b"precious");
}

#[test]
fn ls_lists_in_order_and_recursively() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs::create_dir_all(root.join("b/inner")).unwrap();
    fs::write(root.join("b/inner/deep"), "1234").unwrap();
    fs::write(root.join("a"), "12").unwrap();
    symlink("a", root.join("c")).unwrap();
    let rows = |arguments: &[&str]| -> Vec<(String, String, Option<u64>)> {
        let listed = anystorage([&["--format", "json", "ls"], arguments].concat()).ok().json();
        let row = |row: &serde_json::Value| {
            (row["path"].as_str().unwrap().to_owned(), row["kind"].as_str().unwrap().to_owned(), row["len"].as_u64())
        };
        listed.as_array().unwrap().iter().map(row).collect()
    };
    let row = |path: &str, kind: &str, len| (path.to_owned(), kind.to_owned(), len);
    let location = url(root);
    assert_eq!(rows(&[&location]), [row("a", "file", Some(2)), row("b", "directory", None), row("c", "symlink", None)]);
    assert_eq!(rows(&[&location, "b/inner"]), [row("b/inner/deep", "file", Some(4))]);
    assert_eq!(
        rows(&["-R", &location]),
        [
            row("a", "file", Some(2)),
            row("b", "directory", None),
            row("c", "symlink", None),
            row("b/inner", "directory", None),
            row("b/inner/deep", "file", Some(4)),
        ]
    );
    assert_eq!(rows(&["memory:"]), []);
    let table = anystorage(["ls", &location]).ok().stdout;
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.starts_with("file"), "{table}");
}

#[test]
fn a_directory_of_many_pages_is_listed_whole() {
    let directory = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..1500).map(|number| format!("{number:05}")).collect();
    for name in &names {
        fs::write(directory.path().join(name), "").unwrap();
    }
    let listed = anystorage(["--format", "json", "ls", &url(directory.path())]).ok().json();
    let listed: Vec<&str> = listed.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(listed, names);
}

#[test]
fn info_tells_what_is_open_and_what_was_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let location = url(directory.path());
    let info = anystorage(["--format", "json", "info", &location]).ok().json();
    assert_eq!(info["report"]["engine"], "file");
    assert_eq!(info["report"]["durability"], "power loss");
    assert_eq!(info["capabilities"]["real_names"], true);
    assert!(info["usage"]["free"].as_u64().unwrap() > 0);
    assert!(anystorage(["info", "memory:"]).ok().stdout.contains("durability"));

    // The URL that was asked for, and not the one that it was opened by.
    let location = url(directory.path());
    assert_eq!(anystorage(["--format", "json", "info", &location]).ok().json()["report"]["opened"], location);
    assert!(!anystorage(["info", &location]).ok().stdout.contains("mode="));
    assert!(anystorage(["stat", &location]).ok().stdout.contains("(the root)"));

    let config = directory.path().join("storage.toml");
    fs::write(&config, "url = \"file:///dev/null/notes\"\nfallback = [\"memory:?limit=1MiB\"]\n").unwrap();
    let config_text = config.to_str().unwrap();
    let ran = anystorage(["--format", "json", "info", "--config", config_text]).ok();
    assert_eq!(ran.stderr, "");
    let report = &ran.json()["report"];
    assert_eq!(report["opened"], "memory:?limit=1MiB");
    assert_eq!(report["probe"], "passed");
    assert_eq!(report["tried"][0]["url"], "file:///dev/null/notes");
    let ran = anystorage(["info", "--config", config_text]).ok();
    assert!(ran.stdout.contains("passed over") && ran.stderr.contains("passed over file:///dev/null/notes"), "{ran:#?}");

    fs::write(&config, "url = \"memory:\"\nautosync = \"5s\"\n").unwrap();
    let ran = anystorage(["--format", "json", "info", "--config", config_text]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.error()["message"].as_str().unwrap().contains("autosync"), "{ran:#?}");
}

/// `anystorage cat ... | head -c 1` must end quietly.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    Random::of(4).write(&directory.path().join("large"), 8 << 20);
    for command in ["cat", "get"] {
        let mut child = Command::new(PROGRAM)
            .args([command, &url(directory.path()), "large"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = ran(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{command}");
    }
}

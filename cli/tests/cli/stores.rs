//! Stores, `sled:` and `redb:`: every command works on them, looking creates nothing, and what is none is refused and stays as it is.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{PROGRAM, anystorage, ran, store_url, url};
use crate::tree::{Random, assert_same, digest, manifest};

const SCHEMES: [&str; 2] = ["sled", "redb"];

#[test]
fn every_command_works_on_a_store() {
    for scheme in SCHEMES {
        let directory = tempfile::tempdir().unwrap();
        let store = store_url(scheme, &directory.path().join("my notes"));
        let source = directory.path().join("source");
        Random::of(3).write(&source, (3 << 20) + 5);
        let source = source.to_str().unwrap();
        let with_block = format!("{store}?block=4KiB&cache=1MiB");

        let put = anystorage(["--format", "json", "put", "--parents", &with_block, "a/b/large", source]).ok().json();
        assert_eq!((put["bytes"].as_u64(), put["durable"].as_bool()), (Some((3 << 20) + 5), Some(true)));
        anystorage(["put", &store, "greeting \u{1f600}", "/dev/null"]).ok();
        let fetched = directory.path().join("fetched");
        anystorage(["get", &store, "a/b/large", fetched.to_str().unwrap()]).ok();
        assert_eq!(digest(&fetched), digest(Path::new(source)));
        assert_eq!(anystorage(["cat", &store, "greeting \u{1f600}"]).ok().stdout, "");

        let stat = anystorage(["--format", "json", "stat", &store, "a/b/large"]).ok().json();
        assert_eq!((stat["kind"].as_str(), stat["len"].as_u64()), (Some("file"), Some((3 << 20) + 5)));
        let listed = anystorage(["--format", "json", "ls", "-R", &store]).ok().json();
        let names: Vec<&str> = listed.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect();
        assert_eq!(names, ["a", "greeting \u{1f600}", "a/b", "a/b/large"]);

        let info = anystorage(["--format", "json", "info", &store]).ok().json();
        assert_eq!((info["report"]["engine"].as_str(), info["report"]["opened"].as_str()), (Some(scheme), Some(store.as_str())));
        assert_eq!(info["report"]["durability"], "power loss");
        assert_eq!(info["capabilities"]["atomic_sync"], true);

        // Within one store, which can be opened but once.
        let copied = anystorage(["--format", "json", "cp", &format!("{store}#a"), &format!("{store}#copy")]).ok().json();
        assert_eq!(copied["files"], 1);
        for (to, named) in [("a", "the same"), ("a/b/c", "inside")] {
            let refused = anystorage(["cp", &format!("{store}#a"), &format!("{store}#{to}")]);
            assert!(refused.code == Some(1) && refused.stderr.contains(named), "{refused:#?}");
        }
        anystorage(["rm", "-r", &store, "a"]).ok();
        anystorage(["rm", &store, "greeting \u{1f600}"]).ok();
        let left = anystorage(["--format", "json", "ls", "-R", &store]).ok().json();
        assert_eq!(left.as_array().unwrap().len(), 3, "{left}");
        let beside: Vec<_> = manifest(directory.path()).into_keys().filter(|path| !path.to_string_lossy().contains('/')).collect();
        assert_eq!(beside, ["fetched", "my notes", "source"], "something was left beside the store");
    }
}

#[test]
fn looking_creates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for scheme in SCHEMES {
        for place in ["missing", "no/such/directory"] {
            let store = store_url(scheme, &directory.path().join(place));
            let created = format!("{store}?mode=rwc");
            for arguments in [
                vec!["ls", &store],
                vec!["ls", &created],
                vec!["stat", &store],
                vec!["cat", &store, "x"],
                vec!["info", &store],
                vec!["rm", &store, "x"],
                vec!["put", &store, "x", "/dev/null"],
                vec!["cp", &store, "memory:"],
            ] {
                let ran = anystorage(&arguments);
                assert_eq!(ran.code, Some(1), "{arguments:?}: {ran:#?}");
                assert!(ran.stderr.contains("not found") && ran.stderr.contains(&store), "{arguments:?}: {ran:#?}");
                assert!(manifest(directory.path()).is_empty(), "{arguments:?}: {:?}", manifest(directory.path()));
            }
        }
    }
}

#[test]
fn what_is_no_store_is_refused_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("photos/2026")).unwrap();
    fs::write(at("photos/2026/cat.jpg"), Random::of(4).next().to_be_bytes()).unwrap();
    fs::write(at("photos/conf"), "listen = 80\n").unwrap();
    fs::write(at("photos/db"), "a file that sled would take for its own by its name").unwrap();
    fs::write(at("letter.txt"), "Dear all,\n".repeat(1000)).unwrap();
    fs::write(at("short"), "redb").unwrap();
    let (sled, redb) = (store_url("sled", &at("a store of sled")), store_url("redb", &at("a store.redb")));
    for store in [&sled, &redb] {
        anystorage(["put", "-p", store, "plan.md", "/dev/null"]).ok();
    }
    let before = manifest(directory.path());
    let redb_at = |name: &str| store_url("redb", &at(name));
    let sled_at = |name: &str| store_url("sled", &at(name));
    for (location, named) in [
        (redb_at("photos"), "directory"),
        (redb_at("a store of sled"), "directory"),
        (redb_at("letter.txt"), "letter.txt"),
        (redb_at("short"), "short"),
        (redb_at("letter.txt/below"), "not a directory"),
        (sled_at("photos"), "photos"),
        (sled_at("letter.txt"), "letter.txt"),
        (sled_at("a store.redb"), "a%20store.redb"),
    ] {
        for arguments in [vec!["ls", &location], vec!["put", "-p", &location, "x", "/dev/null"], vec!["rm", "-r", &location, "plan.md"]] {
            let ran = anystorage(&arguments);
            assert_eq!(ran.code, Some(1), "{arguments:?}: {ran:#?}");
            assert!(ran.stderr.contains(named) && ran.stderr.contains(&location), "{arguments:?} should name {named:?}: {ran:#?}");
            assert!(!ran.stderr.contains("panicked"), "{arguments:?}: {ran:#?}");
            assert_same(&before, &manifest(directory.path()));
        }
    }
    // A directory of files is no store, and a store is no directory of files to look into by mistake: that one is what it is.
    assert!(anystorage(["ls", &url(&at("a store of sled"))]).ok().stdout.contains("db"));
}

#[test]
fn parameters_are_checked_before_anything_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    for scheme in SCHEMES {
        let store = store_url(scheme, &directory.path().join("store"));
        for (query, named) in [
            ("mode=ro", "takes the lock"),
            ("mode=create", "\"create\""),
            ("block=3", "from 64 to 1048576 bytes"),
            ("block=2MiB", "\"2MiB\""),
            ("block=16KB", "\"16KB\""),
            ("cache=lots", "\"lots\""),
            ("limit=1MiB", "takes mode, block, cache"),
        ] {
            let location = format!("{store}?{query}");
            for arguments in [vec!["ls", &location], vec!["put", "-p", &location, "x"], vec!["conformance", &location]] {
                let ran = anystorage(&arguments);
                assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:#?}");
                assert!(ran.stderr.contains(named), "{arguments:?} should name {named:?}: {ran:#?}");
            }
        }
    }
    assert!(manifest(directory.path()).is_empty());
}

/// Another process really has the store: every command says so, at once, and who it is.
#[test]
fn a_store_in_use_is_locked_for_every_command() {
    for scheme in SCHEMES {
        let directory = tempfile::tempdir().unwrap();
        let store = store_url(scheme, &directory.path().join("store"));
        // It opens the store, and then waits for the bytes of the file.
        let mut holder = Command::new(PROGRAM)
            .args(["-v", "put", "-p", &store, "slow"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(holder.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("opened ") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the holder ended before it had opened the store");
        }
        let who = format!("process {} (anystorage)", holder.id());
        for arguments in [
            vec!["ls", &store],
            vec!["cat", &store, "slow"],
            vec!["put", &store, "x", "/dev/null"],
            vec!["rm", &store, "slow"],
            vec!["cp", "memory:", &store],
            vec!["info", &store],
        ] {
            let text = anystorage(&arguments);
            assert_eq!(text.code, Some(1), "{arguments:?}: {text:#?}");
            assert!(text.stderr.contains(&who), "{arguments:?} should name {who:?}: {text:#?}");
            let hint = text.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap_or_default();
            assert!(hint.contains("wait until it ends") && !hint.contains("mode=ro"), "{arguments:?}: {text:#?}");
            let error = anystorage([&["--format", "json"][..], &arguments].concat()).error();
            assert_eq!((error["kind"].as_str(), error["url"].as_str()), (Some("locked"), Some(store.as_str())), "{arguments:?}");
        }
        // With something to fall back to, it is passed over, and told.
        let config = directory.path().join("storage.toml");
        fs::write(&config, format!("url = {store:?}\nfallback = [\"memory:\"]\n")).unwrap();
        let report = anystorage(["--format", "json", "info", "--config", config.to_str().unwrap()]).ok().json()["report"].clone();
        assert_eq!((report["opened"].as_str(), report["tried"][0]["url"].as_str()), (Some("memory:"), Some(store.as_str())));
        assert_eq!(report["tried"][0]["error"]["kind"], "locked");

        holder.stdin.take().unwrap().write_all(b"here they are").unwrap();
        drop(log);
        ran(holder.wait_with_output().unwrap());
        assert_eq!(anystorage(["cat", &store, "slow"]).ok().stdout, "here they are");
    }
}

/// A copy that would read what it writes.
#[test]
fn a_store_within_what_is_copied_into_it_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "bytes").unwrap();
    let before = manifest(directory.path());
    for scheme in SCHEMES {
        let inside = store_url(scheme, &directory.path().join("store"));
        let refused = anystorage(["cp", &url(directory.path()), &inside]);
        assert!(refused.code == Some(1) && refused.stderr.contains("inside the source"), "{refused:#?}");
        assert_same(&before, &manifest(directory.path()));
    }
}

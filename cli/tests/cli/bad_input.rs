//! Bad input: each error names the culprit, and nothing is lost.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{PROGRAM, Ran, anystorage, ran, url};
use crate::tree::{Manifest, assert_same, manifest};

/// A store with things to lose, and beside it things that nobody may reach.
fn store() -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    fs::create_dir_all(store.join("directory/inner")).unwrap();
    fs::write(store.join("file"), "bytes").unwrap();
    fs::write(store.join("directory/inner/deep"), "deep").unwrap();
    fs::create_dir(directory.path().join("outside")).unwrap();
    fs::write(directory.path().join("outside/secret"), "secret").unwrap();
    symlink("../outside", store.join("out")).unwrap();
    symlink("/etc/hostname", store.join("absolute")).unwrap();
    (directory, store)
}

/// Runs with both formats, and checks exit code, the words in the error, and that nothing has changed.
fn refused(before: &Manifest, watched: &Path, arguments: &[&str], code: i32, named: &[&str]) {
    let text = anystorage(arguments);
    assert_eq!(text.code, Some(code), "{arguments:?}: {text:#?}");
    assert!(text.stderr.starts_with("error: "), "{arguments:?}: {text:#?}");
    let json = anystorage([&["--format", "json"], arguments].concat());
    assert_eq!(json.code, Some(code), "{arguments:?}: {json:#?}");
    let message = json.error()["message"].as_str().unwrap().to_owned();
    for word in named {
        assert!(text.stderr.contains(word), "{arguments:?} should name {word:?}: {text:#?}");
        assert!(message.contains(word), "{arguments:?} should name {word:?}: {message}");
    }
    assert_eq!((text.stdout, json.stdout), (String::new(), String::new()), "{arguments:?}");
    assert_same(before, &manifest(watched));
}

#[test]
fn urls() {
    let (guard, _) = store();
    let before = manifest(guard.path());
    for (url, named) in [
        ("notes", "no scheme"),
        ("file:notes", "relative"),
        ("file://host/srv", "\"host\""),
        ("file:///srv/../etc", "\"..\""),
        ("file:///srv?mod=ro", "\"mod\""),
        ("file:/srv/notes", "write file:///srv/notes"),
        ("memory:?limit=lots", "\"lots\""),
        ("s3://notes", "\"s3\""),
        ("file://ada:hunter2@host/srv", "no secrets"),
    ] {
        for arguments in
            [vec!["ls", url], vec!["info", url], vec!["rm", "-r", url, "directory"], vec!["cp", url, "memory:"], vec!["conformance", url]]
        {
            refused(&before, guard.path(), &arguments, 2, &[named]);
        }
    }
}

#[test]
fn engines_of_browsers() {
    let (guard, _) = store();
    let before = manifest(guard.path());
    for scheme in ["opfs", "idb"] {
        let url = format!("{scheme}://notes");
        let named = format!("there is no engine of {scheme}: on this target");
        for arguments in [vec!["ls", &url], vec!["info", &url]] {
            refused(&before, guard.path(), &arguments, 1, &[&named]);
        }
    }
}

#[test]
fn paths() {
    let (guard, store) = store();
    let before = manifest(guard.path());
    let store = url(&store);
    let long = "n".repeat(256);
    let deep = vec!["directory"; 500].join("/");
    for (path, named) in [
        ("../outside/secret", "\"..\""),
        ("directory/../../outside/secret", "\"..\""),
        ("./file", "\".\""),
        ("/etc/passwd", "starts with '/'"),
        ("directory//inner", "empty part"),
        ("directory/", "empty part"),
        (long.as_str(), "256 bytes"),
        (deep.as_str(), "4999 bytes"),
    ] {
        for arguments in [vec!["cat", &store, path], vec!["stat", &store, path], vec!["put", &store, path], vec!["rm", "-r", &store, path]]
        {
            refused(&before, guard.path(), &arguments, 2, &[named]);
        }
        refused(&before, guard.path(), &["cp", "memory:", &format!("{store}#{path}")], 2, &[named]);
    }
    refused(&before, guard.path(), &["rm", "-r", &store, ""], 2, &["root"]);
}

/// A command line cannot hold a NUL, so the one way to get one in is a URL.
#[test]
fn a_nul_in_a_url() {
    let (guard, _) = store();
    refused(&manifest(guard.path()), guard.path(), &["ls", "file:///srv/a%00b"], 2, &["NUL"]);
}

#[test]
fn what_is_not_what_it_should_be() {
    let (guard, store) = store();
    let before = manifest(guard.path());
    let store = url(&store);
    for (arguments, named) in [
        (vec!["cat", &store, "missing"], vec!["\"missing\"", "not found"]),
        (vec!["cat", &store, "directory"], vec!["\"directory\"", "is a directory"]),
        (vec!["cat", &store, "file/below"], vec!["\"file/below\"", "not a directory"]),
        (vec!["put", &store, "file/below"], vec!["file", "not a directory"]),
        (vec!["put", "--parents", &store, "file/below/more"], vec!["\"file", "not a directory"]),
        (vec!["put", &store, "directory"], vec!["\"directory\"", "is a directory"]),
        (vec!["put", &store, "missing/file"], vec!["\"missing/file\"", "not found", "the directory \"missing\" is missing", "-p"]),
        (vec!["get", &store, "file", "/no/such/file"], vec!["the directory \"/no/such\" is missing"]),
        (vec!["ls", &store, "file"], vec!["\"file\"", "not a directory"]),
        (vec!["rm", &store, "directory"], vec!["\"directory\"", "is a directory"]),
        (vec!["rm", "-r", &store, "missing"], vec!["\"missing\"", "not found"]),
        (vec!["put", &store, "file", "/no/such/file"], vec!["/no/such/file"]),
    ] {
        refused(&before, guard.path(), &arguments, 1, &named);
    }
}

/// A link that leads out of the root is a wall, for reading and for writing.
#[test]
fn a_link_out_of_the_root() {
    let (guard, store) = store();
    let before = manifest(guard.path());
    let location = url(&store);
    for (arguments, named) in [
        (vec!["cat", &location, "out/secret"], "\"out/secret\""),
        (vec!["cat", &location, "absolute"], "\"absolute\""),
        (vec!["ls", &location, "out"], "\"out\""),
        (vec!["put", &location, "out/secret"], "out/"),
        (vec!["put", &location, "out/new"], "out/"),
        (vec!["rm", &location, "out/secret"], "\"out/secret\""),
        (vec!["rm", "-r", &location, "out/secret"], "\"out/secret\""),
    ] {
        refused(&before, guard.path(), &arguments, 1, &[named]);
    }
    // Removing the link itself removes the link, and not what it leads to.
    symlink("directory", store.join("in")).unwrap();
    anystorage(["rm", &location, "out"]).ok();
    anystorage(["rm", "-r", &location, "in"]).ok();
    assert!(store.join("out").symlink_metadata().is_err() && store.join("in").symlink_metadata().is_err());
    assert!(store.join("directory/inner/deep").exists() && guard.path().join("outside/secret").exists());
}

#[test]
fn a_location_in_use() {
    let (guard, store) = store();
    let holder = futures_lite::future::block_on(anystorage::open(&url(&store))).unwrap();
    let before = manifest(guard.path());
    let location = url(&store);
    for arguments in [vec!["put", &location, "new"], vec!["rm", &location, "file"], vec!["cp", "memory:", &location]] {
        refused(&before, guard.path(), &arguments, 1, &[&location, "locked"]);
    }
    // Reading goes on meanwhile.
    assert_eq!(anystorage(["cat", &location, "file"]).ok().stdout, "bytes");
    futures_lite::future::block_on(holder.close()).unwrap();
    anystorage(["rm", &location, "file"]).ok();
}

#[test]
fn a_location_that_is_no_directory_or_not_there() {
    let (guard, store) = store();
    let before = manifest(guard.path());
    let (file, missing) = (url(&store.join("file")), url(&store.join("missing")));
    refused(&before, guard.path(), &["ls", &file], 1, &[&file, "not a directory"]);
    refused(&before, guard.path(), &["put", &file, "x"], 1, &[&file, "not a directory"]);
    refused(&before, guard.path(), &["cp", &url(&store), &file], 1, &["inside"]);
    // Looking does not create what is not there, and neither does a mistyped location.
    refused(&before, guard.path(), &["rm", &missing, "x"], 1, &[&missing, "not found"]);
    refused(&before, guard.path(), &["put", &missing, "x"], 1, &[&missing, "not found"]);
    for mode in ["rw", "ro"] {
        refused(&before, guard.path(), &["put", "-p", &format!("{missing}?mode={mode}"), "x"], 1, &[&missing, "not found"]);
    }
    refused(&before, guard.path(), &["ls", &missing], 1, &[&missing, "not found"]);
    refused(&before, guard.path(), &["cp", &missing, "memory:"], 1, &[&missing, "not found"]);
}

/// Runs the program in a mount namespace of its own in which `directory` is mounted read-only.
fn with_read_only(directory: &Path, arguments: &[&str]) -> Ran {
    let script = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@""#;
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script])
        .arg(directory)
        .arg(PROGRAM)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("a read-only place needs the command unshare of util-linux");
    ran(output)
}

/// Runs the program as a user who is not root and owns nothing but `writable`.
pub fn without_privileges(arguments: &[&str], writable: &Path) -> Ran {
    let nobody = 65_534;
    // Temporary directories are for their owner alone; the program itself may lie below one that is, so it runs from a copy.
    let base = tempfile::tempdir().unwrap();
    let program = base.path().join("anystorage");
    // Copied by another process: a child that a test beside this one forks meanwhile would hold our copy open for writing, and a program
    // that is open for writing cannot be run (ETXTBSY).
    assert!(Command::new("cp").arg(PROGRAM).arg(&program).status().unwrap().success());
    let mut opened = vec![base.path().to_owned()];
    opened.extend(writable.ancestors().skip(1).take_while(|above| *above != std::env::temp_dir()).map(Path::to_owned));
    for directory in opened {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(&program);
    if rights_of_root() {
        std::os::unix::fs::chown(writable, Some(nobody), Some(nobody)).unwrap();
        std::os::unix::process::CommandExt::uid(&mut command, nobody);
    }
    ran(command.args(arguments).stdin(Stdio::null()).output().unwrap())
}

fn rights_of_root() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("closed");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    fs::File::open(file).is_ok()
}

#[test]
fn a_place_that_is_read_only() {
    let (guard, store) = store();
    let before = manifest(guard.path());
    let location = url(&store);
    for arguments in [
        vec!["put", &location, "new"],
        vec!["put", &location, "file"],
        vec!["rm", &location, "file"],
        vec!["rm", "-r", &location, "directory"],
    ] {
        let ran = with_read_only(&store, &arguments);
        assert_eq!(ran.code, Some(1), "{arguments:?}: {ran:#?}");
        assert!(ran.stderr.contains("permission denied") && ran.stderr.contains(&location), "{arguments:?}: {ran:#?}");
        assert_same(&before, &manifest(guard.path()));
    }
    // A configuration finds it out by its probe, and falls back.
    let config = guard.path().join("storage.toml");
    fs::write(&config, format!("url = {location:?}\nfallback = [\"memory:\"]\n")).unwrap();
    let before = manifest(guard.path());
    let report = with_read_only(&store, &["--format", "json", "info", "--config", config.to_str().unwrap()]).ok().json()["report"].clone();
    assert_eq!((report["opened"].as_str(), report["tried"][0]["url"].as_str()), (Some("memory:"), Some(location.as_str())));
    assert_eq!(report["tried"][0]["error"]["kind"], "permission_denied");
    // Reading works there, and a URL that says ro refuses in the same words.
    assert_eq!(with_read_only(&store, &["cat", &location, "file"]).ok().stdout, "bytes");
    let read_only = format!("{location}?mode=ro");
    for arguments in [vec!["put", &read_only, "new"], vec!["rm", &read_only, "file"], vec!["cp", "memory:", &read_only]] {
        refused(&before, guard.path(), &arguments, 1, &["permission denied"]);
    }
}

/// `ls -R` stopped at the first directory that it could not list, and its JSON was an array without an end.
#[test]
fn a_directory_that_may_not_be_listed_does_not_hide_the_others() {
    let (_guard, store) = store();
    let location = url(&store);
    fs::create_dir(store.join("closed")).unwrap();
    fs::set_permissions(store.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::write(store.join("zebra"), "").unwrap();
    fs::create_dir(store.join("open")).unwrap();
    fs::write(store.join("open/last"), "").unwrap();

    let table = without_privileges(&["ls", "-R", &location], &store);
    assert_eq!(table.code, Some(1), "{table:#?}");
    assert!(table.stdout.contains("open/last") && table.stdout.contains("directory/inner/deep"), "{table:#?}");
    assert!(table.stderr.contains("permission denied") && table.stderr.contains("\"closed\""), "{table:#?}");

    let json = without_privileges(&["--format", "json", "ls", "-R", &location], &store);
    assert_eq!(json.code, Some(1), "{json:#?}");
    assert_eq!((json.error()["kind"].as_str(), json.error()["path"].as_str()), (Some("permission_denied"), Some("closed")));
    let rows = json.json();
    let rows = rows.as_array().unwrap();
    assert!(rows.iter().any(|row| row["path"] == "open/last"), "{rows:#?}");
    let failed: Vec<_> = rows.iter().filter(|row| !row["error"].is_null()).collect();
    assert_eq!(failed.len(), 1, "{rows:#?}");
    assert_eq!((failed[0]["path"].as_str(), failed[0]["error"]["kind"].as_str()), (Some("closed"), Some("permission_denied")));

    // Asked for by itself, there is nothing to show.
    let alone = without_privileges(&["--format", "json", "ls", &location, "closed"], &store);
    assert_eq!((alone.code, alone.stdout.as_str()), (Some(1), ""), "{alone:#?}");
}

/// What can be done about it, and nothing that does not help.
#[test]
fn hints() {
    let (guard, store) = store();
    let location = url(&store);
    let read_only = format!("{location}?mode=ro");
    fs::create_dir(store.join("odd")).unwrap();
    fs::write(store.join("odd").join(OsStr::from_bytes(b"\xff")), "").unwrap();
    for (arguments, kind, hint) in [
        (vec!["rm", &location, "directory"], "is_a_directory", "rm -r"),
        (vec!["rm", "-r", &location, "odd"], "directory_not_empty", "not UTF-8"),
        (vec!["rm", &read_only, "file"], "permission_denied", "?mode=ro"),
        (vec!["rm", &url(&guard.path().join("missing")), "x"], "not_found", "correct the URL"),
    ] {
        let text = anystorage(&arguments);
        let hinted = text.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap_or_default();
        assert!(hinted.contains(hint), "{arguments:?}: {text:#?}");
        let error = anystorage([&["--format", "json"][..], &arguments].concat()).error();
        assert_eq!((error["kind"].as_str(), error["hint"].as_str()), (Some(kind), Some(hinted)), "{arguments:?}");
    }
    let denied = with_read_only(&store, &["rm", &location, "file"]);
    assert!(denied.stderr.contains("check the permissions") && !denied.stderr.contains("mode=ro"), "{denied:#?}");
}

#[test]
fn errors_for_programs_have_one_shape() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("storage.toml");
    fs::write(&config, "url = \"memory:\"\nautosync = \"5s\"\n").unwrap();
    let config = config.to_str().unwrap();
    let keys = ["hint", "kind", "message", "operation", "path", "url"];
    for (arguments, kind) in [
        (vec!["frobnicate"], "usage"),
        (vec!["info", "--config", config], "invalid_input"),
        (vec!["info", "--config", "/no/such/file"], "not_found"),
        (vec!["cat", "memory:", "x"], "not_found"),
        (vec!["ls", "notes"], "invalid_path"),
    ] {
        let error = anystorage([&["--format", "json"][..], &arguments].concat()).error();
        assert_eq!(error["kind"], kind, "{error}");
        let mut found: Vec<&str> = error.as_object().unwrap().keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, keys, "{arguments:?}");
    }
    // What the parser says has lines, with a mark below the place.
    let text = anystorage(["info", "--config", config]).stderr;
    assert!(text.lines().count() > 2 && text.contains("autosync") && !text.contains("\\n"), "{text}");
}

#[test]
fn arguments() {
    for arguments in [vec![], vec!["frobnicate"], vec!["ls"], vec!["info"], vec!["cat", "memory:"], vec!["ls", "memory:", "--colour"]] {
        let ran = anystorage(&arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:#?}");
        assert!(ran.stderr.contains("Usage"), "{arguments:?}: {ran:#?}");
    }
    let ran = anystorage(["frobnicate", "--format=json"]);
    assert_eq!((ran.code, ran.error()["kind"].as_str()), (Some(2), Some("usage")));
    let not_utf8: Vec<OsString> = vec!["ls".into(), OsStr::from_bytes(b"file:///\xff").to_owned()];
    assert_eq!(anystorage(not_utf8).code, Some(2));
    anystorage(["--help"]).ok();
    assert!(anystorage(["--version"]).ok().stdout.starts_with("anystorage "));
}

/// Names go to terminals: a name with an escape sequence could rewrite what is on the screen.
#[test]
fn control_characters_in_names_are_shown_escaped() {
    let (_guard, store) = store();
    fs::write(store.join("evil\u{1b}[2J\nname"), "x").unwrap();
    let listing = anystorage(["ls", &url(&store)]).ok().stdout;
    assert!(listing.contains("evil\\u{1b}[2J\\nname") && !listing.contains('\u{1b}'), "{listing:?}");
    let error = anystorage(["cat", &url(&store), "missing\u{1b}[2J"]).stderr;
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

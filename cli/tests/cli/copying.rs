//! `cp`: where things go, what is replaced, what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::command::{anystorage, place, url};
use crate::tree::{assert_same, manifest};

fn two_directories() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = (directory.path().join("a"), directory.path().join("b"));
    fs::create_dir(&a).unwrap();
    fs::create_dir(&b).unwrap();
    (directory, a, b)
}

#[test]
fn a_directory_goes_to_the_place_named_and_leaves_the_rest_alone() {
    let (_guard, a, b) = two_directories();
    fs::create_dir_all(a.join("sub/empty")).unwrap();
    fs::write(a.join("sub/new"), "new").unwrap();
    fs::write(a.join("sub/both"), "from a").unwrap();
    fs::write(a.join("outside"), "not asked for").unwrap();
    fs::create_dir_all(b.join("x/y")).unwrap();
    fs::write(b.join("x/y/both"), "from b").unwrap();
    fs::write(b.join("x/y/own"), "own").unwrap();
    anystorage(["cp", &place(&a, "sub"), &place(&b, "x/y")]).ok();
    assert_eq!(fs::read(b.join("x/y/both")).unwrap(), b"from a");
    assert_eq!(fs::read(b.join("x/y/own")).unwrap(), b"own");
    assert_eq!(fs::read(b.join("x/y/new")).unwrap(), b"new");
    assert!(b.join("x/y/empty").is_dir());
    let names: Vec<_> = manifest(&b).into_keys().collect();
    assert_eq!(names, ["x", "x/y", "x/y/both", "x/y/empty", "x/y/new", "x/y/own"]);

    anystorage(["cp", &place(&a, "sub"), &place(&b, "brand/new/place")]).ok();
    assert_same(&manifest(&a.join("sub")), &manifest(&b.join("brand/new/place")));
}

#[test]
fn a_file_goes_to_the_name_given_or_into_the_directory_given() {
    let (_guard, a, b) = two_directories();
    fs::write(a.join("plan.md"), "plan").unwrap();
    fs::create_dir(b.join("directory")).unwrap();
    anystorage(["cp", &place(&a, "plan.md"), &place(&b, "new/name.md")]).ok();
    anystorage(["cp", &place(&a, "plan.md"), &place(&b, "directory")]).ok();
    anystorage(["cp", &place(&a, "plan.md"), &url(&b)]).ok();
    anystorage(["cp", &place(&a, "plan.md"), &place(&a, "copy.md")]).ok();
    for copy in [b.join("new/name.md"), b.join("directory/plan.md"), b.join("plan.md"), a.join("copy.md")] {
        assert_eq!(fs::read(copy).unwrap(), b"plan");
    }
}

#[test]
fn a_tree_is_not_copied_into_itself() {
    let (guard, a, _) = two_directories();
    fs::create_dir(a.join("sub")).unwrap();
    fs::write(a.join("sub/file"), "bytes").unwrap();
    let alias = guard.path().join("alias");
    std::os::unix::fs::symlink(&a, &alias).unwrap();
    let before = manifest(guard.path());
    for (from, to) in [
        (url(&a), url(&a)),
        (url(&a), place(&a, "sub")),
        (url(&a), place(&a, "sub/not/there/yet")),
        (url(&a), url(&a.join("new"))),
        (place(&a, "sub"), url(&a)),
        (place(&a, "sub"), url(&a.join("sub"))),
        (url(&a), place(&alias, "sub")),
        (place(&a, "sub/file"), place(&alias, "sub")),
        (place(&a, "sub/file"), place(&a, "sub/file")),
    ] {
        let ran = anystorage(["--format", "json", "cp", &from, &to]);
        assert_eq!(ran.code, Some(1), "{from} {to}: {ran:#?}");
        let message = ran.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("inside") || message.contains("the same"), "{from} {to}: {message}");
        assert_same(&before, &manifest(guard.path()));
    }
}

/// A file where a directory should be, and the other way round: each is named, the rest is copied, and what was there stays.
#[test]
fn what_is_in_the_way_is_named_and_the_rest_goes_on() {
    let (_guard, a, b) = two_directories();
    for directory in ["1-in-the-way", "3-fine"] {
        fs::create_dir(a.join(directory)).unwrap();
        fs::write(a.join(directory).join("inner"), "inner").unwrap();
    }
    fs::write(a.join("2-also"), "a file").unwrap();
    fs::write(b.join("1-in-the-way"), "precious").unwrap();
    fs::create_dir(b.join("2-also")).unwrap();
    fs::write(b.join("2-also/precious"), "precious").unwrap();
    let ran = anystorage(["--format", "json", "cp", &url(&a), &url(&b)]);
    assert_eq!(ran.code, Some(1));
    let report = ran.json();
    assert_eq!(report["complete"], true);
    let failed: Vec<(&str, &str)> = report["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["path"].as_str().unwrap(), entry["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(failed, [("1-in-the-way", "not_a_directory"), ("2-also", "is_a_directory")]);
    assert!(report["failed"][0]["message"].as_str().unwrap().contains("a file is where a directory should be"), "{report}");
    let told = anystorage(["cp", &url(&a), &url(&b)]);
    assert!(told.stderr.contains("failed: 1-in-the-way: destination: ") && told.stderr.contains("failed: 2-also: "), "{told:#?}");
    assert_eq!(fs::read(b.join("1-in-the-way")).unwrap(), b"precious");
    assert_eq!(fs::read(b.join("2-also/precious")).unwrap(), b"precious");
    assert_eq!(fs::read(b.join("3-fine/inner")).unwrap(), b"inner");
}

#[test]
fn an_unreadable_file_is_named_and_the_rest_goes_on() {
    let (_guard, a, b) = two_directories();
    for name in ["1", "2", "3"] {
        fs::write(a.join(name), name).unwrap();
    }
    fs::set_permissions(a.join("2"), fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything; a user without rights of root in the namespace of this process may not.
    let ran = crate::bad_input::without_privileges(&["--format", "json", "cp", &url(&a), &url(&b)], &b);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let report = ran.json();
    assert_eq!((report["files"].as_u64(), report["failed"].as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(report["failed"][0]["path"], "2");
    assert_eq!(report["failed"][0]["kind"], "permission_denied");
}

/// Out of space, the copy stops, says so, leaves only whole files, and goes on when there is space.
#[test]
fn a_full_destination_stops_the_copy() {
    let (_guard, a, _) = two_directories();
    for number in 0..8 {
        fs::write(a.join(number.to_string()), vec![number; 300 << 10]).unwrap();
    }
    let ran = anystorage(["--format", "json", "cp", &url(&a), "memory:?limit=1MiB"]);
    assert_eq!(ran.code, Some(1));
    let report = ran.json();
    assert_eq!(report["complete"], false);
    assert_eq!(report["files"].as_u64(), Some(3));
    assert_eq!(report["failed"][0]["kind"], "no_space");
    assert_eq!(report["failed"][0]["path"], "3");
    let told = anystorage(["cp", &url(&a), "memory:?limit=1MiB"]);
    assert!(told.stderr.contains("failed: 3: destination: ") && told.stdout.contains("run it again to go on"), "{told:#?}");
}

#[test]
fn the_source_is_not_changed_and_may_be_in_use() {
    let (_guard, a, b) = two_directories();
    fs::write(a.join("file"), "bytes").unwrap();
    let holder = futures_lite::future::block_on(anystorage::open(&url(&a))).unwrap();
    anystorage(["cp", &url(&a), &url(&b)]).ok();
    assert_same(&manifest(&a), &manifest(&b));
    futures_lite::future::block_on(holder.close()).unwrap();
}

/// What an interrupted copy had left at the source was copied on as a file like any other.
#[test]
fn part_files_at_the_source_are_left_out() {
    let (_guard, a, b) = two_directories();
    let part = "sub/.anystorage-cp-85944171f73967e8.part";
    fs::create_dir(a.join("sub")).unwrap();
    fs::write(a.join("sub/foobar"), "the file").unwrap();
    fs::write(a.join(part), "half of").unwrap();
    fs::create_dir(b.join("sub")).unwrap();
    fs::write(b.join(part), "the start").unwrap();
    fs::write(b.join("sub/.anystorage-cp-0123456789abcdef.part"), "of a file that is gone").unwrap();
    let report = anystorage(["--format", "json", "cp", &url(&a), &url(&b)]).ok().json();
    assert_eq!(report["left_out"][0]["path"], part);
    assert_eq!(report["left_out"][0]["reason"], "a part file, left by a copy that was interrupted");
    assert_eq!(report["left_out"].as_array().unwrap().len(), 1);
    assert_eq!((report["files"].as_u64(), report["parts_removed"].as_u64()), (Some(1), Some(1)));
    let names: Vec<_> = manifest(&b).into_keys().collect();
    assert_eq!(names, ["sub", "sub/foobar"]);
    assert_eq!(fs::read(a.join(part)).unwrap(), b"half of");

    fs::write(b.join(part), "another").unwrap();
    let told = anystorage(["cp", &url(&a), &url(&b)]).ok();
    assert!(told.stdout.contains("1 part files of interrupted copies removed"), "{told:#?}");
}

/// A file of the same length that nobody could read could not be replaced either.
#[test]
fn an_unreadable_file_at_the_destination_is_replaced() {
    let (_guard, a, b) = two_directories();
    fs::write(a.join("file"), "new").unwrap();
    fs::write(b.join("file"), "old").unwrap();
    fs::set_permissions(b.join("file"), fs::Permissions::from_mode(0o000)).unwrap();
    let ran = crate::bad_input::without_privileges(&["--format", "json", "cp", &url(&a), &url(&b)], &b).ok();
    assert_eq!(ran.json()["files"], 1);
    assert_eq!(fs::read(b.join("file")).unwrap(), b"new");
}

/// A source that could not be read while it was compared was taken for a broken destination, and stopped the copy.
#[test]
fn a_source_that_breaks_while_compared_lets_the_rest_go_on() {
    let (_guard, a, b) = two_directories();
    for name in ["1", "2", "3"] {
        fs::write(a.join(name), "").unwrap();
    }
    fs::write(b.join("2"), "").unwrap();
    // The memory of a process as a file: empty by its length, and its first byte is an input/output error.
    let script = r#"mount --bind "/proc/$$/mem" "$0" && exec "$@""#;
    let output = std::process::Command::new("unshare")
        .args(["-Urm", "sh", "-c", script])
        .arg(a.join("2"))
        .args([crate::command::PROGRAM, "--format", "json", "cp", &url(&a), &url(&b)])
        .output()
        .expect("a file that cannot be read needs the command unshare of util-linux");
    let ran = crate::command::ran(output);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let report = ran.json();
    assert_eq!((report["complete"].as_bool(), report["files"].as_u64()), (Some(true), Some(2)), "{report}");
    let failed = &report["failed"][0];
    assert_eq!((failed["path"].as_str(), failed["side"].as_str()), (Some("2"), Some("source")), "{report}");
    assert_eq!(failed["kind"], "io");
}

/// It said to run it again, which would have failed the same way, and named nothing.
#[test]
fn a_file_where_the_tree_should_go_is_named() {
    let (_guard, a, b) = two_directories();
    fs::write(a.join("file"), "bytes").unwrap();
    fs::write(b.join("taken"), "precious").unwrap();
    for to in ["taken", "taken/below"] {
        let ran = anystorage(["cp", &url(&a), &place(&b, to)]);
        assert_eq!(ran.code, Some(1), "{ran:#?}");
        assert!(ran.stderr.starts_with("failed: the root: destination: "), "{ran:#?}");
        assert!(ran.stdout.contains("STOPPED before the end: remove what is in the way"), "{ran:#?}");
        assert!(!ran.stdout.contains("run it again"), "{ran:#?}");
    }
    assert_eq!(fs::read(b.join("taken")).unwrap(), b"precious");
}

/// A copy into memory said how much it had copied, and nothing existed afterwards.
#[test]
fn a_destination_that_keeps_nothing_is_warned_of() {
    let (_guard, a, b) = two_directories();
    let file = a.join("file");
    fs::write(&file, "bytes").unwrap();
    for arguments in [vec!["cp", &url(&a), "memory:"], vec!["put", "memory:", "file", file.to_str().unwrap()]] {
        let ran = anystorage(&arguments).ok();
        assert!(ran.stderr.starts_with("warning: memory: keeps nothing"), "{arguments:?}: {ran:#?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{arguments:?}: {ran:#?}");
        let json = anystorage([&["--format", "json"], arguments.as_slice()].concat()).ok();
        assert_eq!((json.json()["durable"].as_bool(), json.stderr.as_str()), (Some(false), ""), "{arguments:?}");
    }
    let kept = anystorage(["--format", "json", "cp", &url(&a), &url(&b)]).ok();
    assert_eq!(kept.json()["durable"], true);
    assert_eq!(anystorage(["cp", &url(&a), &url(&b)]).ok().stderr, "");
}

/// Whoever reads the output may go away; whether the copy worked must be told all the same.
#[test]
fn a_failed_copy_is_a_failure_even_if_nobody_reads() {
    let (_guard, a, b) = two_directories();
    fs::write(a.join("file"), "bytes").unwrap();
    fs::create_dir(b.join("file")).unwrap();
    let mut child = std::process::Command::new(crate::command::PROGRAM)
        .args(["cp", &url(&a), &url(&b)])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

//! Links, devices and names that are not UTF-8: reported, not followed, not dropped in silence.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::command::{anystorage, url};
use crate::tree::manifest;

#[test]
fn what_cannot_be_copied_is_counted_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = (directory.path().join("a"), directory.path().join("b"));
    fs::create_dir_all(a.join("sub")).unwrap();
    fs::write(directory.path().join("secret"), "secret").unwrap();
    fs::write(a.join("sub/file"), "bytes").unwrap();
    symlink("../secret", a.join("link out")).unwrap();
    symlink("sub", a.join("link to directory")).unwrap();
    symlink("nowhere", a.join("sub/broken link")).unwrap();
    fs::write(a.join(OsStr::from_bytes(b"not \xff UTF-8")), "bytes").unwrap();
    fs::create_dir(a.join(OsStr::from_bytes(b"directory \xfe"))).unwrap();
    fs::write(a.join(OsStr::from_bytes(b"directory \xfe")).join("inner"), "bytes").unwrap();
    assert!(Command::new("mkfifo").arg(a.join("pipe")).status().unwrap().success());

    let ran = anystorage(["--format", "json", "cp", &url(&a), &url(&b)]).ok();
    let report = ran.json();
    let left_out: Vec<(&str, &str)> = report["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["path"].as_str().unwrap(), entry["reason"].as_str().unwrap()))
        .collect();
    let link = "a symbolic link, which is not followed";
    for expected in [("link out", link), ("link to directory", link), ("sub/broken link", link), ("pipe", "neither a file nor a directory")]
    {
        assert!(left_out.contains(&expected), "{expected:?} in {left_out:#?}");
    }
    assert_eq!(left_out.iter().filter(|(_, reason)| *reason == "its name is not UTF-8").count(), 2);
    assert_eq!(left_out.len(), 6);
    assert_eq!(ran.stderr, "");
    let names: Vec<_> = manifest(&b).into_keys().collect();
    assert_eq!(names, ["sub", "sub/file"]);

    assert_eq!(anystorage(["cp", "--strict", &url(&a), &url(&b)]).code, Some(1));
    let ran = anystorage(["cp", &url(&a), &url(&b)]).ok();
    assert!(ran.stdout.contains("6 left out, 0 failed"), "{ran:#?}");
    for path in ["link out", "link to directory", "sub/broken link", "pipe"] {
        assert!(ran.stderr.lines().any(|line| line.starts_with(&format!("left out: {path}: "))), "{ran:#?}");
    }
    assert_eq!(ran.stderr.lines().filter(|line| line.ends_with("its name is not UTF-8")).count(), 2, "{ran:#?}");
}

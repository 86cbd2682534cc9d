//! `conformance`: what it prints, and what it leaves behind, which is nothing.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use crate::command::{PROGRAM, anystorage, ran, url};
use crate::tree::manifest;

#[test]
fn every_engine_of_this_build_holds_the_contract() {
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .args(["conformance", "--format", "json"])
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ran = ran(output).ok();
    let report = ran.json();
    let engines = report["engines"].as_array().unwrap();
    let urls: Vec<&str> = engines.iter().map(|engine| engine["url"].as_str().unwrap()).collect();
    assert!(urls.len() == 2 && urls[0] == "memory:" && urls[1].starts_with("file:"), "{urls:?}");

    let mut counted = (0, 0, 0);
    let mut names = BTreeSet::new();
    for engine in engines {
        assert!(engine["capabilities"]["durability"].is_string(), "{engine}");
        for case in engine["cases"].as_array().unwrap() {
            let (name, line) = (case["name"].as_str().unwrap(), case["line"].as_u64().unwrap());
            assert!((1..=12).contains(&line), "{case}");
            assert!(case["seconds"].is_number() || case["seconds"].is_null(), "{case}");
            names.insert(name.split('@').next().unwrap().to_owned());
            match case["status"].as_str().unwrap() {
                "passed" => counted.0 += 1,
                "failed" => counted.1 += 1,
                "skipped" => {
                    assert_ne!(case["detail"], "", "{case}");
                    counted.2 += 1;
                }
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!(counted, (report["passed"].as_u64().unwrap(), report["failed"].as_u64().unwrap(), report["skipped"].as_u64().unwrap()));
    assert_eq!(counted.1, 0);
    assert!(names.len() >= 60, "{} distinct cases", names.len());
    assert!(manifest(temporary.path()).is_empty(), "{:?}", manifest(temporary.path()));
    println!("{} distinct cases; {} passed, {} skipped", names.len(), counted.0, counted.2);
}

#[test]
fn the_files_at_a_url_are_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("mine")).unwrap();
    fs::write(directory.path().join("mine/file"), "bytes").unwrap();
    let before = manifest(directory.path());
    let ran = anystorage(["conformance", "--case", "reads::", &url(directory.path()), "memory:?limit=64MiB"]).ok();
    assert_eq!(manifest(directory.path()), before);
    let last = ran.stdout.lines().last().unwrap();
    assert!(last.ends_with(" skipped") && last.contains(" passed, 0 failed, "), "{last}");
    assert!(!last.starts_with("0 passed"), "{last}");
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with("file:") || line.starts_with("memory:")).count(), 2, "{}", ran.stdout);
}

#[test]
fn what_cannot_be_tested_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let location = url(directory.path());
    for (arguments, named) in [
        (vec!["conformance", "--case", "no such case", "memory:"], "no such case"),
        (vec!["conformance", &format!("{location}?mode=ro")], "reading alone"),
    ] {
        let ran = anystorage(&arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:#?}");
        assert!(ran.stderr.contains(named), "{ran:#?}");
    }
    let missing = url(&directory.path().join("missing"));
    let ran = anystorage(["conformance", &missing]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert!(ran.stderr.contains("missing") && manifest(directory.path()).is_empty(), "{ran:#?}");
}

/// A limit too small for the suite makes cases fail, and the exit code must tell.
#[test]
fn a_failed_case_is_told_by_the_exit_code() {
    let ran = anystorage(["--format", "json", "conformance", "memory:?limit=1"]);
    assert_eq!(ran.code, Some(1));
    let report = ran.json();
    assert!(report["failed"].as_u64().unwrap() > 0);
    let failed = report["engines"][0]["cases"].as_array().unwrap().iter().find(|case| case["status"] == "failed").unwrap();
    assert!(failed["detail"].as_str().unwrap().contains("no space left"), "{failed}");
}

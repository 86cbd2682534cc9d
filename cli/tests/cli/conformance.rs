//! `conformance`: what it prints, and what it leaves behind, which is nothing.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use crate::command::{PROGRAM, anystorage, ran, store_url, url};
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
    let ran = ran(output);
    let report = ran.json();
    let failed: Vec<_> = report["engines"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|engine| engine["cases"].as_array().unwrap().iter().map(move |case| (&engine["url"], case)))
        .filter(|(_, case)| case["status"] == "failed")
        .collect();
    assert!(failed.is_empty() && ran.code == Some(0), "{failed:#?}");
    let engines = report["engines"].as_array().unwrap();
    let urls: Vec<&str> = engines.iter().map(|engine| engine["url"].as_str().unwrap()).collect();
    let schemes: Vec<&str> = urls.iter().map(|url| url.split(':').next().unwrap()).collect();
    assert_eq!(schemes, ["memory", "file", "sled", "redb"], "{urls:?}");

    let mut counted = (0, 0, 0);
    let mut names = BTreeSet::new();
    for (engine, scheme) in engines.iter().zip(schemes) {
        assert!(engine["capabilities"]["durability"].is_string(), "{engine}");
        let cases = engine["cases"].as_array().unwrap();
        let ran = |part: &str| {
            let passed = |case: &&serde_json::Value| case["status"] == "passed" && case["name"].as_str().unwrap().contains(part);
            cases.iter().filter(passed).count()
        };
        if matches!(scheme, "sled" | "redb") {
            assert_eq!(engine["capabilities"]["atomic_sync"], true, "{scheme}");
            for part in ["atomic_sync::", "@kill", "@process", "space::", "damage::"] {
                assert!(ran(part) > 0, "no case of {part} ran on {scheme}");
            }
        }
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

/// A store is a file or a directory of its own, in which nothing else has a place: the suite runs beside it.
#[test]
fn a_store_at_a_url_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let (sled, redb) = (store_url("sled", &directory.path().join("notes")), store_url("redb", &directory.path().join("notes.redb")));
    let (sled, redb) = (format!("{sled}?cache=4MiB"), format!("{redb}?block=4KiB"));
    let run = |urls: [&str; 2]| anystorage([&["conformance", "--format=json", "--case", "atomic_sync::"][..], &urls].concat());
    // There does not have to be one yet, and then there is none afterwards.
    run([&sled, &redb]).ok();
    assert!(manifest(directory.path()).is_empty(), "{:?}", manifest(directory.path()));
    let missing = run([&format!("{sled}&mode=rw"), &redb]);
    assert!(missing.code == Some(1) && missing.stderr.contains("notes"), "{missing:#?}");

    for url in [&sled, &redb] {
        anystorage(["put", "-p", url, "plan.md", "/proc/self/cmdline"]).ok();
    }
    let before = manifest(directory.path());
    let report = run([&sled, &redb]).ok().json();
    assert_eq!(manifest(directory.path()), before);
    for (engine, url) in report["engines"].as_array().unwrap().iter().zip([&sled, &redb]) {
        assert_eq!(engine["url"].as_str(), Some(url.as_str()));
        assert!(engine["cases"].as_array().unwrap().iter().all(|case| case["status"] == "passed"), "{engine}");
    }
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

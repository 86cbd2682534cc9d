//! The fallback list: its order, its probe, and that nothing of it is silent (contract line 10).
#![cfg(all(feature = "memory", feature = "files", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use anystorage::{ErrorKind, Operation, ProbeOutcome, StorageConfig, StorageUrl};
use futures_lite::future::block_on;

/// Cannot be a directory, whoever asks.
const NOWHERE: &str = "file:///dev/null/notes";

fn config(urls: &[&str]) -> StorageConfig {
    let mut urls = urls.iter().map(|url| StorageUrl::parse(url).unwrap());
    let first = StorageConfig::new(urls.next().unwrap());
    urls.fold(first, StorageConfig::or)
}

fn url_of(directory: &Path) -> String {
    StorageUrl::directory(directory).unwrap().to_string()
}

/// Every name below a directory, with its bytes.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn the_first_location_that_works_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let good = url_of(directory.path());
    let storage = block_on(config(&[NOWHERE, &good, "memory:"]).open()).unwrap();
    let report = storage.report();
    assert_eq!((report.opened.as_str(), report.engine, report.durability.as_str()), (good.as_str(), "file", "power loss"));
    assert_eq!(report.probe, ProbeOutcome::Passed);
    assert_eq!(report.tried.len(), 1);
    assert_eq!(report.tried[0].url.as_str(), NOWHERE);
    assert_eq!(report.tried[0].error.kind(), ErrorKind::NotADirectory);

    let json = serde_json::to_value(report).unwrap();
    assert_eq!(json["opened"], good);
    assert_eq!(json["durability"], "power loss");
    assert_eq!(json["tried"][0]["url"], NOWHERE);
    assert_eq!(json["tried"][0]["error"]["kind"], "not_a_directory");
}

#[test]
fn memory_is_used_only_if_it_is_listed() {
    let error = block_on(config(&[NOWHERE, "file:///dev/zero/notes"]).open()).unwrap_err();
    assert_eq!(error.operation(), Operation::OpenLocation);
    for named in [NOWHERE, "file:///dev/zero/notes", "none of 2 locations"] {
        assert!(error.to_string().contains(named), "{error}");
    }
    let storage = block_on(config(&[NOWHERE, "memory:"]).open()).unwrap();
    assert_eq!(storage.report().durability.as_str(), "none");
}

#[test]
fn a_location_that_opens_and_does_not_work_is_passed_over() {
    // It opens, and cannot take one byte.
    let storage = block_on(config(&["memory:?limit=0", "memory:?limit=1MiB"]).open()).unwrap();
    assert_eq!(storage.report().opened.as_str(), "memory:?limit=1MiB");
    assert_eq!(storage.report().tried[0].error.kind(), ErrorKind::NoSpace);

    let unprobed = block_on(config(&["memory:?limit=0", "memory:?limit=1MiB"]).probe(false).open()).unwrap();
    assert_eq!(unprobed.report().opened.as_str(), "memory:?limit=0");
    assert_eq!(unprobed.report().probe, ProbeOutcome::NotAsked);
}

#[test]
fn a_location_in_use_is_passed_over_and_not_broken_into() {
    let directory = tempfile::tempdir().unwrap();
    let url = url_of(directory.path());
    let holder = block_on(anystorage::open(&url)).unwrap();
    let storage = block_on(config(&[&url, "memory:"]).open()).unwrap();
    assert_eq!(storage.report().tried[0].error.kind(), ErrorKind::Locked);
    block_on(holder.close()).unwrap();
    let storage = block_on(config(&[&url, "memory:"]).open()).unwrap();
    assert_eq!(storage.report().opened.as_str(), url);
    assert!(storage.report().tried.is_empty());
}

#[test]
fn the_probe_leaves_nothing_and_touches_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plan.md"), "buy milk").unwrap();
    fs::write(directory.path().join(".anystorage-probe-note"), "of a person").unwrap();
    let before = contents(directory.path());
    let storage = block_on(config(&[&url_of(directory.path())]).open()).unwrap();
    assert_eq!(storage.report().probe, ProbeOutcome::Passed);
    assert_eq!(contents(directory.path()), before);
}

/// A person's file may have the name that the probe would take; it was overwritten by probes with a fixed name.
#[test]
fn a_file_with_the_probes_name_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(".anystorage-probe"), "of a person").unwrap();
    let before = contents(directory.path());
    block_on(config(&[&url_of(directory.path())]).open()).unwrap();
    assert_eq!(contents(directory.path()), before);
}

/// A process that is killed during its probe leaves the probe's file; nobody else would ever remove it.
#[test]
fn what_a_killed_probe_left_is_removed_by_the_next() {
    for left in ["", "anystorage probe: written, synced, read"] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".anystorage-probe"), left).unwrap();
        block_on(config(&[&url_of(directory.path())]).open()).unwrap();
        assert_eq!(contents(directory.path()), BTreeMap::new(), "{left:?}");
    }
}

#[test]
fn a_location_for_reading_alone_is_not_probed() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plan.md"), "buy milk").unwrap();
    let before = contents(directory.path());
    let storage = block_on(config(&[&format!("{}?mode=ro", url_of(directory.path()))]).open()).unwrap();
    assert_eq!(storage.report().probe, ProbeOutcome::ReadOnly);
    let plan = "plan.md".parse().unwrap();
    assert_eq!(block_on(storage.read(&plan)).unwrap(), b"buy milk");
    assert_eq!(block_on(storage.write(&plan, b"")).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(contents(directory.path()), before);
}

/// A disk that is not mounted was created as an empty directory on the root file system, and the fallback was never used.
#[test]
fn a_directory_that_must_be_there_is_passed_over_and_not_created() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("disk");
    let url = format!("{}?mode=rw", url_of(&missing));
    let storage = block_on(config(&[&url, "memory:"]).open()).unwrap();
    assert_eq!(storage.report().opened.as_str(), "memory:");
    assert_eq!(storage.report().tried[0].error.kind(), ErrorKind::NotFound);
    assert!(!missing.exists());

    // Mounted, it is opened, probed and held.
    fs::create_dir(&missing).unwrap();
    let storage = block_on(config(&[&url, "memory:"]).open()).unwrap();
    assert_eq!((storage.report().opened.as_str(), storage.report().probe), (url.as_str(), ProbeOutcome::Passed));
    assert_eq!(block_on(config(&[&url]).open()).unwrap_err().kind(), ErrorKind::Locked);
    drop(storage);

    // The default creates, with what leads there.
    let deep = directory.path().join("a/b");
    block_on(config(&[&format!("{}?mode=rwc", url_of(&deep))]).open()).unwrap();
    assert!(deep.is_dir());
}

#[test]
fn what_was_opened_and_passed_over_is_logged() {
    static LOG: OnceLock<Mutex<Vec<String>>> = OnceLock::new();
    struct Collect;
    impl log::Log for Collect {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            LOG.get_or_init(Mutex::default).lock().unwrap().push(format!("{} {}", record.level(), record.args()));
        }
        fn flush(&self) {}
    }
    log::set_logger(&Collect).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    // Sizes that no other test uses, because tests run side by side.
    block_on(config(&["memory:?limit=1", "memory:?limit=7MiB"]).open()).unwrap();
    let lines = LOG.get_or_init(Mutex::default).lock().unwrap().clone();
    let has = |level: &str, text: &str| lines.iter().any(|line| line.starts_with(level) && line.contains(text));
    assert!(has("WARN", "passed over memory:?limit=1: "), "{lines:#?}");
    assert!(has("INFO", "opened memory:?limit=7MiB: fallback 1 of 1"), "{lines:#?}");
}

#[test]
fn a_configuration_refuses_what_it_does_not_know() {
    for (text, named) in [
        ("url = \"memory:\"\nautosync = \"5s\"", "autosync"),
        ("url = \"memory:\"\nauto_sync = \"5 parsecs\"", "parsecs"),
        ("url = \"memory:\"\nauto_sync = 5", "string"),
        ("url = \"memory:\"\nfallbacks = []", "fallbacks"),
        ("fallback = [\"memory:\"]", "url"),
        ("url = \"memory:\"\nfallback = [\"s3://notes\"]", "s3"),
        ("url = \"file:relative\"", "relative"),
        ("url = \"memory:\"\nprobe = \"yes\"", "boolean"),
    ] {
        let error = toml::from_str::<StorageConfig>(text).unwrap_err().to_string();
        assert!(error.contains(named), "{text:?} should name {named:?}: {error}");
    }
    let config = config(&["memory:?limit=1MiB", "file:///a%20b?mode=ro"]);
    let again: StorageConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
    assert_eq!(again, config);
}

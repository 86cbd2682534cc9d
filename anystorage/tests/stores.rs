//! The engines over key-value stores by their URLs: parameters that arrive, every way to open, probes, and nothing silent when one fails.
#![cfg(all(feature = "memory", feature = "redb", feature = "sled", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::Path;

use anystorage::{ErrorKind, OpenOptions, ProbeOutcome, StorageBackendExt, StorageConfig, StoragePath, StorageUrl};
use futures_lite::future::block_on;

const SCHEMES: [&str; 2] = ["sled", "redb"];

fn url(scheme: &str, path: &Path) -> String {
    StorageUrl::on_host(scheme, path).unwrap().to_string()
}

fn config(urls: &[&str]) -> StorageConfig {
    let mut urls = urls.iter().map(|url| StorageUrl::parse(url).unwrap());
    let first = StorageConfig::new(urls.next().unwrap());
    urls.fold(first, StorageConfig::or)
}

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

#[test]
fn what_one_way_to_open_writes_the_others_read() {
    for scheme in SCHEMES {
        let directory = tempfile::tempdir().unwrap();
        let url = url(scheme, &directory.path().join("store"));
        block_on(async {
            let offloaded = anystorage::open(&format!("{url}?block=4KiB&cache=1MiB")).await.unwrap();
            let declared = offloaded.capabilities();
            assert!(!declared.immediate, "a call that may touch a disk must not be made in the executor");
            assert!(declared.atomic_sync && declared.is_durable(), "{declared:?}");
            offloaded.create_dir_all(&path("a/b")).await.unwrap();
            offloaded.write(&path("a/b/c"), &[7; 10_000]).await.unwrap();
            offloaded.sync().await.unwrap();
            offloaded.close().await.unwrap();

            // The block size of the URL counts where the store is created, and is no mistake later.
            let inline = anystorage::open_inline(&format!("{url}?block=64KiB")).await.unwrap();
            assert!(inline.capabilities().immediate);
            assert_eq!(inline.capabilities().immediate(false), declared, "only where the work is done differs");
            assert_eq!(inline.read(&path("a/b/c")).await.unwrap(), [7; 10_000]);
            inline.close().await.unwrap();
        });
        let blocking = anystorage::open_blocking(&url).unwrap();
        let file = blocking.open(&path("a/b/c"), &OpenOptions::editing()).unwrap();
        file.sync().unwrap();
        assert_eq!(blocking.backend().report().engine, scheme);
        assert_eq!(blocking.backend().report().durability.as_str(), "power loss");
    }
}

#[test]
fn a_small_block_makes_more_records() {
    for scheme in SCHEMES {
        let directory = tempfile::tempdir().unwrap();
        let stored = ["64", "64KiB"].map(|block| {
            let place = directory.path().join(format!("{scheme} {block}"));
            block_on(async {
                let storage = anystorage::open_inline(&format!("{}?block={block}", url(scheme, &place))).await.unwrap();
                storage.write(&path("a"), &[7; 1 << 20]).await.unwrap();
                storage.sync().await.unwrap();
                let used = storage.usage().await.unwrap().used.unwrap();
                storage.close().await.unwrap();
                used
            })
        });
        assert!(stored[0] > stored[1], "{scheme}: 16,384 records of 64 bytes take no more than 16 of 64 KiB: {stored:?}");
    }
}

#[test]
fn it_is_probed_and_the_probe_leaves_nothing() {
    for scheme in SCHEMES {
        let directory = tempfile::tempdir().unwrap();
        let url = url(scheme, &directory.path().join("deep/store"));
        let storage = block_on(config(&[&url, "memory:"]).open()).unwrap();
        let report = storage.report();
        assert_eq!((report.opened.as_str(), report.engine, report.probe), (url.as_str(), scheme, ProbeOutcome::Passed));
        assert!(report.tried.is_empty());
        assert!(block_on(storage.list(&StoragePath::root(), None, 10)).unwrap().is_empty());
    }
}

/// Each fallback says what was passed over, and why; and leaves that as it was.
#[test]
fn a_store_in_use_is_passed_over() {
    for (scheme, other) in [("sled", "redb"), ("redb", "sled")] {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (url(scheme, &directory.path().join("first")), url(other, &directory.path().join("second")));
        let holder = block_on(anystorage::open(&first)).unwrap();
        block_on(holder.write(&path("kept"), b"kept")).unwrap();
        let storage = block_on(config(&[&first, &second]).open()).unwrap();
        let report = storage.report();
        assert_eq!((report.opened.as_str(), report.engine), (second.as_str(), other));
        assert_eq!((report.tried.len(), report.tried[0].url.as_str()), (1, first.as_str()));
        let error = &report.tried[0].error;
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        assert!(error.to_string().contains(&format!("this process, {}", std::process::id())), "{error}");
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["tried"][0]["error"]["kind"], "locked");
        block_on(storage.close()).unwrap();

        // Free again, it is the first choice again, with what its holder synced.
        block_on(async {
            holder.sync().await.unwrap();
            holder.close().await.unwrap();
        });
        let storage = block_on(config(&[&first, &second]).open()).unwrap();
        assert_eq!(storage.report().opened.as_str(), first);
        assert_eq!(block_on(storage.read(&path("kept"))).unwrap(), b"kept");
    }
}

#[test]
fn what_is_something_else_is_passed_over_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let letter = directory.path().join("letter.txt");
    let text = "Dear all,\n".repeat(2000);
    fs::write(&letter, &text).unwrap();
    let photos = directory.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("cat.jpg"), "not a cat").unwrap();
    let good = url("redb", &directory.path().join("good.redb"));
    let bad = [url("redb", &letter), url("redb", &photos), url("sled", &letter), url("sled", &photos)];
    let all: Vec<&str> = bad.iter().map(String::as_str).chain([good.as_str()]).collect();
    let storage = block_on(config(&all).open()).unwrap();
    let report = storage.report();
    assert_eq!(report.opened.as_str(), good);
    assert_eq!(report.why, "fallback 4 of 4, because what comes before it does not work");
    for (attempt, url) in report.tried.iter().zip(&bad) {
        assert_eq!(attempt.url.as_str(), url);
        let named = Path::new(attempt.url.host_path().unwrap()).file_name().unwrap().to_str().unwrap();
        assert!(attempt.error.to_string().contains(named), "{}", attempt.error);
    }
    assert_eq!(report.tried.len(), 4);
    assert_eq!(fs::read_to_string(&letter).unwrap(), text);
    let left: Vec<_> = fs::read_dir(&photos).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["cat.jpg"]);
    assert_eq!(fs::read(photos.join("cat.jpg")).unwrap(), b"not a cat");

    // With nothing to fall back to, the error of each is told.
    let error = block_on(config(&[&bad[0], &bad[3]]).open()).unwrap_err().to_string();
    assert!(error.contains("none of 2 locations") && bad.iter().filter(|url| error.contains(url.as_str())).count() == 2, "{error}");
}

#[test]
fn a_store_that_must_be_there_is_not_created() {
    for scheme in SCHEMES {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("disk/store");
        let url = url(scheme, &missing);
        let must_exist = format!("{url}?mode=rw");
        let storage = block_on(config(&[&must_exist, "memory:"]).open()).unwrap();
        assert_eq!(storage.report().tried[0].error.kind(), ErrorKind::NotFound, "{}", storage.report().tried[0].error);
        assert!(!missing.parent().unwrap().exists());
        drop(block_on(anystorage::open(&url)).unwrap());
        let storage = block_on(config(&[&must_exist, "memory:"]).open()).unwrap();
        assert_eq!(storage.report().opened.as_str(), must_exist);
    }
}

/// Dropping does not sync: what is there afterwards was synced by the clock, or by closing.
#[test]
fn what_is_asked_to_be_synced_by_itself_is() {
    let asked: [(&str, bool, bool); 3] = [("", false, false), ("auto_sync = \"20ms\"", false, true), ("auto_sync = \"1h\"", true, true)];
    for scheme in SCHEMES {
        for (key, closes, is_kept) in asked {
            let directory = tempfile::tempdir().unwrap();
            let url = url(scheme, &directory.path().join("store"));
            let config: StorageConfig = toml::from_str(&format!("url = \"{url}\"\n{key}")).unwrap();
            let storage = config.open_blocking().unwrap();
            storage.write(&path("note"), b"later").unwrap();
            let unsynced = || storage.backend().unsynced_bytes();
            if closes {
                assert_eq!(unsynced(), Some(5), "{scheme}, {key}");
                storage.close().unwrap();
            } else if is_kept {
                let begin = std::time::Instant::now();
                while unsynced() != Some(0) {
                    assert!(begin.elapsed().as_secs() < 60, "{scheme}: {:?}", storage.backend().last_sync_error());
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            } else {
                assert_eq!(unsynced(), None);
            }
            let told = serde_json::to_value(storage.backend().report()).unwrap();
            assert_eq!(told.get("auto_sync").is_some(), is_kept, "{told}");
            drop(storage);
            let storage = anystorage::open_blocking(&url).unwrap();
            let found = storage.read(&path("note")).map_err(|error| error.kind());
            assert_eq!(found, if is_kept { Ok(b"later".to_vec()) } else { Err(ErrorKind::NotFound) }, "{scheme}, {key}");
        }
    }
}

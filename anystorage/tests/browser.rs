//! The engines of browsers by their URLs, in a page and in a worker.
#![cfg(all(target_family = "wasm", target_os = "unknown", feature = "memory", feature = "idb", feature = "opfs-packed-page"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::Duration;

use anystorage::{Durability, ErrorKind, OpenOptions, ProbeOutcome, StorageBackend, StorageConfig, StoragePath, StorageUrl};
use anystorage_browser_host::global::sleep;
use futures_lite::future::{poll_once, yield_now};
use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// Writes, syncs, closes, opens again and reads.
async fn keeps(url: &str) {
    let storage = anystorage::open(url).await.unwrap();
    storage.write(&path("plan"), b"buy milk").await.unwrap();
    storage.sync().await.unwrap();
    storage.close().await.unwrap();
    let storage = anystorage::open(&format!("{url}{}mode=rw", if url.contains('?') { '&' } else { '?' })).await.unwrap();
    assert_eq!(storage.report().durability, Durability::Process);
    assert_eq!(storage.read(&path("plan")).await.unwrap(), b"buy milk");
    storage.close().await.unwrap();
}

#[wasm_bindgen_test]
async fn idb_keeps_files() {
    keeps("idb://facade").await;
    keeps("idb://facade%20%F0%9F%98%80/%5C?block=4KiB&cache=1MiB").await;
}

#[wasm_bindgen_test]
async fn a_location_that_must_be_there_is_not_created() {
    for _ in 0..2 {
        assert_eq!(anystorage::open("idb://facade-missing?mode=rw").await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[wasm_bindgen_test]
async fn a_second_holder_is_refused() {
    let holder = anystorage::open("idb://facade-held").await.unwrap();
    assert_eq!(anystorage::open("idb://facade-held").await.unwrap_err().kind(), ErrorKind::Locked);
    holder.close().await.unwrap();
    anystorage::open("idb://facade-held").await.unwrap().close().await.unwrap();
}

/// A browser that is busy gives a lock late. Whether somebody has it is what counts, not how long that takes.
#[wasm_bindgen_test]
async fn a_lock_that_comes_late_is_waited_for() {
    let slow_down = "const { request } = LockManager.prototype; \
                     const later = () => new Promise((done) => setTimeout(done, 1500)); \
                     LockManager.prototype.request = function (...all) { return later().then(() => request.apply(this, all)); }; \
                     return () => { LockManager.prototype.request = request; };";
    let held = anystorage::open("idb://facade-late-held").await.unwrap();
    // Locations of OPFS share the lock of what they lie in.
    let neighbour = anystorage::open("opfs://facade-late-held?io=stream").await.ok();
    let restore = Function::new_no_args(slow_down).call0(&JsValue::UNDEFINED).unwrap().unchecked_into::<Function>();
    let free = anystorage::open("idb://facade-late").await;
    let refused = anystorage::open("idb://facade-late-held").await;
    let beside = anystorage::open("opfs://facade-late?io=stream").await;
    restore.call0(&JsValue::UNDEFINED).unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
    free.unwrap().close().await.unwrap();
    held.close().await.unwrap();
    if let Some(neighbour) = neighbour {
        beside.unwrap().close().await.unwrap();
        neighbour.close().await.unwrap();
    }
}

/// What a browser cannot open is passed over, is not replaced by memory, and is told.
#[wasm_bindgen_test]
async fn a_configuration_falls_back_and_says_so() {
    let config = StorageConfig::new(StorageUrl::parse("file:///var/lib/notes").unwrap());
    let config = config.or(StorageUrl::parse("idb://facade-second").unwrap()).or(StorageUrl::parse("memory:").unwrap());
    let storage = config.open().await.unwrap();
    let report = storage.report();
    assert_eq!((report.opened.as_str(), report.tried.len(), report.probe), ("idb://facade-second", 1, ProbeOutcome::Passed));
    assert_eq!(report.tried[0].error.kind(), ErrorKind::Unsupported);
    assert!(report.tried[0].error.to_string().contains("there is no engine of file: on this target"), "{}", report.tried[0].error);
    storage.close().await.unwrap();
}

/// Dropping does not sync: what is there afterwards was synced by the browser's timer, or by closing.
#[wasm_bindgen_test]
async fn what_is_asked_to_be_synced_by_itself_is() {
    for (number, (millis, closes)) in [(None, false), (Some(20), false), (Some(3_600_000), true)].into_iter().enumerate() {
        let url = format!("idb://facade-auto-sync-{number}");
        let mut config = StorageConfig::new(StorageUrl::parse(&url).unwrap());
        config.auto_sync = millis.map(Duration::from_millis);
        let storage = config.open().await.unwrap();
        storage.write(&path("note"), b"later").await.unwrap();
        if closes {
            assert_eq!(storage.unsynced_bytes(), Some(5));
            storage.close().await.unwrap();
        } else if millis.is_some() {
            for round in 0.. {
                if storage.unsynced_bytes() == Some(0) {
                    break;
                }
                assert!(round < 600, "{:?}", storage.last_sync_error());
                sleep(100.0).await;
            }
        }
        drop(storage);
        let storage = anystorage::open(&url).await.unwrap();
        let found = storage.read(&path("note")).await.map_err(|error| error.kind());
        assert_eq!(found, if millis.is_some() { Ok(b"later".to_vec()) } else { Err(ErrorKind::NotFound) }, "{url}");
        storage.close().await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn blocking_says_that_the_engine_has_to_wait() {
    let error = anystorage::open_blocking("idb://facade-blocking").map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
}

/// Whether the browser has this interface here, by what the platform itself says.
fn has_interface(name: &str, method: &str) -> bool {
    let prototype = Reflect::get(&js_sys::global(), &name.into()).and_then(|interface| Reflect::get(&interface, &"prototype".into()));
    prototype.and_then(|prototype| Reflect::has(&prototype, &method.into())).unwrap_or(false)
}

/// Synchronous access handles, which dedicated workers alone have.
fn has_handles() -> bool {
    has_interface("FileSystemSyncAccessHandle", "flush")
}

/// Counts the workers that are started from here, and the messages to them.
const COUNTED: &str = "
    globalThis.started ??= [];
    globalThis.sent = 0;
    if (!globalThis.Counted) {
        globalThis.Counted = class extends Worker {
            constructor(...all) {
                super(...all);
                started.push(this);
                // Its own, not the class's: what the test runner puts in the place of `Worker` makes objects of another class.
                const post = this.postMessage;
                this.postMessage = (...all) => {
                    globalThis.sent += 1;
                    post.apply(this, all);
                };
            }
        };
        globalThis.Worker = Counted;
    }";

/// Files that are opened ahead are for dedicated workers alone.
async fn pool() {
    let url = "opfs://facade-pool?layout=pool&capacity=4";
    if !has_handles() {
        let error = anystorage::open(url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        for word in ["dedicated workers", "tree", "packed"] {
            assert!(error.to_string().contains(word), "{error}");
        }
        return;
    }
    keeps(url).await;
    keeps("opfs://facade-pool").await;
    let storage = anystorage::open("opfs://facade-pool").await.unwrap();
    assert!(storage.capabilities().immediate);
    storage.close().await.unwrap();
}

/// In a page a worker does the work. What it is asked without waiting in between goes in few messages; what it has synced outlives it.
#[wasm_bindgen_test]
async fn a_page_gets_over_the_end_of_its_worker() {
    if has_handles() || !has_interface("StorageManager", "getDirectory") || !has_interface("Worker", "postMessage") {
        return;
    }
    js_sys::eval(COUNTED).unwrap();
    let number = |script: &str| js_sys::eval(script).unwrap().as_f64().unwrap();
    for layout in ["tree", "packed"] {
        let url = format!("opfs://facade-worker-{layout}?layout={layout}");
        let storage = anystorage::open(&url).await.unwrap();
        storage.write(&path("synced"), b"synced").await.unwrap();
        let file = storage.open(&path("open"), &OpenOptions::editing()).await.unwrap();
        js_sys::eval("sent = 0").unwrap();
        let mut under_way = Vec::new();
        for number in 0..200_u64 {
            let mut write = Box::pin(file.write_at(number * 8, b"12345678"));
            match poll_once(write.as_mut()).await {
                Some(written) => written.unwrap(),
                None => under_way.push(write),
            }
        }
        for write in under_way {
            write.await.unwrap();
        }
        assert_eq!(file.stat().await.unwrap().len, 1600);
        let sent = number("sent");
        // The writes of one turn, and what is asked after them. What is packed waits in the page for its sync.
        let fewest = if layout == "tree" { 1.0 } else { 0.0 };
        assert!((fewest..=2.0).contains(&sent), "{layout}: {sent} messages for 200 writes");
        storage.sync().await.unwrap();

        storage.write(&path("lost"), b"unsynced").await.unwrap();
        let other = storage.open(&path("under way"), &OpenOptions::editing()).await.unwrap();
        let mut under_way = Vec::new();
        for number in 0..50_u64 {
            for call in [other.write_at(number * 8, b"abcdefgh"), other.sync()] {
                let mut call = Box::pin(call);
                if poll_once(call.as_mut()).await.is_none() {
                    under_way.push(call);
                }
            }
        }
        js_sys::eval("sent = 0").unwrap();
        // They are sent in a later turn of the same task, in which no answer can come.
        for _ in 0..100 {
            if number("sent") > 0.0 {
                break;
            }
            yield_now().await;
        }
        assert!(number("sent") > 0.0, "{layout}: nothing was sent");
        js_sys::eval("started.at(-1).terminate()").unwrap();
        // What was answered before may have succeeded; what was not ends, and none after it succeeds.
        let mut lost = 0;
        for call in under_way {
            match call.await {
                Ok(()) => assert_eq!(lost, 0, "{layout}: answered by nobody"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Disconnected, "{layout}: {error}");
                    lost += 1;
                }
            }
        }
        assert!(lost > 0, "{layout}: no call was under way");
        let error = file.write_at(0, b"gone").await.and(storage.sync().await).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected, "{layout}: {error}");
        drop((file, other, storage));

        let storage = anystorage::open(&url).await.unwrap();
        assert_eq!(storage.read(&path("synced")).await.unwrap(), b"synced");
        assert_eq!(storage.read(&path("open")).await.unwrap(), b"12345678".repeat(200));
        storage.close().await.unwrap();
    }
    js_sys::eval("globalThis.Worker = Object.getPrototypeOf(Counted)").unwrap();
}

/// Writable streams are in pages and in workers of all kinds, where the browser has a private file system for programs like this one.
#[wasm_bindgen_test]
async fn opfs_streams_keep_files_or_say_why_not() {
    let opened = anystorage::open("opfs://facade-stream?io=stream").await;
    if has_interface("StorageManager", "getDirectory") && has_interface("FileSystemFileHandle", "createWritable") {
        opened.unwrap().close().await.unwrap();
        keeps("opfs://facade-stream/deeper?io=stream").await;
    } else {
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}

/// Without a wait, in a dedicated worker of an isolated page. A page, which must not sleep, and who has no memory to share, is told so.
#[cfg(feature = "bridge")]
#[wasm_bindgen_test]
async fn a_bridged_location_is_for_code_that_cannot_wait() {
    let options = anystorage::remote::shared::SharedOptions::new();
    let bridged = || anystorage::open_bridged("idb://facade-bridged", &options);
    assert_eq!(anystorage::open_bridged("idb://facade-bridged?nothing=1", &options).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let has = |name: &str| Reflect::get(&js_sys::global(), &name.into()).unwrap().is_truthy();
    if has("document") || !has("crossOriginIsolated") || !has("SharedArrayBuffer") {
        let refused = bridged().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
        return;
    }
    let storage = bridged().await.unwrap();
    storage.write(&path("plan"), b"buy milk").unwrap();
    storage.sync().unwrap();
    let held = anystorage::open("idb://facade-bridged").await.unwrap_err();
    assert_eq!(held.kind(), ErrorKind::Locked);
    storage.close().unwrap();
    let storage = bridged().await.unwrap();
    assert_eq!(storage.read(&path("plan")).unwrap(), b"buy milk");
    // An engine that is not there is told by whoever has tried.
    assert_eq!(anystorage::open_bridged("file:///notes", &options).await.unwrap_err().kind(), ErrorKind::Unsupported);

    // And another one is tried, where one is configured: this one is held.
    let config = StorageConfig::new("idb://facade-bridged".parse().unwrap()).or("idb://facade-bridged-2".parse().unwrap());
    let fallback = config.auto_sync(Duration::from_secs(60)).open_bridged(&options).await.unwrap();
    let report = fallback.backend().report();
    assert_eq!((report.opened.as_str(), report.probe), ("idb://facade-bridged-2", ProbeOutcome::Passed));
    assert_eq!(report.tried.first().map(|attempt| attempt.error.kind()), Some(ErrorKind::Locked));
    fallback.write(&path("plan"), b"buy bread").unwrap();
    assert!(fallback.backend().unsynced_bytes().unwrap() > 0);
    fallback.close().unwrap();
    storage.close().unwrap();
    assert_eq!(anystorage::open("idb://facade-bridged-2").await.unwrap().read(&path("plan")).await.unwrap(), b"buy bread");
}

/// Where there are no synchronous handles, opening says what to do, and a configuration goes on to the next engine and says so.
#[wasm_bindgen_test]
async fn opfs_keeps_files_or_says_why_not() {
    let opened = anystorage::open("opfs://facade").await;
    if has_interface("StorageManager", "getDirectory") && (has_handles() || has_interface("Worker", "postMessage")) {
        opened.unwrap().close().await.unwrap();
        keeps("opfs://facade/%F0%9F%98%80?layout=tree").await;
        // The layout that it has is recognised.
        keeps("opfs://facade-packed?layout=packed&cache=4MiB").await;
        keeps("opfs://facade-packed").await;
        pool().await;
        let mistaken = anystorage::open("opfs://facade-packed?layout=tree").await.unwrap_err();
        assert_eq!(mistaken.kind(), ErrorKind::InvalidInput, "{mistaken}");
        assert_eq!(anystorage::open("opfs://facade-missing?mode=rw").await.unwrap_err().kind(), ErrorKind::NotFound);
        return;
    }
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let config = StorageConfig::new(StorageUrl::parse("opfs://facade").unwrap());
    let storage = config.or(StorageUrl::parse("idb://facade-instead").unwrap()).open().await.unwrap();
    let report = storage.report();
    assert_eq!((report.opened.as_str(), report.tried.len()), ("idb://facade-instead", 1));
    assert_eq!(report.tried[0].error.kind(), ErrorKind::Unsupported);
    storage.close().await.unwrap();
}

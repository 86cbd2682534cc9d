//! A list of locations, followed by the facade as far as the browser makes it go, and reported (contract line 10).

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Browser, Context};
use serde_json::Value;

use crate::world::{World, browser};

const LIST: [&str; 3] = ["opfs://list", "idb://list", "memory:"];

/// What has to be opened in a page and in a worker.
type Expected = [(Context, &'static str); 2];

const EVERYWHERE_IN_MEMORY: Expected = [(Context::Page, "memory"), (Context::Worker, "memory")];
const AS_USUAL: Expected = [(Context::Page, "opfs"), (Context::Worker, "opfs")];
const IDB_ALONE: Expected = [(Context::Page, "idb"), (Context::Worker, "idb")];

#[test]
fn as_usual_the_list_ends_where_there_is_most() {
    let world = World::new(Storage::Usual);
    world.page();
    follows(&world, "usual", if browser() == Browser::WebKit { IDB_ALONE } else { AS_USUAL });
}

#[test]
fn a_private_window_follows_the_list() {
    let world = World::new(Storage::Private);
    world.page();
    follows(&world, "private", if browser() == Browser::Chromium { AS_USUAL } else { IDB_ALONE });
}

#[test]
fn where_storage_is_denied_memory_is_left() {
    let world = World::new(Storage::Denied);
    world.page();
    follows(&world, "denied", EVERYWHERE_IN_MEMORY);
}

/// A name of this machine other than `localhost`, by plain HTTP: browsers give such pages neither locks nor storage.
#[test]
fn where_the_origin_is_not_secure_memory_is_left() {
    let world = World::with(|launch| launch.host("store.test"));
    world.page_on("store.test");
    for attempt in follows(&world, "not secure", EVERYWHERE_IN_MEMORY) {
        let (kind, text) = told(&attempt["error"], "message");
        assert!(kind == "unsupported" && text.contains("secure"), "{attempt}");
    }
}

/// Firefox: private windows as they were before 115, which a preference brings back; `dom.indexedDB.enabled` is without effect in 153.
/// Chromium blocks IndexedDB with all other site data, or not at all. WebKitGTK has a setting that takes it from the page.
#[test]
fn where_indexeddb_is_blocked_memory_is_left() {
    let world = World::with(|launch| match browser() {
        Browser::Firefox => launch.storage(Storage::Private).preference("dom.indexedDB.privateBrowsing.enabled", false),
        _ => launch.storage(Storage::Denied),
    });
    world.page();
    follows(&world, "IndexedDB blocked", EVERYWHERE_IN_MEMORY);
    for context in Context::ALL {
        let refused = world.open(context, &["idb://alone"]);
        let (kind, text) = told(&refused["Err"], "text");
        let kinds = [ErrorKind::Unsupported, ErrorKind::PermissionDenied].map(ErrorKind::as_str);
        assert!(kinds.contains(&kind) && text.contains("IndexedDB"), "{refused}");
    }
}

/// Opens the list in both contexts: what was tried in vain.
fn follows(world: &World, how: &str, expected: Expected) -> Vec<Value> {
    let mut all = Vec::new();
    for (context, engine) in expected {
        let answer = world.open(context, &LIST);
        let report = &answer["Ok"];
        assert_eq!((report["engine"].as_str(), report["probe"].as_str()), (Some(engine), Some("passed")), "{how}: {answer}");
        let before = LIST.iter().position(|url| url.starts_with(engine)).unwrap();
        let tried = report["tried"].as_array().unwrap();
        assert_eq!(tried.iter().map(|attempt| attempt["url"].as_str().unwrap()).collect::<Vec<_>>(), LIST[..before], "{how}: {answer}");
        println!("{}, {how}: {} opens {engine}: {}", browser().as_str(), context.as_str(), report["why"].as_str().unwrap());
        for attempt in tried {
            let (kind, text) = told(&attempt["error"], "message");
            println!("    {text}");
            assert!(["unsupported", "permission_denied"].contains(&kind), "{how}: {attempt}");
        }
        all.extend_from_slice(tried);
    }
    all
}

fn told<'a>(error: &'a Value, text: &str) -> (&'a str, &'a str) {
    (error["kind"].as_str().unwrap(), error[text].as_str().unwrap())
}

//! `AutoSync` in pages and workers: its times, a page that is hidden, one that is left, and the close.
//!
//! The failure that is feared most: a page is reloaded in the middle of a commit, and the next one finds a part of it. WebKitGTK's IndexedDB did
//! that. Its tabs were not seen to become hidden, so that scenario cannot be played there.
//!
//! `ANYSTORAGE_RELOADS` says how often a page is left without a sync; 3 if it is not set.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Browser, Context};
use serde_json::{Value, json};

use crate::world::{PATIENCE, World, browser};

/// Makes a page or a worker of it take calls.
const ENTER: &str = r#"
    const [context] = arguments;
    return new Promise((resolve, reject) => {
        if (context === "worker") {
            const worker = new Worker("/location.js", { type: "module" });
            const waiting = new Map();
            worker.onmessage = ({ data: { id, outcome } }) => (waiting.get(id)(outcome), waiting.delete(id));
            worker.onerror = ({ message }) => reject(new Error(message));
            let id = 0;
            window.callWorker = (...words) => new Promise((done) => (waiting.set(++id, done), worker.postMessage({ id, words })));
            resolve(null);
        } else {
            const script = document.createElement("script");
            script.type = "module";
            script.src = "/location.js";
            script.onload = () => resolve(null);
            script.onerror = () => reject(new Error("it cannot be loaded"));
            document.head.append(script);
        }
    });
"#;

const LEN: u32 = 70_000;

/// A location and who has it.
#[derive(Clone, Copy, Debug)]
struct Location {
    name: &'static str,
    context: Context,
    url: &'static str,
    mirrored: bool,
}

const IN_A_PAGE: [Location; 2] = [
    Location { name: "page-idb", context: Context::Page, url: "idb://auto-page", mirrored: false },
    Location { name: "page-mirror", context: Context::Page, url: "idb://auto-page-mirror", mirrored: true },
];
const IN_A_WORKER: [Location; 2] = [
    Location { name: "worker-mirror", context: Context::Worker, url: "idb://auto-worker-mirror", mirrored: true },
    Location { name: "worker-pool", context: Context::Worker, url: "opfs://auto-worker?layout=pool", mirrored: false },
];

fn locations() -> impl Iterator<Item = Location> {
    let has_opfs = browser() != Browser::WebKit;
    IN_A_PAGE.into_iter().chain(IN_A_WORKER).filter(move |location| has_opfs || !location.url.starts_with("opfs"))
}

fn enter(world: &World) {
    drop(world.page());
    for context in Context::ALL {
        world.session.run(ENTER, &[context.as_str().into()]).unwrap();
    }
}

#[track_caller]
fn call(world: &World, location: Location, method: &str, options: &[Value]) -> Value {
    let script = match location.context {
        Context::Worker => "return window.callWorker(...arguments)",
        _ => "return window.callLocation(...arguments)",
    };
    let words: Vec<Value> = [json!(location.name), json!(method)].into_iter().chain(options.iter().cloned()).collect();
    let outcome = world.session.run(script, &words).unwrap();
    assert!(outcome.get("failed").is_none(), "{location:?}, {method}: {outcome}");
    outcome["done"].clone()
}

#[track_caller]
fn open(world: &World, location: Location, interval: Option<u32>, quiet: Option<u32>) {
    let options = [json!(location.url), json!(location.mirrored), json!(interval), json!(quiet)];
    call(world, location, "open", &options);
}

#[track_caller]
fn write(world: &World, location: Location, seed: u32) {
    call(world, location, "write", &[json!("file"), json!(LEN), json!(seed)]);
}

/// Of the seeds up to `last`, the one that all of the file is of.
#[track_caller]
fn seed(world: &World, location: Location, last: u32) -> u32 {
    let seed = call(world, location, "seed", &[json!("file"), json!(LEN), json!(last)]);
    u32::try_from(seed.as_u64().unwrap()).unwrap()
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{PATIENCE:?} passed, and not: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// What was said to be synced by itself has to be there after a kill.
#[test]
fn what_is_written_is_synced_when_it_is_time() {
    const NEVER: u32 = 100_000_000;
    let mut world = World::new(Storage::Usual);
    for (first, (interval, quiet)) in [(1, (Some(50), None)), (4, (Some(NEVER), Some(50)))] {
        enter(&world);
        for location in locations() {
            open(&world, location, interval, quiet);
            for seed in first..first + 3 {
                write(&world, location, seed);
                until("it is synced", || call(&world, location, "is_synced", &[]) == json!(true));
                assert_eq!(call(&world, location, "unsynced_bytes", &[]), json!(0), "{location:?}");
            }
        }
        world = world.killed_and_started();
        enter(&world);
        for location in locations() {
            open(&world, location, None, None);
            assert_eq!(seed(&world, location, first + 2), first + 2, "{location:?}");
        }
        world.session.reload().unwrap();
    }
}

#[test]
fn a_close_syncs() {
    let world = World::new(Storage::Usual);
    enter(&world);
    for location in locations() {
        open(&world, location, None, None);
        write(&world, location, 7);
        assert_eq!(call(&world, location, "unsynced_bytes", &[]), json!(LEN), "{location:?}");
        call(&world, location, "close", &[]);
    }
    let world = world.killed_and_started();
    enter(&world);
    for location in locations() {
        open(&world, location, None, None);
        assert_eq!(seed(&world, location, 7), 7, "{location:?}");
    }
}

/// Another tab comes to the front, and the browser is killed before the first one does again.
#[test]
fn a_page_that_is_hidden_is_synced() {
    let world = World::new(Storage::Usual);
    enter(&world);
    for location in IN_A_PAGE {
        open(&world, location, None, None);
        write(&world, location, 7);
        world.session.run("tellWhenHidden(arguments[0])", &[location.name.into()]).unwrap();
    }
    drop(world.another_page());
    for location in IN_A_PAGE {
        let is_synced =
            || world.session.run("return localStorage.getItem(arguments[0])", &[location.name.into()]).unwrap() == json!("synced");
        until("the hidden page is synced", is_synced);
    }
    let world = world.killed_and_started();
    enter(&world);
    for location in IN_A_PAGE {
        open(&world, location, None, None);
        assert_eq!(seed(&world, location, 7), 7, "{location:?}");
    }
}

/// A page is left right after something was written: the sync begins, and the browser decides whether it ends. All of it is there, or nothing.
#[test]
fn a_page_that_is_left_loses_all_of_what_was_not_synced_or_nothing() {
    let times = std::env::var("ANYSTORAGE_RELOADS").map_or(3, |text| text.parse().unwrap());
    let world = World::new(Storage::Usual);
    let mut kept = [0; IN_A_PAGE.len()];
    enter(&world);
    for location in IN_A_PAGE {
        open(&world, location, None, None);
        write(&world, location, 0);
        call(&world, location, "close", &[]);
        open(&world, location, None, None);
    }
    let mut last = [0; IN_A_PAGE.len()];
    for time in 1..=times {
        for location in IN_A_PAGE {
            write(&world, location, time);
        }
        world.session.reload().unwrap();
        enter(&world);
        for (at, location) in IN_A_PAGE.into_iter().enumerate() {
            open(&world, location, None, None);
            let found = seed(&world, location, time);
            assert!(found == time || found == last[at], "{location:?}: the write {found} where {time} or {} is expected", last[at]);
            kept[at] += u32::from(found == time);
            last[at] = found;
        }
    }
    for (location, kept) in IN_A_PAGE.iter().zip(kept) {
        println!("{}, {}: of {times} pages that were left, {kept} had synced what they wrote last", browser().as_str(), location.name);
    }
}

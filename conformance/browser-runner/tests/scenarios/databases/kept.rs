//! Large databases, found again by the next page and the next browser.
//!
//! `ANYSTORAGE_SQLITE_MEGABYTES` makes the shop larger (3 if it is not set), `ANYSTORAGE_KEYS` sets how many keys redb is given (20,000).

use std::time::Instant;

use anystorage_browser_runner::driver::Storage;
use serde_json::json;

use super::desk::Desk;
use super::{LAYOUTS, has_opfs, number, url};
use crate::world::{World, browser};

/// About what a document with its share of orders, indexes and words takes in the file.
const BYTES_PER_DOCUMENT: u32 = 1_880;

#[test]
fn orders_and_documents_survive_a_reload() {
    if !has_opfs() {
        return;
    }
    let desk = Desk::new();
    let world = World::new(Storage::Usual);
    desk.enter(&world);
    for layout in LAYOUTS {
        fill_and_find(&desk, &world, layout, &url(layout, "shop"));
    }
}

/// Fills a shop, and looks for what is in it after a reload.
pub(super) fn fill_and_find(desk: &Desk, world: &World, title: &str, url: &str) {
    let megabytes = number("ANYSTORAGE_SQLITE_MEGABYTES", 3);
    let done = desk.run(world, "fill_shop", url, &json!({ "documents": (megabytes << 20) / BYTES_PER_DOCUMENT }));
    let bytes = done["pages"].as_u64().unwrap() * 4096;
    println!("{}, {title}: {bytes} bytes, {} (milliseconds)", browser().as_str(), done["times"]);
    assert!(bytes > (u64::from(megabytes) << 20) / 3, "{bytes} bytes are less than was asked for");
    world.session.reload().unwrap();
    desk.run(world, "check_shop", url, &json!({ "expected": done["left"] }));
}

/// Those of redb, and what was committed after them, when the browser is killed.
#[test]
fn keys_survive_a_kill() {
    if !has_opfs() {
        return;
    }
    let keys = json!({ "count": number("ANYSTORAGE_KEYS", 20_000) });
    let desk = Desk::new();
    let mut world = World::new(Storage::Usual);
    for layout in LAYOUTS {
        let url = url(layout, "keys");
        desk.enter(&world);
        let start = Instant::now();
        desk.run(&world, "fill_keys", &url, &keys);
        let filled = start.elapsed();
        let worker = desk.start(&world, "commit", &url, &json!({}));
        let mut acknowledged = 0;
        while acknowledged < 10 {
            let said = desk.hear();
            assert_eq!(said.worker, worker);
            acknowledged = if said.word == "committed" { said.what.as_u64().unwrap() } else { acknowledged };
        }
        world = world.killed_and_started();
        desk.enter(&world);
        let start = Instant::now();
        let checking = desk.start(&world, "check", &url, &json!({}));
        let found = loop {
            let said = desk.hear();
            match said.word.as_str() {
                // What it said until it was killed.
                word if said.worker == worker => {
                    acknowledged = if word == "committed" { said.what.as_u64().unwrap() } else { acknowledged }
                }
                _ => break said,
            }
        };
        assert_eq!((found.worker, found.word.as_str()), (checking, "done"));
        assert!((acknowledged..=acknowledged + 1).contains(&found.what.as_u64().unwrap()), "{acknowledged}, {found:?}");
        let checked = start.elapsed();
        desk.run(&world, "check_keys", &url, &keys);
        println!(
            "{}, {layout}: {} keys filled in {filled:.1?}, found sound after a kill in {checked:.1?}, each of them looked up",
            browser().as_str(),
            keys["count"]
        );
    }
}

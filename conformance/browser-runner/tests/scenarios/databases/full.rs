//! An origin that is full: `SQLITE_FULL`, nothing lost, and writing again when there is space.

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::Browser;
use serde_json::json;

use super::desk::Desk;
use super::{LAYOUTS, has_opfs, url};
use crate::world::{World, browser};

const ROOM: u64 = 32 << 20;

/// What is removed when it is full. Chromium takes the space of a file twofold as it grows: in the pool this one has half of the room there, and
/// where all are in one file there is no room for so much.
fn ballast(layout: &str) -> u64 {
    if browser() == Browser::Chromium && layout == "pool" { 16 << 20 } else { 4 << 20 }
}

const SQLITE_FULL: u64 = 13;

#[test]
fn a_full_origin_is_a_full_database_until_space_is_freed() {
    if !has_opfs() {
        return;
    }
    let desk = Desk::new();
    for layout in LAYOUTS {
        let world = World::new(Storage::Small(ROOM));
        // First, as it has Chromium forget the locks of pages that are open along with everything else.
        world.session.limit(&desk.origin(), ROOM).unwrap();
        desk.enter(&world);
        let worker =
            desk.start(&world, "full", &url(layout, "full"), &json!({ "ballast": ballast(layout), "reopens": layout == "packed" }));
        let full = desk.expect(worker, "full");
        println!("{}, {layout}: {full}", browser().as_str());
        assert_eq!((&full["code"], &full["why"][0]), (&json!(SQLITE_FULL), &json!(ErrorKind::NoSpace.as_str())), "{layout}: {full}");
        let made = full["made"].as_u64().unwrap();
        assert!(made > 20, "{layout}: full after {made} rows");
        assert_eq!((&full["kept"], &full["again"]), (&json!(made), &json!(SQLITE_FULL)), "{layout}: {full}");
        desk.go_on(&world, worker);
        assert_eq!(desk.expect(worker, "done"), json!({ "made": 10, "found": made + 10, "why": null }), "{layout}");
    }
}

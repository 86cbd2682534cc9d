//! An origin that is full: `SQLITE_FULL`, nothing lost, and in the pool writing again when there is space.

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use serde_json::json;

use super::desk::Desk;
use super::{has_opfs, url};
use crate::world::{World, browser};

const ROOM: u64 = 32 << 20;

/// What is removed when it is full. Chromium takes the space of a file twofold as it grows: in the pool this one has half of the room, and packed, where
/// all are in one file, there is no room for so much.
const BALLAST: [(&str, u64); 2] = [("pool", 16 << 20), ("packed", 4 << 20)];
const SQLITE_FULL: u64 = 13;

#[test]
fn a_full_origin_is_a_full_database() {
    if !has_opfs() {
        return;
    }
    let desk = Desk::new();
    for (layout, ballast) in BALLAST {
        let world = World::new(Storage::Small(ROOM));
        // First, as it has Chromium forget the locks of pages that are open along with everything else.
        world.session.limit(&desk.origin(), ROOM).unwrap();
        desk.enter(&world);
        let worker = desk.start(&world, "full", &url(layout, "full"), &json!({ "ballast": ballast }));
        let full = desk.expect(worker, "full");
        println!("{}, {layout}: {full}", browser().as_str());
        assert_eq!((&full["code"], &full["why"][0]), (&json!(SQLITE_FULL), &json!(ErrorKind::NoSpace.as_str())), "{layout}: {full}");
        let made = full["made"].as_u64().unwrap();
        assert!(made > 20, "{layout}: full after {made} rows");
        assert_eq!((&full["kept"], &full["again"]), (&json!(made), &json!(SQLITE_FULL)), "{layout}: {full}");
        if layout == "packed" {
            // What was refused is pending, and has to have room beside what is removed. In Chromium a file that grows has none.
            continue;
        }
        desk.go_on(&world, worker);
        assert_eq!(desk.expect(worker, "done"), json!({ "made": 10, "found": made + 10, "why": null }), "{layout}");
    }
}

//! An origin that is full (contract line 8).

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser};
use anystorage_conformance::table;
use serde_json::json;

use crate::world::{World, browser, compare, engines, write};

const ROOM: u64 = 16 << 20;
const PIECE: usize = 256 << 10;
/// Far more pieces than there is room for.
const ENDLESS: u64 = 400;

#[test]
fn what_was_synced_reads_back_and_writing_works_again() {
    for place in engines() {
        let world = World::new(Storage::Small(ROOM));
        let page = world.page();
        world.session.limit(&world.origin(), ROOM).unwrap();
        page.act(place, "full", &[write("kept", 300_000, 1), Act::Sync]).unwrap();
        let piece = |number| Act::WriteAt { path: "ballast".to_owned(), offset: number * PIECE as u64, len: PIECE, seed: number };
        let (taken, refusal) = (0..ENDLESS)
            .find_map(|number| page.act(place, "full", &[piece(number), Act::Sync]).err().map(|refusal| (number, refusal)))
            .expect("space to run out");
        assert_eq!(refusal.kind, ErrorKind::NoSpace.as_str(), "{place:?}: {refusal:?}");
        assert!(taken > 8, "{place:?}: full after {taken} pieces");
        page.act(place, "full", &[compare("kept", 300_000, 1)]).unwrap();
        println!("{}: {place:?}: NoSpace after {taken} pieces of {PIECE} bytes: {}", browser().as_str(), refusal.text);
        if !table::keeps_space(place.0, browser().as_str(), "") {
            page.act(place, "full", &[Act::Remove { path: "ballast".to_owned() }, Act::Sync]).unwrap();
        } else if browser() == Browser::Chromium {
            // Removed records keep their space there: somebody else has to make some.
            let room = json!({ "origin": world.origin(), "quotaSize": 20 * ROOM });
            world.session.devtools("Storage.overrideQuotaForOrigin", &room).unwrap();
        } else {
            println!("{}: {place:?}: its quota cannot be changed while it runs", browser().as_str());
            continue;
        }
        page.act(place, "full", &[write("new", 2_000_000, 2), Act::Sync]).unwrap();
        page.act(place, "full", &[compare("kept", 300_000, 1), compare("new", 2_000_000, 2), Act::Close]).unwrap();
        page.act(place, "full", &[compare("kept", 300_000, 1), compare("new", 2_000_000, 2), Act::Close]).unwrap();
    }
}

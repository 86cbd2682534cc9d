//! An origin that is full (contract line 8).

use std::thread::sleep;
use std::time::Duration;

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser, Context, Refusal};

use crate::world::{Page, Place, World, browser, compare, engines, write};

const ROOM: u64 = 16 << 20;
const PIECE: usize = 256 << 10;
/// Far more pieces than there is room for.
const ENDLESS: u64 = 400;

#[test]
fn what_was_synced_reads_back_and_writing_works_again() {
    for place in engines() {
        let mut world = World::new(Storage::Small(ROOM));
        // First, as it has Chromium forget the locks of pages that are open along with everything else.
        world.session.limit(&world.origin(), ROOM).unwrap();
        let mut page = world.page();
        page.act(place, "full", &[write("kept", 300_000, 1), Act::Sync]).unwrap();
        let (taken, refusal) = fill(&page, place, "full");
        assert_eq!(refusal.kind, ErrorKind::NoSpace.as_str(), "{place:?}: {refusal:?}");
        assert!(taken > 8, "{place:?}: full after {taken} pieces");
        page.act(place, "full", &[compare("kept", 300_000, 1)]).unwrap();
        println!("{}: {place:?}: NoSpace after {taken} pieces of {PIECE} bytes: {}", browser().as_str(), refusal.text);
        if place.0.starts_with("opfs") || browser() == Browser::Firefox {
            page.act(place, "full", &[Act::Remove { path: "ballast".to_owned() }]).unwrap();
            soon(&page, place, "full", &[Act::Sync]);
        } else if browser() == Browser::Chromium {
            // Removed records keep their space there: somebody else has to make some.
            world.set_quota(20 * ROOM);
        } else {
            // Nor there, and the quota of WebKitGTK is what it was started with.
            world = world.killed_and_started_with(Storage::Small(20 * ROOM));
            page = world.page();
            page.act(place, "full", &[Act::Remove { path: "ballast".to_owned() }, Act::Sync]).unwrap();
        }
        soon(&page, place, "full", &[write("new", 2_000_000, 2), Act::Sync]);
        page.act(place, "full", &[compare("kept", 300_000, 1), compare("new", 2_000_000, 2), Act::Close]).unwrap();
        page.act(place, "full", &[compare("kept", 300_000, 1), compare("new", 2_000_000, 2), Act::Close]).unwrap();
    }
}

/// Large values are files of their own in Chromium, and whole pages in Firefox. WebKitGTK, which asks for the space of every put, is left out. Where an origin is full, Chromium has no room for the commit
/// that removes them either.
#[test]
fn large_blocks_of_idb_give_their_space_back() {
    if browser() == Browser::WebKit {
        println!("webkit asks for the space of every put, whatever is free in its file");
        return;
    }
    for context in Context::ALL {
        let world = World::new(Storage::Small(ROOM));
        let page = world.page();
        world.session.limit(&world.origin(), ROOM).unwrap();
        let (place, url) = (("any", context), "idb://full?block=65536");
        page.act(place, url, &[write("kept", 300_000, 1), Act::Sync]).unwrap();
        let mut taken = Vec::new();
        for _ in 0..4 {
            let (pieces, refusal) = fill(&page, place, url);
            assert_eq!(refusal.kind, ErrorKind::NoSpace.as_str(), "{place:?}: {refusal:?}");
            taken.push(pieces);
            world.set_quota(ROOM + (1 << 20));
            page.act(place, url, &[Act::Remove { path: "ballast".to_owned() }]).unwrap();
            soon(&page, place, url, &[Act::Sync]);
            world.set_quota(ROOM);
        }
        println!(
            "{}: idb in a {}, blocks of 64 KiB: NoSpace after {taken:?} pieces of {PIECE} bytes",
            browser().as_str(),
            context.as_str()
        );
        let most = |rounds: &[u64]| rounds.iter().all(|count| *count > taken[0] * 3 / 4);
        assert!(most(&taken[2..3]) && (browser() == Browser::Firefox || most(&taken)), "{place:?}: {taken:?}");
        soon(&page, place, url, &[write("new", 2_000_000, 2), Act::Sync]);
        page.act(place, url, &[compare("kept", 300_000, 1), compare("new", 2_000_000, 2), Act::Close]).unwrap();
    }
}

/// Does what there is room for again. Firefox may refuse it a few times more: it gives the pages of removed records back when it has time.
fn soon(page: &Page, place: Place, label: &str, acts: &[Act]) {
    let retries = if browser() == Browser::Firefox { 5 } else { 0 };
    for refused in 0..=retries {
        match page.act(place, label, acts) {
            Ok(()) if refused == 0 => return,
            Ok(()) => return println!("firefox: {place:?}: refused {refused} times after there was room"),
            Err(refusal) if refusal.kind == ErrorKind::NoSpace.as_str() && refused < retries => sleep(Duration::from_secs(1)),
            Err(refusal) => panic!("{place:?}: {refusal:?}"),
        }
    }
}

/// Writes and syncs pieces until there is no space: how many had, and why the next one had not.
fn fill(page: &Page, place: Place, label: &str) -> (u64, Refusal) {
    let piece = |number| Act::WriteAt { path: "ballast".to_owned(), offset: number * PIECE as u64, len: PIECE, seed: number };
    let refused =
        (0..ENDLESS).find_map(|number| page.act(place, label, &[piece(number), Act::Sync]).err().map(|refusal| (number, refusal)));
    refused.expect("space to run out")
}

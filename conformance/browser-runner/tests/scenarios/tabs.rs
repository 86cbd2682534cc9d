//! Two tabs and one location (contract line 7).

use std::time::{Duration, Instant};

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser};

use crate::world::{Page, World, browser, compare, engines, label, write};

/// When both have to know. One that is refused waits half a second for a holder that may be just going.
const PROMPT: Duration = Duration::from_secs(8);

#[test]
fn one_of_two_tabs_wins_and_the_other_gets_in_after_it() {
    let mut world = World::new(Storage::Usual);
    let (mut first, second) = (world.page(), world.another_page());
    for place in engines() {
        for round in 0..3 {
            let label = label(place, &format!("race-{round}"));
            let start = Instant::now();
            let asked = [&first, &second].map(|page| page.begin(place, &label, &[]));
            let ended = [first.end(asked[0]), second.end(asked[1])];
            assert!(start.elapsed() < PROMPT, "{place:?}: one of them was told after {:?}", start.elapsed());
            let (winner, loser) = if ended[0].is_ok() { (&first, &second) } else { (&second, &first) };
            let refused: Vec<_> = ended.iter().filter_map(|ended| ended.as_ref().err()).collect();
            assert_eq!(refused.len(), 1, "{place:?}: {ended:?}");
            assert_eq!(refused[0].kind, ErrorKind::Locked.as_str(), "{place:?}: {ended:?}");
            winner.act(place, &label, &[write("file", 5000, round), Act::Sync, Act::Close]).unwrap();
            loser.act(place, &label, &[compare("file", 5000, round), Act::Close]).unwrap();
        }
    }

    hold(&second, "closed");
    for place in engines() {
        assert_eq!(first.act(place, &label(place, "closed"), &[]).unwrap_err().kind, ErrorKind::Locked.as_str(), "{place:?}");
    }
    world.close_tab(second, &first);
    found(&first, "closed");

    if browser() == Browser::Chromium {
        let doomed = world.another_page();
        hold(&doomed, "crashed");
        world.crash_tab(&doomed, &first);
        found(&first, "crashed");
    }
    if browser() == Browser::Firefox {
        // A process serves all tabs of a site there, so that one does not crash alone.
        hold(&first, "crashed");
        world.kill_sites();
        first = world.another_page();
        found(&first, "crashed");
    }

    hold(&first, "killed");
    world = world.killed_and_started();
    let page = world.page();
    // At once: whoever had them is gone.
    engines().for_each(|place| page.act(place, &label(place, "killed"), &[]).unwrap());
    found(&page, "killed");
}

/// Has a location of each engine open, with something synced in it.
fn hold(page: &Page, name: &str) {
    for (place, seed) in engines().zip(0..) {
        page.act(place, &label(place, name), &[write("file", 70_000, seed), Act::Sync]).unwrap();
    }
}

/// These locations can be opened as soon as their holder is gone, and have what was synced.
fn found(page: &Page, name: &str) {
    for (place, seed) in engines().zip(0..) {
        page.opens_soon(place, &label(place, name));
        page.act(place, &label(place, name), &[compare("file", 70_000, seed)]).unwrap();
    }
}

//! Two tabs and one location (contract line 7).

use std::time::{Duration, Instant};

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser};

use crate::world::{World, browser, compare, engines, write};

/// When both have to know. One that is refused waits half a second for a holder that may be just going.
const PROMPT: Duration = Duration::from_secs(8);

#[test]
fn one_of_two_tabs_wins_and_the_other_gets_in_after_it() {
    for place in engines() {
        let mut world = World::new(Storage::Usual);
        let (mut first, second) = (world.page(), world.another_page());
        for round in 0..5 {
            let label = format!("race-{round}");
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

        second.act(place, "closed", &[write("file", 70_000, 7), Act::Sync]).unwrap();
        assert_eq!(first.act(place, "closed", &[]).unwrap_err().kind, ErrorKind::Locked.as_str());
        world.close_tab(second, &first);
        first.opens_soon(place, "closed");
        first.act(place, "closed", &[compare("file", 70_000, 7)]).unwrap();

        if browser() == Browser::Chromium {
            let doomed = world.another_page();
            doomed.act(place, "crashed", &[write("file", 70_000, 8), Act::Sync]).unwrap();
            world.crash_tab(&doomed, &first);
            first.opens_soon(place, "crashed");
            first.act(place, "crashed", &[compare("file", 70_000, 8)]).unwrap();
        }
        if browser() == Browser::Firefox {
            // A process serves all tabs of a site there, so that one does not crash alone.
            first.act(place, "crashed", &[write("file", 70_000, 8), Act::Sync]).unwrap();
            world.kill_sites();
            first = world.another_page();
            first.opens_soon(place, "crashed");
            first.act(place, "crashed", &[compare("file", 70_000, 8)]).unwrap();
        }

        first.act(place, "killed", &[write("file", 70_000, 9), Act::Sync]).unwrap();
        world = world.killed_and_started();
        world.page().act(place, "killed", &[compare("file", 70_000, 9), Act::Close]).unwrap();
    }
}

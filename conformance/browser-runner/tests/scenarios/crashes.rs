//! A tab that crashes, which the runner has to tell from one that is busy: the one is started again, the other waited for.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_browser_runner::driver::Storage;

use crate::world::World;

/// How long the page is busy, in milliseconds.
const BUSY: u32 = 4000;

/// When the browser has to have told of a crash.
const PROMPT: Duration = Duration::from_secs(30);

#[test]
fn a_tab_that_crashed_is_not_there_and_one_that_is_busy_is() {
    let world = World::new(Storage::Usual);
    let _page = world.page();
    let session = &world.session;
    let busy = "const [ms] = arguments; setTimeout(() => { for (const end = Date.now() + ms; Date.now() < end; ) {} }, 0);";
    session.run(busy, &[BUSY.into()]).unwrap();
    let (start, mut asked) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_millis(BUSY.into()) {
        session.is_there().unwrap();
        asked += 1;
        sleep(Duration::from_millis(100));
    }
    // One may have come before the page was busy. If another one had waited for the page, there would be no third.
    assert!(asked > 2, "{asked}");

    world.crash();
    let start = Instant::now();
    while session.is_there().is_ok() {
        assert!(start.elapsed() < PROMPT, "the browser did not tell of it");
        sleep(Duration::from_millis(100));
    }
}

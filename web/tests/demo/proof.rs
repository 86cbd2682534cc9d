//! The suite on a button.

use std::time::Duration;

use anystorage_conformance::browser::wire::Browser;
use serde_json::json;

use crate::world::{World, browser};

/// How long the suite may take on one engine.
const PATIENCE: Duration = Duration::from_secs(600);

/// A page runs at least so many cases on every engine; memory, which keeps nothing, has the fewest.
const CASES: u64 = 80;

/// Nothing of the suite is in IndexedDB. WebKit names a database whose creation was cut short too, with version 0.
const CLEAN: &str = "(async () => (await indexedDB.databases()).every(({ name, version }) => version === 0 || !name.includes('proof')))()";

#[test]
fn the_matrix_is_green_on_what_is_chosen() {
    let world = World::new("?engine=idb");
    world.session.resize(1280, 2200).unwrap();
    world.session.click("#sample").unwrap();
    world.until_names(&["note.txt"]);
    let opfs = (browser() != Browser::WebKit).then_some("opfs");
    for engine in ["idb", "memory"].into_iter().chain(opfs) {
        world.choose(engine);
        world.session.click("#prove").unwrap();
        world.until("!document.getElementById('prove-progress').hidden");
        world.until_within("!document.getElementById('prove').disabled", PATIENCE);
        println!("{}: {engine}: {}", browser().as_str(), world.text("#prove-status"));
        let told = world.value("({ ...document.getElementById('matrix')?.dataset })");
        let count = |name: &str| told[name].as_str().and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        assert!(told["url"].as_str().is_some_and(|url| url.starts_with(engine)), "{told}");
        let failed = world.value("[...document.querySelectorAll('.failures li')].map(({ textContent }) => textContent)");
        assert_eq!((told["failed"].as_str(), &failed), (Some("0"), &json!([])), "{told}");
        assert!(count("passed") >= CASES, "{told}");
        world.picture(&format!("proof-{engine}"));
    }
    assert!(world.is(CLEAN));

    // What a run leaves that a reload cuts short, the next page removes. Nothing of the visitor's is touched.
    world.choose("idb");
    world.session.click("#prove").unwrap();
    world.until("document.getElementById('prove-progress').value > 20");
    world.until(&format!("{CLEAN}.then((clean) => !clean)"));
    world.session.reload().unwrap();
    world.opens();
    world.until(CLEAN);
    world.until_names(&["note.txt"]);
    world.ends_quietly();
}

//! A browser that lets pages store nothing.

use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::Browser;

use crate::world::{World, browser};

/// Nothing of the list works, memory is not taken unasked, and what can be done is said. Memory works when it is chosen, the suite on it too.
#[test]
fn what_is_denied_is_told_and_memory_can_be_chosen() {
    if browser() == Browser::WebKit {
        println!("webkit: the program that runs it has no way to deny storage");
        return;
    }
    let world = World::with("", |launch| launch.storage(Storage::Denied));
    assert!(world.is("document.documentElement.dataset.state === 'refused'"));
    println!("{}: {}", browser().as_str(), world.text("#refused-text"));
    assert!(world.text("#refused-text").contains("does not let this page store anything"), "{}", world.text("#refused"));
    world.choose("memory");
    world.session.click("#sample").unwrap();
    world.until_names(&["note.txt"]);
    world.session.click("#prove").unwrap();
    world.until("document.getElementById('matrix')?.dataset.failed === '0'");
    world.ends_quietly();
}

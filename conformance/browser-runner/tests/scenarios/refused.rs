//! Where a browser gives less than usual: a clear error, or everything works.

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Context};

use crate::world::{Place, WORKER_URL, World, browser, compare, engines, write};

/// In a page the engine starts a worker. A policy for those of the site alone forbids the script that it brings along, and allows the same one
/// under a URL of the site.
#[test]
fn a_strict_policy_takes_the_script_of_opfs_by_its_url() {
    if engines().all(|(engine, _)| engine != "opfs") {
        println!("{} has no OPFS", browser().as_str());
        return;
    }
    let world = World::new(Storage::Usual);
    let page = world.page_at("/strict");
    for layout in ["tree", "packed"] {
        let act = |more: &str, acts: &[Act]| {
            page.act(("any", Context::Page), &format!("opfs://by url {layout}?layout={layout}{more}").replace(' ', "%20"), acts)
        };
        for (more, word) in [("", "blob:"), ("&worker_url=/nothing.js", "/nothing.js"), ("&worker_url=/worker.js", "/worker.js")] {
            let refusal = act(more, &[]).unwrap_err();
            println!("{}, {layout}: {refusal:?}", browser().as_str());
            assert!(
                [ErrorKind::Unsupported, ErrorKind::InvalidInput].iter().any(|kind| kind.as_str() == refusal.kind)
                    && refusal.text.contains(word),
                "{refusal:?}"
            );
        }
        let served = format!("&worker_url={WORKER_URL}");
        act(&served, &[write("file", 5000, 1), Act::Sync, Act::Close]).unwrap();
        act(&served, &[compare("file", 5000, 1), Act::Close]).unwrap();
    }
}

/// The policy has to have `'wasm-unsafe-eval'`: without it no module is compiled at all, which the page hears as a `CompileError` (Chromium
/// 156, Firefox 153).
#[test]
fn a_strict_policy_is_no_obstacle() {
    let world = World::new(Storage::Usual);
    let page = world.page_at("/strict");
    for place in engines().filter(|place| !needs_worker(*place)) {
        page.act(place, &location("strict", place), &[write("file", 5000, 1), Act::Sync, Act::Close]).unwrap();
        page.act(place, &location("strict", place), &[compare("file", 5000, 1), Act::Close]).unwrap();
    }
}

#[test]
fn a_private_window_keeps_files_while_it_is_open_or_says_why_not() {
    let world = World::new(Storage::Private);
    let page = world.page();
    for place in engines() {
        let opened = page.act(place, &location("private", place), &[write("file", 5000, 1), Act::Sync, Act::Close]);
        println!("{}, private: {place:?}: {opened:?}", browser().as_str());
        match opened {
            Ok(()) => page.act(place, &location("private", place), &[compare("file", 5000, 1), Act::Close]).unwrap(),
            Err(refusal) => assert_denied(&refusal.kind, &refusal.text),
        }
    }
}

#[test]
fn storage_that_is_denied_is_an_error_that_says_so() {
    let world = World::new(Storage::Denied);
    let page = world.page();
    for place in engines() {
        let refusal = page.act(place, &location("denied", place), &[write("file", 5000, 1), Act::Sync]).expect_err("no storage");
        println!("{}, denied: {place:?}: {refusal:?}", browser().as_str());
        assert_denied(&refusal.kind, &refusal.text);
    }
}

/// Whether the engine starts a worker there.
fn needs_worker(place: Place) -> bool {
    place == ("opfs", Context::Page) || place == ("opfs-packed", Context::Page)
}

/// Of each engine another one: they share the origin.
fn location(name: &str, place: Place) -> String {
    format!("{name} {}", place.0)
}

fn assert_denied(kind: &str, text: &str) {
    assert!([ErrorKind::PermissionDenied, ErrorKind::Unsupported].iter().any(|known| known.as_str() == kind), "{kind}: {text}");
    assert!(["private", "denies", "blocked", "site data", "allow", "turned off"].iter().any(|word| text.contains(word)), "{kind}: {text}");
}

//! Where a browser gives less than usual: a clear error, or everything works.

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Context};

use crate::world::{Place, World, browser, compare, engines, write};

#[test]
fn opfs_in_a_page_says_what_to_do() {
    if engines().all(|(engine, _)| engine != "opfs") {
        println!("{} has no OPFS", browser().as_str());
        return;
    }
    let world = World::new(Storage::Usual);
    let refusal = world.page().act(("opfs", Context::Page), "page", &[]).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::Unsupported.as_str(), "{refusal:?}");
    assert!(refusal.text.contains("dedicated worker") && refusal.text.contains("io=stream"), "{refusal:?}");
}

/// The policy has to have `'wasm-unsafe-eval'`: without it no module is compiled at all, which the page hears as a `CompileError` (Chromium
/// 156, Firefox 153).
#[test]
fn a_strict_policy_is_no_obstacle() {
    let world = World::new(Storage::Usual);
    let page = world.page_at("/strict");
    for place in engines() {
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

/// Of each engine another one: they share the origin.
fn location(name: &str, place: Place) -> String {
    format!("{name} {}", place.0)
}

fn assert_denied(kind: &str, text: &str) {
    assert!([ErrorKind::PermissionDenied, ErrorKind::Unsupported].iter().any(|known| known.as_str() == kind), "{kind}: {text}");
    assert!(["private", "denies", "blocked", "site data", "allow"].iter().any(|word| text.contains(word)), "{kind}: {text}");
}

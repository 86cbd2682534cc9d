//! By keyboard alone, in the dark, and on a narrow screen.

use anystorage_conformance::browser::wire::Browser;
use serde_json::json;

use crate::world::{TAB, World, browser};

/// What has to be reached by the Tab key, in this order.
const ORDER: [&str; 7] = ["upload", "sample", "preview", "download", "rename", "delete", "engine"];

/// What has the focus: by its id, by what it does, or by its name.
const FOCUS: &str = "(({ id, dataset, name }) => id || dataset.action || name || '')(document.activeElement)";

#[test]
fn the_keyboard_reaches_everything() {
    let world = World::new("?engine=idb");
    world.session.click("#sample").unwrap();
    world.until_names(&["note.txt"]);
    world.session.run("document.activeElement.blur(); document.querySelector('.skip').focus();", &[]).unwrap();
    let mut reached = Vec::new();
    for _ in 0..14 {
        world.session.press(TAB).unwrap();
        reached.push(world.value(FOCUS).as_str().unwrap().to_owned());
    }
    let mut rest = reached.iter();
    assert!(ORDER.iter().all(|wanted| rest.any(|found| found == wanted)), "{reached:?}");
    assert!(reached.iter().any(|found| found == "prove"), "{reached:?}");
    let nameless = "[...document.querySelectorAll('button, input, dialog, section, progress')].filter((element) =>
        !(element.getAttribute('aria-label') || element.getAttribute('aria-labelledby') || element.labels?.length || element.textContent.trim()))
        .map(({ outerHTML }) => outerHTML)";
    assert_eq!(world.value(nameless), json!([]));
    world.ends_quietly();
}

#[test]
fn the_dark_is_dark_and_nothing_is_cut_off() {
    // Firefox learns it when it starts, Chromium while it runs.
    let world = World::with("?engine=idb", |launch| match browser() {
        Browser::Firefox => launch.preference("layout.css.prefers-color-scheme.content-override", 0),
        _ => launch,
    });
    let in_chromium = |command: &str, parameters| {
        if browser() == Browser::Chromium {
            world.session.devtools(command, &parameters).unwrap();
        }
    };
    in_chromium("Emulation.setEmulatedMedia", json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] }));
    world.session.resize(1280, 1500).unwrap();
    world.session.click("#sample").unwrap();
    world.until_names(&["note.txt"]);
    world.picture("dark");
    if browser() != Browser::WebKit {
        let ground = world.value("getComputedStyle(document.body).backgroundColor");
        assert_eq!(ground, json!("rgb(18, 22, 21)"));
    }
    world.session.resize(360, 1900).unwrap();
    in_chromium("Emulation.setDeviceMetricsOverride", json!({ "width": 360, "height": 1900, "deviceScaleFactor": 1, "mobile": true }));
    let width = "[innerWidth, document.documentElement.scrollWidth]";
    println!("{}: {}", browser().as_str(), world.value(width));
    assert!(world.is("document.documentElement.scrollWidth <= innerWidth"), "{}", world.value(width));
    world.picture("narrow");
    world.ends_quietly();
}

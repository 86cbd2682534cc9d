//! Files come, are looked at, renamed, reloaded, downloaded, and go.

use anystorage_conformance::browser::wire::Browser;
use serde_json::json;

use crate::world::{World, browser, pattern};

const NOTE: &str = "Ebbe um sechs. Käse, Brot, 水.\n";
const PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='200'><rect width='300' height='200' fill='teal'/></svg>";
const LEN: usize = 300_001;

#[test]
fn files_survive_the_reload() {
    let world = World::new("");
    world.session.resize(1280, 1500).unwrap();
    // What comes first in the list and works.
    let opened = world.text("#fact-url");
    let first = if browser() == Browser::WebKit { "idb://anystorage-demo" } else { "opfs://anystorage-demo?layout=packed" };
    assert_eq!(opened, first);
    println!("{}: {opened}: {}", browser().as_str(), world.text("#facts").replace('\n', " "));
    assert!(world.is("!document.getElementById('empty').hidden"));

    let tides = pattern(LEN);
    world.upload(&[("note.md", NOTE.as_bytes()), ("tides.bin", &tides), ("sea.svg", PICTURE.as_bytes())]);
    world.until_names(&["note.md", "sea.svg", "tides.bin"]);

    world.press("note.md", "preview");
    world.until("document.getElementById('preview').open");
    assert_eq!(world.value("document.querySelector('#preview pre').textContent"), json!(NOTE));
    world.picture("preview");
    world.session.click("#preview-close").unwrap();
    world.press("sea.svg", "preview");
    world.until("document.querySelector('#preview img')?.naturalWidth === 300");
    world.session.click("#preview-close").unwrap();
    world.press("tides.bin", "preview");
    world.until("document.querySelector('#preview pre')?.textContent.startsWith('000000  00 9e 3c da')");
    world.session.click("#preview-close").unwrap();

    // A name that is taken is refused, and asked for again.
    world.press("note.md", "rename");
    world.type_name("sea.svg");
    world.until("document.getElementById('rename-wrong').textContent !== ''");
    world.type_name("a/b");
    world.until("document.getElementById('rename-wrong').textContent.includes('slash')");
    world.type_name("plan.md");
    world.until_names(&["plan.md", "sea.svg", "tides.bin"]);
    assert!(world.is("!document.getElementById('rename').open"));

    world.session.reload().unwrap();
    world.opens();
    world.until_names(&["plan.md", "sea.svg", "tides.bin"]);
    assert_eq!(world.text("#fact-url"), opened);
    world.picture("files");
    if browser() != Browser::WebKit {
        world.press("tides.bin", "download");
        assert!(world.downloaded("tides.bin", LEN) == tides, "not the bytes that were uploaded");
        world.press("plan.md", "download");
        assert_eq!(world.downloaded("plan.md", NOTE.len()), NOTE.as_bytes());
    }

    // A file of a name that is there replaces it when that is wanted.
    world.upload(&[("plan.md", b"another")]);
    world.until("document.getElementById('confirm').open");
    world.session.click("#confirm-no").unwrap();
    world.press("plan.md", "preview");
    world.until("document.querySelector('#preview pre')?.textContent.startsWith('Ebbe')");
    world.session.click("#preview-close").unwrap();
    world.upload(&[("plan.md", b"another")]);
    world.until("document.getElementById('confirm').open");
    world.session.click("#confirm-yes").unwrap();
    world.until("document.getElementById('status').textContent === 'plan.md is saved.'");

    world.press("tides.bin", "delete");
    world.until("document.getElementById('confirm').open");
    world.session.click("#confirm-yes").unwrap();
    world.until_names(&["plan.md", "sea.svg"]);
    world.session.reload().unwrap();
    world.opens();
    world.until_names(&["plan.md", "sea.svg"]);
    world.press("plan.md", "preview");
    world.until("document.querySelector('#preview pre')?.textContent === 'another'");
    world.session.click("#preview-close").unwrap();
    world.ends_quietly();
}

/// Each engine has files of its own, the page's URL says which it is, and what memory has is gone as told.
#[test]
fn every_choice_opens_again_as_it_was_chosen() {
    let world = World::new("");
    let mut lasting = vec!["idb"];
    if browser() != Browser::WebKit {
        lasting.extend(["opfs", "opfs-stream"]);
    }
    for engine in &lasting {
        world.choose(engine);
        let name = format!("{engine}.bin");
        world.upload(&[(&name, &pattern(70_000))]);
        world.until_names(&[&name]);
        world.session.reload().unwrap();
        world.opens();
        world.until_names(&[&name]);
        assert!(world.is(&format!("document.querySelector('#engines input[value={engine}]').checked")));
    }
    world.choose("memory");
    assert_eq!(world.names(), json!([]));
    world.session.click("#sample").unwrap();
    world.until_names(&["note.txt"]);
    world.session.reload().unwrap();
    world.opens();
    assert_eq!((world.text("#fact-url").as_str(), world.names()), ("memory:", json!([])));
    for engine in lasting {
        world.choose(engine);
        world.until_names(&[&format!("{engine}.bin")]);
    }
    if browser() != Browser::WebKit {
        // Whether it says yes is up to the browser; what it said is told.
        world.session.click("#persist").unwrap();
        world.until("/said no|until you clear it/.test(document.getElementById('fact-kept').textContent)");
        println!("{}: {}", browser().as_str(), world.text("#fact-kept"));
    }
    world.ends_quietly();
}

//! The IDBFS way: mount, populate, write, sync, reload, populate, read; by the face of `anystorage-vfs` over a mirror over IndexedDB, as
//! `cargo xtask bench-idbfs` measures it beside IDBFS itself.

use anystorage_bench_page::{Page, SCRIPTS};
use anystorage_browser_runner::ending;
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::Site;
use serde_json::{Value, json};

use crate::world::browser;

const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>IDBFS</title><link rel=\"icon\" href=\"data:,\">";

const FILES: u32 = 300;
const LARGE: u32 = 2 << 20;
const CHANGED: u32 = 10;

/// One of the two lives of a page: before its reload or after it.
fn life(name: &str, block: u32, changed: u32) -> Value {
    json!({ "contestant": "ours", "files": FILES, "large": LARGE, "changed": changed, "block": block, "life": name })
}

/// With small blocks, into which a large file is cut, and with large ones, of which a small file is one that is not full.
#[test]
fn files_of_a_mounted_mirror_are_there_after_a_reload() {
    ending::prepare();
    let module = Package::new(Some("anystorage-idbfs-bench".to_owned()), None).bind("release").unwrap();
    let site = Site::new().module(&module).file("/index.html", PAGE.as_bytes());
    let site = site.file("/drive.js", include_bytes!("../../../../bench/idbfs/js/drive.js").as_slice());
    let site = site.file("/ours.js", include_bytes!("../../../../bench/idbfs/js/ours.js").as_slice());
    let site = SCRIPTS.into_iter().fold(site, |site, (path, text)| site.file(path, text.as_bytes())).serve(0).unwrap();
    for block in [4096, 65_536] {
        let page = Page::open(browser(), &site.origin()).unwrap();
        let first: Value = page.order(&life("first", block, CHANGED)).unwrap();
        page.reload().unwrap();
        // It has compared every byte, or answers that one is wrong.
        let second: Value = page.order(&life("second", block, CHANGED)).unwrap();
        assert!(second["hash"].is_u64(), "{second}");
        println!("{}, blocks of {block}: {} and {}", page.browser(), first["ms"], second["ms"]);
        // And it does compare: what was changed before the last sync is not what was written first.
        page.reload().unwrap();
        let wrong = page.order::<Value>(&life("second", block, 0)).unwrap_err();
        assert!(wrong.to_string().contains("is not the one that was written"), "{wrong}");
    }
    assert_eq!(site.missed(), Vec::<String>::new());
}

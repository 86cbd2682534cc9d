//! SQLite's own pool of handles, as npm has it, and the layout `pool`: databases go from the one to the other, and back.

use std::fs;
use std::path::Path;

use anystorage_browser_runner::driver::Storage;
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::Site;
use serde_json::json;
use tempfile::TempDir;

use crate::builds::npm;
use crate::world::{World, browser, engines};

const RUN: &str = r#"
    return new Promise((resolve) => {
        const worker = new Worker("/worker.js", { type: "module" });
        worker.onmessage = ({ data }) => (worker.terminate(), resolve(data));
        worker.onerror = ({ message }) => resolve({ error: `no worker: ${message}` });
    });"#;

/// As a URL has the second path, and as it is.
const ESCAPED: &str = "/shop/or%20ders%20%C3%A9%20%25%20.db";
const NAME: &str = "shop/or ders \u{e9} % .db";

/// SQLite for browsers, as npm has it.
pub(crate) struct Sqlite(TempDir);

impl Sqlite {
    pub(crate) fn of_npm() -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sahpool");
        let directory = TempDir::new().unwrap();
        for name in [".npmrc", "package.json", "package-lock.json"] {
            fs::copy(project.join(name), directory.path().join(name)).unwrap();
        }
        npm(directory.path(), &["ci", "--no-audit", "--no-fund"]);
        Self(directory)
    }

    /// Has it served, below `/sqlite/`.
    pub(crate) fn on(&self, site: Site) -> Site {
        let file = |name| fs::read(self.0.path().join("node_modules/@sqlite.org/sqlite-wasm/dist").join(name)).unwrap();
        site.file("/sqlite/index.js", file("index.mjs")).file("/sqlite/sqlite3.wasm", file("sqlite3.wasm"))
    }
}

#[test]
fn databases_of_sqlites_own_pool_come_and_go() {
    if engines().all(|(engine, _)| engine != "opfs-pool") {
        println!("{} has no OPFS", browser().as_str());
        return;
    }
    let sqlite = Sqlite::of_npm();
    let module = Package::new(Some("anystorage-web-suite".to_owned()), None).build().unwrap();
    let site = Site::new()
        .module(&module)
        .file("/index.html", b"<!doctype html><title>a pool</title><link rel=\"icon\" href=\"data:,\">".as_slice())
        .file("/worker.js", include_bytes!("../sahpool/worker.js").as_slice());
    let site = sqlite.on(site);
    let site = site.serve(0).unwrap();
    let world = World::new(Storage::Usual);
    world.session.go(&site.origin()).unwrap();
    let answer = world.session.run(RUN, &[]).unwrap();
    assert_eq!(answer["error"], json!(null), "{answer:#}");
    let done = &answer["done"];
    println!("{}, SQLite {}: {}", browser().as_str(), done["version"], done["copied"]);
    let files = done["copied"]["Ok"]["files"].as_array().unwrap_or_else(|| panic!("{done:#}"));
    let copied: Vec<&str> = files.iter().map(|file| file[0].as_str().unwrap()).collect();
    assert_eq!(copied, ["plain.db", NAME]);
    assert!(files.iter().all(|file| file[1].as_u64().unwrap() > 500_000), "{files:?}");
    assert_eq!((&done["copied"]["Ok"]["refused"], &done["kept"]), (&json!(1), &json!(true)), "the file whose header is damaged");
    assert_eq!(done["names"], json!(["/plain.db", ESCAPED]));
    for looked in done["found"].as_array().unwrap() {
        assert_eq!(looked[0], looked[1], "what SQLite finds in its own file, and in the copy of the copy");
        assert_eq!((&looked[1]["integrity"], &looked[1]["rows"]), (&json!("ok"), &json!(20_000)));
    }
}

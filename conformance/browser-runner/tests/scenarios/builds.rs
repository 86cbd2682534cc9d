//! A project of a user, as `wasm-bindgen --target web` leaves it and as Vite builds it: of the same files, and without any settings.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_browser_runner::driver::Storage;
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::Site;
use serde_json::json;
use tempfile::TempDir;

use crate::world::{PATIENCE, World, engines, target};

/// What the person wrote, beside the crate.
const PAGE: &[&str] = &["index.html", "main.js"];
const FOR_NPM: &[&str] = &[".npmrc", "package.json", "package-lock.json"];

/// Begins the head of each page: keeps what goes wrong in it.
const WATCH: &str = r#"<head><script>
    var troubles = [];
    const said = console.error;
    console.error = (...words) => (troubles.push(words.join(" ")), said(...words));
    addEventListener("error", ({ message, target }) => troubles.push(message ?? `not loaded: ${target.src ?? target.href}`), true);
    addEventListener("unhandledrejection", ({ reason }) => troubles.push(String(reason)));
</script>"#;

/// What the page shows, and what went wrong.
const SHOWN: &str = "return [document.body.textContent.trim(), window.troubles ?? ['the page is not watched']];";

#[test]
fn a_project_works_as_wasm_bindgen_leaves_it() {
    let project = copy(PAGE);
    counts_visits(project.path());
}

#[test]
fn a_project_works_as_vite_builds_it() {
    let project = copy(&[PAGE, FOR_NPM].concat());
    npm(project.path(), &["ci", "--no-audit", "--no-fund"]);
    npm(project.path(), &["run", "build"]);
    counts_visits(&project.path().join("dist"));
}

/// A copy of the project, with its bindings.
fn copy(files: &[&str]) -> TempDir {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../user-project");
    let copy = TempDir::new().unwrap();
    for name in files {
        fs::copy(project.join(name), copy.path().join(name)).unwrap();
    }
    // Nothing is built into the tree of sources.
    let package = Package::new(None, Some(project.join("Cargo.toml"))).target(target());
    package.write(&copy.path().join("pkg")).unwrap();
    copy
}

/// Runs npm in a directory, and shows what it said.
pub(crate) fn npm(directory: &Path, arguments: &[&str]) {
    let start = Instant::now();
    let said = anystorage_browser_runner::npm::run(directory, arguments).unwrap();
    println!("npm {}: {:?}\n{said}", arguments.join(" "), start.elapsed());
}

/// The pages of a directory, in the browser: what was kept at one visit is there at the next.
fn counts_visits(directory: &Path) {
    watch(&directory.join("index.html"));
    let site = Site::new().directory(directory).unwrap().serve(0).unwrap();
    let world = World::new(Storage::Usual);
    let has_opfs = engines().any(|(engine, _)| engine == "opfs");
    // The page asks for OPFS first, which starts a worker that runs the same module, and then for IndexedDB.
    let visits: &[_] = if has_opfs {
        &[
            ("", "opfs://visits?layout=packed"),
            ("?url=opfs://tree", "opfs://tree"),
            ("?url=opfs://streams%3Fio%3Dstream", "opfs://streams?io=stream"),
            ("?url=idb://visits", "idb://visits"),
        ]
    } else {
        &[("", "idb://visits")]
    };
    for (query, opened) in visits {
        world.session.go(&format!("{}/{query}", site.origin())).unwrap();
        assert_eq!(shown(&world), format!("{opened} 1"));
        for visit in 2..=3 {
            world.session.reload().unwrap();
            assert_eq!(shown(&world), format!("{opened} {visit}"));
        }
        println!("{}: {opened}: 3 visits", world.session.title());
    }
    assert_eq!(site.missed(), Vec::<String>::new());
}

fn watch(index: &Path) {
    let page = fs::read_to_string(index).unwrap();
    fs::write(index, page.replacen("<head>", WATCH, 1)).unwrap();
}

/// What the page shows, as soon as it shows something.
fn shown(world: &World) -> String {
    let start = Instant::now();
    loop {
        let shown = world.session.run(SHOWN, &[]).unwrap();
        assert_eq!(shown[1], json!([]));
        let text = shown[0].as_str().unwrap();
        if !text.is_empty() {
            return text.to_owned();
        }
        assert!(start.elapsed() < PATIENCE, "the page shows nothing");
        sleep(Duration::from_millis(50));
    }
}

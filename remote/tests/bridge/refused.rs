//! Where there is no memory to share: opening says so, and names what works.

use anystorage_api::ErrorKind;
use anystorage_remote::shared::{self, SharedOptions, WorkerUrl};
use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::memory;

/// Says that this worker is not isolated, as one is of a page without the headers.
struct NotIsolated;

impl NotIsolated {
    fn new() -> Self {
        let says_no = Object::new();
        Reflect::set(&says_no, &"value".into(), &JsValue::FALSE).unwrap();
        Reflect::set(&says_no, &"configurable".into(), &JsValue::TRUE).unwrap();
        Reflect::define_property(&js_sys::global(), &"crossOriginIsolated".into(), &says_no).unwrap();
        Self
    }
}

impl Drop for NotIsolated {
    fn drop(&mut self) {
        // What the prototype says shows again.
        Reflect::delete_property(&js_sys::global(), &"crossOriginIsolated".into()).unwrap();
    }
}

#[wasm_bindgen_test]
async fn without_the_headers_opening_names_the_other_ways() {
    let without = NotIsolated::new();
    let error = shared::open(memory, "", &SharedOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for named in ["Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Embedder-Policy: require-corp", "packed", "pool", "Mirror"] {
        assert!(error.to_string().contains(named), "{error}");
    }
    drop(without);
    drop(shared::open(memory, "", &SharedOptions::new()).await.unwrap());
}

#[wasm_bindgen_test]
async fn a_script_that_is_not_there_is_told() {
    let nowhere = SharedOptions::new().worker(WorkerUrl::At("/nowhere.js".to_owned()));
    let error = shared::open(memory, "", &nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("/nowhere.js"), "{error}");
    let no_glue = SharedOptions::new().glue_url(format!("{}/nowhere.js", origin()));
    let error = shared::open(memory, "", &no_glue).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
}

fn origin() -> String {
    let location = anystorage_browser_host::global::property("location");
    let origin = anystorage_browser_host::global::member(&location, "origin").as_string().unwrap();
    // That of a worker from a `blob:` URL is its maker's.
    if origin == "null" { "http://localhost".to_owned() } else { origin }
}

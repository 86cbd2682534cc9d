//! OPFS as any script of the origin uses it, and what the tests share.

use anystorage_api::{ErrorKind, Result, StoragePath};
use anystorage_browser_host::global;
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

pub(crate) fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// A location that no other test and no other run has.
pub(crate) fn fresh(name: &str) -> String {
    format!("{name} {:x}", global::random())
}

pub(crate) fn is_firefox() -> bool {
    let name = global::member(&global::property("navigator"), "userAgent").as_string();
    name.is_some_and(|name| name.contains("Firefox/"))
}

#[track_caller]
pub(crate) fn refused<T>(outcome: Result<T>) -> (ErrorKind, String) {
    match outcome {
        Ok(_) => panic!("it was not refused"),
        Err(error) => (error.kind(), error.to_string()),
    }
}

/// Runs the body of an asynchronous function of JavaScript, which has `name`, `other`, and the root of the origin as `root`.
pub(crate) async fn script(body: &str, name: &str, other: &JsValue) -> JsValue {
    let body = format!("return (async () => {{ const root = await navigator.storage.getDirectory(); {body} }})()");
    let function = Function::new_with_args("name, other", &body);
    let promise = function.call2(&JsValue::UNDEFINED, &JsValue::from_str(name), other).unwrap();
    JsFuture::from(Promise::resolve(&promise)).await.unwrap()
}

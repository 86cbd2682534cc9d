//! IndexedDB as any script on the page uses it, and what the tests share.

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

/// The database of a location.
pub(crate) fn database(location: &str) -> String {
    format!("anystorage/{location}")
}

#[track_caller]
pub(crate) fn refused<T>(outcome: Result<T>) -> (ErrorKind, String) {
    match outcome {
        Ok(_) => panic!("it was not refused"),
        Err(error) => (error.kind(), error.to_string()),
    }
}

/// Runs a function body of JavaScript, which has `name` and `other` as arguments and returns a promise.
async fn script(body: &str, name: &str, other: &JsValue) -> JsValue {
    let function = Function::new_with_args("name, other", body);
    let promise = function.call2(&JsValue::UNDEFINED, &JsValue::from_str(name), other).unwrap();
    JsFuture::from(Promise::resolve(&promise)).await.unwrap()
}

/// Deletes a database: `deleted`, or `blocked` if somebody has it open and does not let go for a while.
pub(crate) async fn delete(name: &str) -> String {
    let body = "return new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = () => resolve('deleted');
        request.onblocked = () => setTimeout(() => resolve('blocked'), 500);
        request.onerror = () => reject(request.error);
    })";
    script(body, name, &JsValue::UNDEFINED).await.as_string().unwrap()
}

/// Opens a database, with an object store `things` if it is new; the connection takes no notice of who wants it to close.
pub(crate) async fn connect(name: &str, version: u32) -> JsValue {
    let body = "return new Promise((resolve, reject) => {
        const request = indexedDB.open(name, other);
        request.onupgradeneeded = event => { if (event.oldVersion === 0) request.result.createObjectStore('things'); };
        request.onsuccess = () => resolve(request.result);
        request.onblocked = () => reject('blocked');
        request.onerror = () => reject(request.error);
    })";
    script(body, name, &JsValue::from(version)).await
}

/// Closes a connection.
pub(crate) async fn disconnect(connection: &JsValue) {
    script("other.close(); return Promise.resolve()", "", connection).await;
}

/// Puts something else in the place of every record of a location that nobody has open.
pub(crate) async fn spoil(name: &str, value: &JsValue) {
    let body = "return new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
            const transaction = request.result.transaction('anystorage', 'readwrite');
            const store = transaction.objectStore('anystorage');
            store.getAllKeys().onsuccess = event => { for (const key of event.target.result) store.put(other, key); };
            transaction.oncomplete = () => { request.result.close(); resolve(); };
            transaction.onabort = () => reject(transaction.error);
        };
    })";
    script(body, name, value).await;
}

//! The global scope, be it a window or a worker.

use anystorage_api::{Error, ErrorKind, Operation, Result, Timestamp, Usage};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::exception::{Exception, thrown};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout, catch)]
    fn set_timeout(callback: &Function, milliseconds: f64) -> std::result::Result<f64, JsValue>;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: f64);
}

/// A property of the global scope; `undefined` if there is none of that name.
#[must_use]
pub fn property(name: &str) -> JsValue {
    member(&js_sys::global(), name)
}

/// A member of `navigator`, such as `storage` or `locks`.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if it is not there: an old browser, or a page that is not served securely.
pub fn of_navigator(name: &str) -> Result<Object> {
    let found = member(&property("navigator"), name);
    found.dyn_into().map_err(|_| {
        let text = format!(
            "this browser has no navigator.{name} here: it needs a secure context (https:, or http: on localhost) and a browser that has it"
        );
        Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text)
    })
}

/// A member of an object; `undefined` if there is none of that name, or `object` is none.
#[must_use]
pub fn member(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or_default()
}

/// Calls a method that returns a promise, and waits for it.
///
/// # Errors
/// What it throws, or what the promise is rejected with; a `TypeError` if there is no such method.
pub async fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> std::result::Result<JsValue, JsValue> {
    let method: Function = Reflect::get(object, &JsValue::from_str(method))?.dyn_into().map_err(|_| {
        let text = format!("there is no method {method} here");
        JsValue::from(js_sys::TypeError::new(&text))
    })?;
    let promised = Reflect::apply(&method, object, &arguments.iter().collect())?;
    JsFuture::from(Promise::resolve(&promised)).await
}

/// The time, in whole milliseconds, as precise as the browser lets it be.
#[must_use]
pub fn now() -> Option<Timestamp> {
    Some(timestamp(js_sys::Date::now()))
}

/// From milliseconds since 1970, as JavaScript counts them.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "it saturates, far beyond any date")]
pub fn timestamp(milliseconds: f64) -> Timestamp {
    Timestamp::from_unix_millis(milliseconds as i64)
}

/// A random number, from the browser's generator for cryptography, or else from `Math.random`.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "32 bits are taken of each")]
pub fn random() -> u64 {
    let bytes = js_sys::Uint8Array::new_with_length(8);
    let crypto = property("crypto");
    let filled = member(&crypto, "getRandomValues").dyn_into::<Function>().and_then(|fill| fill.call1(&crypto, &bytes));
    if filled.is_ok() {
        let mut number = [0; 8];
        bytes.copy_to(&mut number);
        return u64::from_le_bytes(number);
    }
    let half = || (js_sys::Math::random() * f64::from(u32::MAX)) as u64;
    half() << 32 | half()
}

/// Waits. The browser may make it longer, in tabs that are not seen above all.
pub async fn sleep(milliseconds: f64) {
    let mut alarm = None;
    let rung = Promise::new(&mut |resolve, _| alarm = Some(Alarm::set(resolve, milliseconds)));
    // It is never rejected.
    let _ = JsFuture::from(rung).await;
}

/// Resolves a promise after some milliseconds, or when it is dropped: whoever waits for one that never settles is never let go of.
struct Alarm {
    id: Option<f64>,
    resolve: Function,
}

impl Alarm {
    fn set(resolve: Function, milliseconds: f64) -> Self {
        Self { id: set_timeout(&resolve, milliseconds).ok(), resolve }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            clear_timeout(id);
        }
        // Calling the resolver of a promise does not throw, a second time does nothing.
        let _ = self.resolve.call0(&JsValue::UNDEFINED);
    }
}

/// What the browser tells of the space of this origin: all its storages together, in bytes. Browsers may round it, and be late.
///
/// # Errors
/// [`ErrorKind::Unsupported`] where there is no `navigator.storage`; what the browser answers.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
pub async fn estimate() -> Result<Usage> {
    let storage = of_navigator("storage").map_err(|error| error.in_operation(Operation::Usage))?;
    let estimate = call(&storage, "estimate", &[]).await.map_err(thrown(Operation::Usage))?;
    let bytes = |name: &str| member(&estimate, name).as_f64().map(|bytes| bytes as u64);
    let (used, quota) = (bytes("usage"), bytes("quota"));
    let free = used.zip(quota).map(|(used, quota)| quota.saturating_sub(used));
    Ok(Usage::new(used, quota, free))
}

/// Whether what was thrown is a `DOMException` or an error of this name.
#[must_use]
pub fn is_named(thrown: &JsValue, name: &str) -> bool {
    Exception::new(thrown).name() == name
}

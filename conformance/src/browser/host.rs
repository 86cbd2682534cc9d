//! What is needed of the page or worker: its clock, and requests that wait for their answers.

use js_sys::{Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    type XMLHttpRequest;
    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<XMLHttpRequest, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn open(this: &XMLHttpRequest, method: &str, url: &str, asynchronous: bool) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn send(this: &XMLHttpRequest, body: &Uint8Array) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter)]
    fn status(this: &XMLHttpRequest) -> u16;
}

/// The time since the page or the worker began, where it can be told.
pub(crate) fn milliseconds() -> Option<f64> {
    let performance = Reflect::get(&js_sys::global(), &"performance".into()).ok()?;
    let now: Function = Reflect::get(&performance, &"now".into()).ok()?.dyn_into().ok()?;
    now.call0(&performance).ok()?.as_f64()
}

/// Posts bytes, and returns when they have been answered: nothing else happens in this page or worker meanwhile.
pub(super) fn post(url: &str, body: &[u8]) -> std::io::Result<()> {
    let posted = || -> Result<u16, JsValue> {
        let request = XMLHttpRequest::new()?;
        request.open("POST", url, false)?;
        request.send(&Uint8Array::from(body))?;
        Ok(request.status())
    };
    match posted() {
        Ok(200..300) => Ok(()),
        Ok(status) => Err(std::io::Error::other(format!("{url} answered {status}"))),
        Err(thrown) => Err(std::io::Error::other(format!("{url} cannot be reached: {thrown:?}"))),
    }
}

/// Tells the page that the operation of this number of a load begins now.
pub(super) fn begin(number: u64) {
    tell("anystorageBegun", number);
}

/// Tells the page that it has ended.
pub(super) fn end(number: u64) {
    tell("anystorageEnded", number);
}

/// Calls a function of the page or worker with a number, if it has it.
fn tell(function: &str, number: u64) {
    if let Some(listener) = Reflect::get(&js_sys::global(), &function.into()).ok().and_then(|found| found.dyn_into::<Function>().ok()) {
        #[expect(clippy::cast_precision_loss, reason = "the numbers of operations are far below 2^53")]
        let number = number as f64;
        // What it throws is its own affair.
        let _ = listener.call1(&JsValue::UNDEFINED, &number.into());
    }
}

/// Keeps what a panic says where the page finds it when it hears of the panic.
pub(super) fn keep_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let _ = Reflect::set(&js_sys::global(), &"anystoragePanic".into(), &panic.to_string().into());
    }));
}

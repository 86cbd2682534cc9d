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
    let begun = Reflect::get(&js_sys::global(), &"anystorageBegun".into()).ok().and_then(|begun| begun.dyn_into::<Function>().ok());
    if let Some(begun) = begun {
        #[expect(clippy::cast_precision_loss, reason = "the numbers of operations are far below 2^53")]
        let number = number as f64;
        // Nobody may be listening.
        let _ = begun.call1(&JsValue::UNDEFINED, &number.into());
    }
}

/// Keeps what a panic says where the page finds it when it hears of the panic.
pub(super) fn keep_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let _ = Reflect::set(&js_sys::global(), &"anystoragePanic".into(), &panic.to_string().into());
    }));
}

//! What is needed of the page or worker: its clock, and requests to the runner.

use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The time since the page or the worker began, where it can be told.
pub(crate) fn milliseconds() -> Option<f64> {
    let performance = Reflect::get(&js_sys::global(), &"performance".into()).ok()?;
    let now: Function = Reflect::get(&performance, &"now".into()).ok()?.dyn_into().ok()?;
    now.call0(&performance).ok()?.as_f64()
}

/// Has the page post bytes, and returns when they have been answered.
pub(super) async fn post(url: &str, body: &[u8]) -> std::io::Result<()> {
    let posted = async {
        let global = js_sys::global();
        let post: Function = Reflect::get(&global, &"anystoragePost".into())?.dyn_into()?;
        let posted: Promise = post.call2(&global, &url.into(), &Uint8Array::from(body))?.dyn_into()?;
        Ok::<_, JsValue>(JsFuture::from(posted).await?.is_truthy())
    };
    match posted.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(std::io::Error::other(format!("{url} is refused"))),
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

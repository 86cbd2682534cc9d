//! What the worker begins with: a function that opens an engine, known to both ends because both run the same module.
#![allow(unsafe_code, reason = "a function is called by its number")]

use std::pin::Pin;

use anystorage_api::{Operation, Result, StorageBackend};
use anystorage_browser_host::global::property;
use anystorage_browser_host::task::spawn;
use js_sys::{SharedArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::DedicatedWorkerGlobalScope;

use super::line::SharedLine;
use crate::protocol::{Answer, encode};
use crate::server::Server;

/// An engine that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Box<dyn StorageBackend>>>>>;

/// Opens an engine, from whatever its argument says: a name, a URL, a configuration.
///
/// It runs in another worker, in a second instance of the module: nothing that this one has in memory is there. So it is a function, and no
/// closure that holds something.
pub type Opener = fn(String) -> Opening;

/// The number by which another instance of this module knows a function: its place in the module's table of functions.
pub(super) fn number_of(opener: Opener) -> usize {
    opener as usize
}

/// Whether this module runs in a worker that the bridge started, to serve an engine: what else a program begins with is out of place there.
#[must_use]
pub fn in_served_worker() -> bool {
    property("anystorageRemoteWorker").is_truthy()
}

/// For the script of the bridge's worker: opens the engine, and serves it from then on. Gives a frame that says how opening went.
#[doc(hidden)]
#[wasm_bindgen(js_name = anystorageremoteserve, skip_typescript)]
#[expect(unreachable_pub, reason = "exported to JavaScript")]
pub async fn serve(opener: usize, argument: String, shared: SharedArrayBuffer) -> Uint8Array {
    // SAFETY: the number is that of an `Opener` in the instance that started this worker, by `number_of`. This instance is of the same
    // compiled module, which the two hand over; so the number is that of the same function here: the table of functions is filled from
    // the module, before anything runs, and never changed. A number from anywhere else would be no more than a trap: WebAssembly checks
    // the type of what is called by its number.
    let opener = unsafe { std::mem::transmute::<usize, Opener>(opener) };
    let engine = match opener(argument).await {
        Ok(engine) => engine,
        Err(error) => return frame(&Answer::Failed((&error.in_operation(Operation::OpenLocation)).into())),
    };
    let line = SharedLine::new(&shared);
    spawn(Box::pin(async move {
        Server::new(engine).serve(line).await;
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        scope.close();
    }));
    frame(&Answer::Done)
}

fn frame(answer: &Answer<'_>) -> Uint8Array {
    Uint8Array::from(encode(0, answer, 0).unwrap_or_default().as_slice())
}

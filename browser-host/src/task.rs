//! Futures that go on by themselves.

use anystorage_api::{Detached, RunToEnd};

/// Leaves a future to the browser's event loop.
pub fn spawn(future: Detached) {
    wasm_bindgen_futures::spawn_local(future);
}

/// `call`, which runs to its end once it was polled (contract line 6).
pub fn run_to_end<T: 'static>(call: impl Future<Output = T> + 'static) -> RunToEnd<T> {
    RunToEnd::new(spawn, call)
}

//! Whether there is memory to share, and whether one may sleep.

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::global::property;
use js_sys::{Atomics, Int32Array, SharedArrayBuffer};

/// What works without.
const OTHER_WAYS: &str = "what works here without it: OPFS with layout=packed or layout=pool, which is immediate in a dedicated worker; a \
                          mirror in memory of any engine (Mirror); asynchronous calls, also through a message port";

/// That the bridge works here.
///
/// # Errors
/// [`ErrorKind::Unsupported`], with the reason and what works instead.
pub(super) fn check() -> Result<()> {
    let refused = |why: &str| Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(format!("{why}; {OTHER_WAYS}")));
    if !property("SharedArrayBuffer").is_function() || property("crossOriginIsolated").is_falsy() {
        return refused(
            "synchronous calls of this engine need memory that workers share (SharedArrayBuffer), which browsers give only to pages served \
             with the headers `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`",
        );
    }
    // Tried, as there is no other way to know. It is this value, so it would sleep, for no time.
    let words = Int32Array::new(&SharedArrayBuffer::new(4));
    if Atomics::wait_with_timeout(&words, 0, 0, 0.0).is_err() {
        return refused(
            "synchronous calls of this engine block, which a browser lets dedicated workers do, and no page: call it from a worker",
        );
    }
    Ok(())
}

//! The browser that keeps what sites store in LevelDB: Chromium.
//!
//! A kill in the middle of a record leaves a torn one at the end of a database's log, and the next process writes on behind it (`reuse_logs`).
//! Whoever reads the log after that passes over the torn record, and with it over all that follows in the same block of 32 KiB
//! (google/leveldb#1287): what the process in between had written there is gone. So what is to last must not be the first that is written to
//! the log of a database.

use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast;

use crate::global;

/// A member of `IDBVersionChangeEvent` that Chromium alone has.
pub const SIGN: &str = "dataLoss";

/// Whether this browser is one.
#[must_use]
pub fn is_here() -> bool {
    let class = global::property("IDBVersionChangeEvent").dyn_into::<Function>();
    class.is_ok_and(|class| Reflect::has(&global::member(&class, "prototype"), &SIGN.into()).unwrap_or(false))
}

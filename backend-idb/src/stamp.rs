//! What tells whether a commit was made whose connection was lost.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};

/// The key of the record. It is no binary key, so that no range of those meets it.
pub(crate) const STAMP_KEY: &str = "last commit";

/// Of every commit another one: each puts its own, in the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Of each instance another one.
    pub(crate) instance: u64,
    /// Counts up.
    pub(crate) number: u64,
}

impl Stamp {
    /// Of a stored value; none if there is none, or it makes no sense.
    pub(crate) fn of(value: &JsValue) -> Option<Self> {
        let bytes = value.dyn_ref::<Uint8Array>()?.to_vec();
        let (instance, number) = bytes.split_first_chunk::<8>()?;
        let number = <[u8; 8]>::try_from(number).ok()?;
        Some(Self { instance: u64::from_be_bytes(*instance), number: u64::from_be_bytes(number) })
    }

    pub(crate) fn to_value(self) -> Uint8Array {
        let bytes = [self.instance.to_be_bytes(), self.number.to_be_bytes()].concat();
        Uint8Array::from(bytes.as_slice())
    }
}

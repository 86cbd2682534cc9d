//! Calls on their way to a worker.

use js_sys::{Array, ArrayBuffer, Float64Array, Uint8Array};
use wasm_bindgen::JsValue;

/// In bytes, what is handed over by a message instead of copied: below it, handing over takes longer.
const MUCH: usize = 1 << 12;

/// In bytes, what has a buffer of its own: smaller arguments share one, and so are copied twice.
const BY_ITSELF: usize = 1 << 16;

/// What the script does, numbered as it stands there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Nothing,
    /// With the name of a Web Lock.
    Lock,
    /// The number that a handle is to have, and its file.
    Open,
    Close,
    Size,
    /// A handle, a place, and how many bytes.
    Read,
    /// A handle, a place, and the bytes.
    Write,
    Truncate,
    Flush,
    /// From one handle to another.
    Copy,
    /// The handle that it has, and the compiled module.
    #[cfg(feature = "packed-page")]
    Module,
    /// A request.
    #[cfg(feature = "packed-page")]
    Serve,
}

impl Call {
    /// Whether bytes come of it, as many as its result says.
    pub(super) const fn gives_bytes(self) -> bool {
        match self {
            Self::Read => true,
            #[cfg(feature = "packed-page")]
            Self::Serve => true,
            _ => false,
        }
    }
}

/// The last argument of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Last<'a> {
    Number(f64),
    Bytes(&'a [u8]),
    Object(&'a JsValue),
}

/// What goes in one message: as few values of JavaScript as can be, because each takes as long to send as a call to answer.
#[derive(Default)]
pub(super) struct Outgoing {
    /// Four numbers a call.
    heads: Vec<f64>,
    /// Small arguments.
    bytes: Vec<u8>,
    /// Arguments that are neither, or many bytes.
    objects: Array,
    /// Buffers that are handed over.
    handed: Array,
}

impl Outgoing {
    pub(super) fn push(&mut self, call: Call, numbers: [f64; 2], last: Last<'_>) {
        let last = match last {
            Last::Number(number) => number,
            Last::Bytes(bytes) if bytes.len() < BY_ITSELF => {
                self.bytes.extend_from_slice(bytes);
                bytes.len() as f64
            }
            Last::Bytes(bytes) => {
                let bytes = Uint8Array::from(bytes);
                self.handed.push(&bytes.buffer());
                self.objects.push(&bytes);
                -1.0
            }
            Last::Object(object) => {
                self.objects.push(object);
                -1.0
            }
        };
        let [first, second] = numbers;
        self.heads.extend([f64::from(call as u8), first, second, last]);
    }

    /// The message, and the buffers that are handed over with it, among them those to answer in.
    pub(super) fn complete(self, spares: Vec<ArrayBuffer>) -> (Array, Array) {
        let Self { heads, bytes, objects, handed } = self;
        let mut shared = JsValue::UNDEFINED;
        if !bytes.is_empty() {
            let bytes = Uint8Array::from(bytes.as_slice());
            if bytes.length() as usize >= MUCH {
                handed.push(&bytes.buffer());
            }
            shared = bytes.into();
        }
        let message = Array::of3(&Float64Array::from(heads.as_slice()), &shared, &objects);
        for spare in &spares {
            message.push(spare);
            handed.push(spare);
        }
        (message, handed)
    }
}

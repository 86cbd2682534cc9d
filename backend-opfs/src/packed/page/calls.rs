//! The handle as the worker's script offers it to the module: by calls that take and give numbers alone, so that they need nothing of what
//! wasm-bindgen brings along for a page. In the page they lead nowhere.

use anystorage_api::Result;
use anystorage_browser_host::exception::Exception;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::handle::HandleCalls;

// Each answers NaN where the browser threw. Places in memory and lengths are bytes.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = anystorageopfssize)]
    fn size() -> f64;
    #[wasm_bindgen(js_name = anystorageopfsread)]
    fn read(at: f64, place: usize, len: usize) -> f64;
    #[wasm_bindgen(js_name = anystorageopfswrite)]
    fn write(at: f64, place: usize, len: usize) -> f64;
    #[wasm_bindgen(js_name = anystorageopfstruncate)]
    fn truncate(len: f64) -> f64;
    #[wasm_bindgen(js_name = anystorageopfsflush)]
    fn flush() -> f64;
    /// Fills the place with the name and the message of what was thrown last, a line each, as far as there is room; how many bytes that was.
    #[wasm_bindgen(js_name = anystorageopfsthrown)]
    fn thrown(place: usize, len: usize) -> usize;
    /// Keeps the text that is there: what a panic says, with which the worker ends.
    #[wasm_bindgen(js_name = anystorageopfspanicked)]
    fn panicked(place: usize, len: usize);
}

/// Has the page told what a panic says that ends the worker.
pub(super) fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("it did not say why");
        panicked(text.as_ptr() as usize, text.len());
    }));
}

/// The handle that the worker has open.
#[derive(Debug)]
pub(super) struct Offered;

impl HandleCalls for Offered {
    fn read(&self, at: f64, buf: &mut [u8]) -> Result<f64, Exception> {
        checked(read(at, buf.as_mut_ptr() as usize, buf.len()))
    }

    fn write(&self, at: f64, data: &[u8]) -> Result<f64, Exception> {
        checked(write(at, data.as_ptr() as usize, data.len()))
    }

    fn size(&self) -> Result<f64, Exception> {
        checked(size())
    }

    fn truncate(&self, len: f64) -> Result<(), Exception> {
        checked(truncate(len)).map(drop)
    }

    fn flush(&self) -> Result<(), Exception> {
        checked(flush()).map(drop)
    }

    /// The script does it when it ends.
    fn close(&self) {}
}

fn checked(count: f64) -> Result<f64, Exception> {
    if !count.is_nan() {
        return Ok(count);
    }
    let mut text = vec![0; 1024];
    let len = thrown(text.as_mut_ptr() as usize, text.len());
    text.truncate(len);
    let text = String::from_utf8_lossy(&text);
    let (name, message) = text.split_once('\n').unwrap_or((&text, ""));
    Err(Exception::named(name, message))
}

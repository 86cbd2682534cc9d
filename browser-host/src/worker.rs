//! Dedicated workers that a library starts by itself.

use std::fmt;

use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, Url, Worker};

use crate::exception::Exception;

/// From where the script of a worker comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerUrl {
    /// From the crate that starts the worker, by way of a `blob:` URL. A content security policy has to allow `worker-src blob:`.
    #[default]
    Embedded,
    /// From this URL, where the `WORKER_SCRIPT` of that crate is served as it is, as `text/javascript`: for a policy that allows none but
    /// the site's own (`worker-src 'self'`).
    At(String),
}

impl WorkerUrl {
    /// Starts a worker from there; `script` is the embedded one. What comes with it is kept until the worker has said something: the browser
    /// may look for its script until then.
    ///
    /// # Errors
    /// What the browser throws. That a script is not loaded it tells later, by an `error` event.
    pub fn start(&self, script: &str) -> Result<(Worker, ScriptUrl), Exception> {
        let url = match self {
            Self::At(address) => ScriptUrl { address: address.clone(), embedded: false },
            Self::Embedded => ScriptUrl::of(script).map_err(|value| Exception::new(&value))?,
        };
        let worker = Worker::new(&url.address).map_err(|value| Exception::new(&value))?;
        Ok((worker, url))
    }
}

impl fmt::Display for WorkerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("the embedded one"),
            Self::At(url) => write!(f, "at {url:?}"),
        }
    }
}

/// The URL of a script. An embedded one has it until this is dropped.
#[derive(Debug)]
pub struct ScriptUrl {
    address: String,
    embedded: bool,
}

impl ScriptUrl {
    fn of(script: &str) -> Result<Self, JsValue> {
        let options = BlobPropertyBag::new();
        options.set_type("text/javascript");
        let script = Blob::new_with_str_sequence_and_options(&Array::of1(&JsValue::from_str(script)), &options)?;
        Ok(Self { address: Url::create_object_url_with_blob(&script)?, embedded: true })
    }
}

impl Drop for ScriptUrl {
    fn drop(&mut self) {
        if self.embedded {
            // It throws for no URL.
            let _ = Url::revoke_object_url(&self.address);
        }
    }
}

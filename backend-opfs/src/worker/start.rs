//! Starting it.

use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::exception::{Exception, thrown};
use anystorage_browser_host::global::{member, property, random};
use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, Url, Worker};

use super::link::{Link, in_time};

/// The script of the worker, for [`WorkerUrl::At`]: serve it as it is, as `text/javascript`.
pub const WORKER_SCRIPT: &str = include_str!("script.js");

/// The number in the script.
const VERSION: f64 = 1.0;

/// From where the script of the worker comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerUrl {
    /// From this crate, by way of a `blob:` URL. A content security policy has to allow `worker-src blob:`.
    #[default]
    Embedded,
    /// From this URL, where [`WORKER_SCRIPT`] is served: for a policy that allows none but the site's own (`worker-src 'self'`).
    At(String),
}

/// Whether this is a place that can start workers.
pub(crate) fn can_start() -> bool {
    property("Worker").is_function()
}

/// Starts the worker, and waits until it answers.
pub(crate) async fn start(url: &WorkerUrl) -> Result<Rc<Link>> {
    let operation = Operation::OpenLocation;
    let embedded;
    let address = match url {
        WorkerUrl::At(address) => address,
        WorkerUrl::Embedded => {
            embedded = Embedded::new().map_err(thrown(operation))?;
            &embedded.0
        }
    };
    let worker = Worker::new(address).map_err(|value| not_started(url, Exception::new(&value)))?;
    let link = Link::new(worker);
    let hello = link.hello().await.map_err(|error| {
        link.give_up();
        not_started(url, error)
    })?;
    if member(&hello, "version").as_f64() != Some(VERSION) {
        link.give_up();
        let text = format!("the script of the worker is not that of this version ({url}): serve WORKER_SCRIPT of anystorage-opfs as it is");
        return Err(Error::new(ErrorKind::InvalidInput, operation).with_text(text));
    }
    let lock = format!("anystorage:opfs-worker:{:016x}", random());
    let taken = in_time(link.call(operation, "lock", &[&JsValue::from_str(&lock)])).await?;
    taken.map_err(|exception| exception.into_error(operation))?;
    link.watch(&lock);
    Ok(link)
}

/// The script under a URL of its own, until this is dropped.
struct Embedded(String);

impl Embedded {
    fn new() -> Result<Self, JsValue> {
        let options = BlobPropertyBag::new();
        options.set_type("text/javascript");
        let script = Blob::new_with_str_sequence_and_options(&Array::of1(&JsValue::from_str(WORKER_SCRIPT)), &options)?;
        Url::create_object_url_with_blob(&script).map(Self)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // It throws for no URL.
        let _ = Url::revoke_object_url(&self.0);
    }
}

impl std::fmt::Display for WorkerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedded => f.write_str("the embedded one"),
            Self::At(url) => write!(f, "at {url:?}"),
        }
    }
}

/// Why there is no worker.
fn not_started(url: &WorkerUrl, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let text = match url {
        WorkerUrl::Embedded => {
            "the engine's worker could not be started: a content security policy has to allow `worker-src blob:`, or the script has to be \
             served and its URL named (worker_url)"
                .to_owned()
        }
        WorkerUrl::At(url) => {
            format!(
                "the engine's worker could not be started from {url:?}: serve WORKER_SCRIPT of anystorage-opfs there, as text/javascript"
            )
        }
    };
    Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text).with_cause(cause)
}

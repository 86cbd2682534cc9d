//! Starting it.

use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::global::{member, property, random};
use anystorage_browser_host::worker::WorkerUrl;
use wasm_bindgen::JsValue;

use super::link::{Link, in_time};
use super::outgoing::{Call, Last};

/// The script of the worker, for [`WorkerUrl::At`]: serve it as it is, as `text/javascript`.
pub const WORKER_SCRIPT: &str = include_str!("script.js");

/// The number in the script.
const VERSION: f64 = 3.0;

/// Whether this is a place that can start workers.
pub(crate) fn can_start() -> bool {
    property("Worker").is_function()
}

/// Starts the worker, and waits until it answers.
pub(crate) async fn start(url: &WorkerUrl) -> Result<Rc<Link>> {
    let operation = Operation::OpenLocation;
    let (worker, _script) = url.start(WORKER_SCRIPT).map_err(|exception| not_started(url, exception))?;
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
    let taken = in_time(link.call(operation, Call::Lock, [0.0; 2], Last::Object(&JsValue::from_str(&lock)))).await?;
    taken.map_err(|exception| exception.into_error(operation))?;
    link.watch(&lock);
    Ok(link)
}

/// Why there is no worker.
fn not_started(url: &WorkerUrl, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let text = match url {
        WorkerUrl::Embedded => {
            "the engine's worker could not be started: a content security policy has to allow `worker-src blob:`, or the script has to be \
             served and its URL named (worker_url)"
                .to_owned()
        }
        url => {
            format!("the engine's worker could not be started ({url}): serve WORKER_SCRIPT of anystorage-opfs there, as text/javascript")
        }
    };
    Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text).with_cause(cause)
}

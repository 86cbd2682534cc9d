//! One holder of a location, in all tabs and workers of an origin: a [Web Lock](https://w3c.github.io/web-locks/).

use std::cell::RefCell;
use std::fmt;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use futures_lite::future::{or, pending};
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::exception::{Exception, thrown};
use crate::global::{call, member, of_navigator, property, sleep};

/// How long a lock that another holder has is waited for, in milliseconds: its holder may just be going, with the page that was reloaded.
pub const PATIENCE: f64 = 500.0;

/// How many times as long one is waited for that nobody has, at least: a browser that is busy gives it late.
const BUSY: u32 = 40;

/// A lock that is held until this is released or dropped, or until its page or worker ends, however it ends.
pub struct WebLock {
    name: String,
    /// Resolves the promise that holds the lock.
    release: Function,
    /// Settles when the lock is free again.
    ended: RefCell<Option<Promise>>,
}

#[wasm_bindgen]
extern "C" {
    type AbortController;
    #[wasm_bindgen(method, getter)]
    fn signal(this: &AbortController) -> JsValue;
    #[wasm_bindgen(method)]
    fn abort(this: &AbortController);
}

impl WebLock {
    /// Takes the lock of this name for itself, waiting for at most [`PATIENCE`] if somebody else has it, and for some 20 seconds if nobody does
    /// and the browser is busy.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] if somebody else holds it; [`ErrorKind::Unsupported`] where there are no Web Locks,
    /// [`ErrorKind::PermissionDenied`] where the origin may not use them.
    pub async fn acquire(name: &str) -> Result<Self> {
        Self::request(name, "exclusive").await
    }

    /// Takes the lock of this name beside others who take it so too, waiting as [`acquire`](Self::acquire) does.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] if somebody holds it for themselves; otherwise those of [`acquire`](Self::acquire).
    pub async fn acquire_shared(name: &str) -> Result<Self> {
        Self::request(name, "shared").await
    }

    async fn request(name: &str, mode: &str) -> Result<Self> {
        let operation = Operation::OpenLocation;
        let locks = of_navigator("locks")?;
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        let Some(release) = release else {
            return Err(Error::new(ErrorKind::Io, operation).with_text("a promise was made without its executor"));
        };
        // From here on a drop gives the lock back, even one that is granted later.
        let lock = Self { name: name.to_owned(), release, ended: RefCell::default() };

        let mut grant = None;
        let granted = Promise::new(&mut |resolve, _| grant = Some(resolve));
        let callback = Closure::once(move |_lock: JsValue| -> Promise {
            if let Some(grant) = grant {
                // Calling the resolver of a promise does not throw.
                let _ = grant.call1(&JsValue::UNDEFINED, &JsValue::TRUE);
            }
            held
        });
        let (options, controller) = options(mode).map_err(thrown(operation))?;
        let request: Function = member(&locks, "request").unchecked_into();
        let ended = request.call3(&locks, &JsValue::from_str(name), &options, callback.as_ref()).map_err(thrown(operation))?;
        let ended: Promise = ended.unchecked_into();
        *lock.ended.borrow_mut() = Some(ended.clone());
        let settled = JsFuture::from(Promise::race(&Array::of2(&granted, &ended)));
        let mut in_the_way = false;
        let impatient = async {
            for _ in 0..BUSY {
                sleep(PATIENCE).await;
                in_the_way = is_in_the_way(&locks, name, mode).await;
                if in_the_way {
                    break;
                }
            }
            // What comes of it is what the request says: it may have been granted just now.
            controller.abort();
            pending().await
        };
        let outcome = or(settled, impatient).await;
        match outcome {
            Ok(_) => {
                // It may still be called by JavaScript as long as the request is not over, which is now.
                drop(callback);
                Ok(lock)
            }
            Err(rejected) => {
                let exception = Exception::new(&rejected);
                if exception.name() != "AbortError" {
                    return Err(exception.into_error(operation));
                }
                let text = match in_the_way {
                    true => format!("another tab, worker or instance has it open (Web Lock {name:?}): close that one"),
                    false => format!("nobody has it open, and the browser does not give it (Web Lock {name:?}): try again"),
                };
                Err(Error::new(ErrorKind::Locked, operation).with_text(text))
            }
        }
    }

    /// Gives the lock back, and waits until it is free.
    pub async fn release(self) {
        self.resolve();
        let ended = self.ended.borrow_mut().take();
        if let Some(ended) = ended {
            // It settles with what the callback's promise settles with.
            let _ = JsFuture::from(ended).await;
        }
    }

    /// The name of the lock.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn resolve(&self) {
        // Calling the resolver of a promise does not throw, a second time does nothing.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

impl Drop for WebLock {
    fn drop(&mut self) {
        self.resolve();
    }
}

impl fmt::Debug for WebLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebLock").field(&self.name).finish()
    }
}

/// Waits until nobody holds the lock of this name, however long that takes.
///
/// # Errors
/// Those of [`WebLock::acquire`], but for `Locked`.
pub async fn until_free(name: &str) -> Result<()> {
    let operation = Operation::OpenLocation;
    let locks = of_navigator("locks")?;
    let callback = Closure::once(|_lock: JsValue| {});
    let request: Function = member(&locks, "request").unchecked_into();
    let ended = request.call2(&locks, &JsValue::from_str(name), callback.as_ref()).map_err(thrown(operation))?;
    JsFuture::from(Promise::resolve(&ended)).await.map(drop).map_err(thrown(operation))
}

/// Whether somebody has the lock of this name so that a request of this mode has to wait; true where the browser does not tell. It may be a
/// request that was granted just now: the browser tells that first.
async fn is_in_the_way(locks: &JsValue, name: &str, mode: &str) -> bool {
    let is = |lock: &JsValue, key: &str, value: &str| member(lock, key) == *value;
    match call(locks, "query", &[]).await {
        // Of two modes one has to be for oneself.
        Ok(state) => Array::from(&member(&state, "held"))
            .iter()
            .any(|lock| is(&lock, "name", name) && (is(&lock, "mode", "exclusive") || mode == "exclusive")),
        Err(_) => true,
    }
}

/// Options of a request, and what gives it up.
fn options(mode: &str) -> std::result::Result<(Object, AbortController), JsValue> {
    let class: Function = property("AbortController").dyn_into()?;
    let controller: AbortController = Reflect::construct(&class, &Array::new())?.unchecked_into();
    let options = Object::new();
    Reflect::set(&options, &JsValue::from_str("mode"), &JsValue::from_str(mode))?;
    Reflect::set(&options, &JsValue::from_str("signal"), &controller.signal())?;
    Ok((options, controller))
}

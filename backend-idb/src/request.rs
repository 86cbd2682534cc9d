//! The answer to one request.

use std::future::poll_fn;
use std::pin::Pin;

use anystorage_browser_host::exception::Exception;
use tokio::sync::oneshot;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, IdbRequest};

/// A request that will be answered. Where it is dropped, the browser finds nobody to call, which a request of the idb crate leaves to an
/// exception.
#[derive(Debug)]
pub(crate) struct Answer {
    request: IdbRequest,
    answered: oneshot::Receiver<Event>,
    /// What the browser calls.
    _callback: Closure<dyn FnMut(Event)>,
}

impl Answer {
    /// To be made before control goes back to the browser.
    pub(crate) fn to(request: impl Into<IdbRequest>) -> Self {
        let request = request.into();
        let (sender, answered) = oneshot::channel();
        let mut sender = Some(sender);
        let callback = Closure::new(move |event: Event| {
            // An error that goes on from here would be reported as one that nobody handled.
            event.prevent_default();
            // Who dropped the receiver does not want to know.
            let _ = sender.take().map(|sender| sender.send(event));
        });
        request.set_onsuccess(Some(callback.as_ref().unchecked_ref()));
        request.set_onerror(Some(callback.as_ref().unchecked_ref()));
        Self { request, answered, _callback: callback }
    }

    /// What the request was answered with.
    pub(crate) async fn result(mut self) -> Result<JsValue, Exception> {
        self.event().await?;
        self.request.result().map_err(|thrown| Exception::new(&thrown))
    }

    /// The event that said that it succeeded.
    pub(crate) async fn event(&mut self) -> Result<Event, Exception> {
        let answered = poll_fn(|context| Pin::new(&mut self.answered).poll(context)).await;
        let error = self.request.error().map_err(|thrown| Exception::new(&thrown))?;
        match (error, answered) {
            (None, Ok(event)) => Ok(event),
            (Some(exception), _) => Err(Exception::new(&exception)),
            // The sender lives as long as the callback, which lives here.
            (None, Err(_)) => Err(Exception::named("Error", "a request was forgotten")),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.request.set_onsuccess(None);
        self.request.set_onerror(None);
    }
}

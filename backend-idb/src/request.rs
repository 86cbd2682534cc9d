//! The answer to one request.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use anystorage_browser_host::exception::Exception;
use tokio::sync::oneshot;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, IdbRequest};

/// So many callbacks are kept for requests to come: making one costs more than all else about a small request on this side.
const MOST_SPARE: usize = 16;

thread_local! {
    static SPARE: RefCell<Vec<Callback>> = const { RefCell::new(Vec::new()) };
}

/// What the browser calls when a request was answered, and who is told then.
#[derive(Debug)]
struct Callback {
    closure: Closure<dyn FnMut(Event)>,
    sender: Rc<RefCell<Option<oneshot::Sender<Event>>>>,
}

impl Callback {
    fn new() -> Self {
        let sender: Rc<RefCell<Option<oneshot::Sender<Event>>>> = Rc::default();
        let told = Rc::clone(&sender);
        let closure = Closure::new(move |event: Event| {
            // An error that goes on from here would be reported as one that nobody handled.
            event.prevent_default();
            let sender = told.borrow_mut().take();
            // Who dropped the receiver does not want to know.
            let _ = sender.map(|sender| sender.send(event));
        });
        Self { closure, sender }
    }
}

/// A request that will be answered. Where this is dropped, the browser finds nobody to call, where a request of the idb crate leaves it
/// with a callback that throws.
#[derive(Debug)]
pub(crate) struct Answer {
    request: IdbRequest,
    answered: oneshot::Receiver<Event>,
    callback: Option<Callback>,
}

impl Answer {
    /// To be made before control goes back to the browser.
    pub(crate) fn to(request: impl Into<IdbRequest>) -> Self {
        let request = request.into();
        let (sender, answered) = oneshot::channel();
        let callback = SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(Callback::new);
        callback.sender.replace(Some(sender));
        request.set_onsuccess(Some(callback.closure.as_ref().unchecked_ref()));
        request.set_onerror(Some(callback.closure.as_ref().unchecked_ref()));
        Self { request, answered, callback: Some(callback) }
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
            // The sender is in the callback, which is here.
            (None, Err(_)) => Err(Exception::named("Error", "a request was forgotten")),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(callback) = self.callback.take() else { return };
        if callback.sender.borrow_mut().take().is_some() {
            // It was not answered yet, and must not reach who has the callback next.
            self.request.set_onsuccess(None);
            self.request.set_onerror(None);
        }
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < MOST_SPARE {
                spare.push(callback);
            }
        });
    }
}

//! The page's end of a worker.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::exception::Exception;
use anystorage_browser_host::global::{member, sleep};
use anystorage_browser_host::lock::until_free;
use anystorage_browser_host::task::spawn;
use futures_lite::future::or;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use tokio::sync::{oneshot, watch};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ErrorEvent, MessageEvent, Worker};

/// How long the worker may take to answer a call, in milliseconds. Requests to the module may take as long as they need.
const PATIENCE: f64 = 20_000.0;

/// A worker that answers. What is sent is done in that order.
///
/// Requests that are made one behind the other, without waiting between them, go in one message, and so do their replies: a round trip is paid
/// once for all.
#[derive(Debug)]
pub(crate) struct Link {
    worker: Worker,
    /// Who waits for the answer to a call.
    calls: RefCell<VecDeque<oneshot::Sender<JsValue>>>,
    /// Who waits for the replies to requests.
    requests: RefCell<VecDeque<oneshot::Sender<Vec<u8>>>>,
    /// Requests that have not been sent.
    outgoing: RefCell<Vec<u8>>,
    is_sending: Cell<bool>,
    /// Why there are no more answers, once the worker is gone.
    gone: watch::Sender<Option<Error>>,
    _heard: (OnMessage, OnError),
}

type OnMessage = Closure<dyn FnMut(MessageEvent)>;
type OnError = Closure<dyn FnMut(ErrorEvent)>;

impl Link {
    pub(super) fn new(worker: Worker) -> Rc<Self> {
        Rc::new_cyclic(|link: &Weak<Self>| {
            let (hearing, failing) = (link.clone(), link.clone());
            let on_message: OnMessage = Closure::new(move |event: MessageEvent| heard(&hearing, |link| link.hear(&event.data())));
            let on_error: OnError = Closure::new(move |event: ErrorEvent| {
                // It is told here, by the error of whoever waits.
                event.prevent_default();
                let exception = Exception::named("Error", event.message());
                heard(&failing, |link| link.end(&disconnected("it failed").with_cause(exception)));
            });
            worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
            worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
            Self {
                worker,
                calls: RefCell::default(),
                requests: RefCell::default(),
                outgoing: RefCell::default(),
                is_sending: Cell::new(false),
                gone: watch::Sender::new(None),
                _heard: (on_message, on_error),
            }
        })
    }

    /// Notices the end of the worker, which holds the lock of this name.
    pub(super) fn watch(self: &Rc<Self>, lock: &str) {
        let (weak, lock) = (Rc::downgrade(self), lock.to_owned());
        spawn(Box::pin(async move {
            if until_free(&lock).await.is_ok() {
                heard(&weak, |link| link.end(&disconnected("it is gone")));
            }
        }));
    }

    /// Waits for an answer that nobody else waits for.
    pub(super) async fn answer(&self, operation: Operation) -> Result<JsValue> {
        let (sender, receiver) = oneshot::channel();
        self.check(operation)?;
        self.calls.borrow_mut().push_back(sender);
        let answered = async { receiver.await.map_err(|_| self.why(operation)) };
        let impatient = async {
            sleep(PATIENCE).await;
            Err(disconnected("it does not answer").in_operation(operation))
        };
        or(answered, impatient).await
    }

    /// Makes a call, and waits until it is done.
    pub(crate) async fn control(&self, message: &JsValue, operation: Operation) -> Result<Result<(), Exception>> {
        self.check(operation)?;
        if let Err(value) = self.worker.post_message(message) {
            return Ok(Err(Exception::new(&value)));
        }
        let answer = self.answer(operation).await?;
        let threw = member(&answer, "threw");
        Ok(if threw.is_undefined() { Ok(()) } else { Err(Exception::new(&threw)) })
    }

    /// Sends a request to the module, and waits for its reply. It is in its place among the others when this returns its future.
    pub(crate) fn request(
        self: &Rc<Self>,
        operation: Operation,
        encode: &dyn Fn(&mut Vec<u8>) -> Result<()>,
    ) -> impl Future<Output = Result<Vec<u8>>> + use<> {
        let sent = self.push(operation, encode);
        let link = Rc::clone(self);
        async move { sent?.await.map_err(|_| link.why(operation)) }
    }

    fn push(self: &Rc<Self>, operation: Operation, encode: &dyn Fn(&mut Vec<u8>) -> Result<()>) -> Result<oneshot::Receiver<Vec<u8>>> {
        self.check(operation)?;
        let mut outgoing = self.outgoing.borrow_mut();
        let before = outgoing.len();
        if let Err(error) = encode(&mut outgoing) {
            outgoing.truncate(before);
            return Err(error);
        }
        drop(outgoing);
        let (sender, receiver) = oneshot::channel();
        self.requests.borrow_mut().push_back(sender);
        if !self.is_sending.replace(true) {
            let link = Rc::clone(self);
            // After what is running now, which may have more to say.
            spawn(Box::pin(async move { link.send() }));
        }
        Ok(receiver)
    }

    fn send(&self) {
        self.is_sending.set(false);
        let outgoing = self.outgoing.take();
        if outgoing.is_empty() {
            return;
        }
        let buffer = Uint8Array::from(outgoing.as_slice()).buffer();
        if let Err(value) = self.worker.post_message_with_transfer(&buffer, &Array::of1(&buffer)) {
            self.end(&disconnected("nothing can be sent to it").with_cause(Exception::new(&value)));
        }
    }

    fn hear(&self, message: &JsValue) {
        if let Some(replies) = message.dyn_ref::<ArrayBuffer>() {
            return self.hear_replies(&Uint8Array::new(replies).to_vec());
        }
        let died = member(message, "died");
        if !died.is_undefined() {
            return self.end(&disconnected("it failed").with_cause(Exception::new(&died)));
        }
        let waiting = self.calls.borrow_mut().pop_front();
        if let Some(waiting) = waiting {
            // Whoever waited may have given up.
            let _ = waiting.send(message.clone());
        }
    }

    /// Replies, each behind its length.
    fn hear_replies(&self, mut replies: &[u8]) {
        while let Some((len, rest)) = replies.split_first_chunk() {
            let len = u32::from_le_bytes(*len) as usize;
            let (Some(reply), Some(rest)) = (rest.get(..len), rest.get(len..)) else {
                return self.end(&disconnected("what it says makes no sense"));
            };
            let waiting = self.requests.borrow_mut().pop_front();
            if let Some(waiting) = waiting {
                let _ = waiting.send(reply.to_vec());
            }
            replies = rest;
        }
    }

    /// Lets everybody know that there are no more answers.
    fn end(&self, error: &Error) {
        self.gone.send_if_modified(|gone| gone.is_none().then(|| *gone = Some(error.clone())).is_some());
        self.worker.terminate();
        self.calls.take();
        self.requests.take();
        self.outgoing.take();
    }

    /// Whether it still answers.
    pub(crate) fn check(&self, operation: Operation) -> Result<()> {
        if self.gone.borrow().is_some() { Err(self.why(operation)) } else { Ok(()) }
    }

    fn why(&self, operation: Operation) -> Error {
        let gone = self.gone.borrow().clone();
        gone.unwrap_or_else(|| disconnected("it is gone")).in_operation(operation)
    }

    /// Ends the worker, and waits until it holds nothing any more.
    pub(crate) async fn shut(&self) {
        let mut gone = self.gone.subscribe();
        if gone.borrow_and_update().is_some() {
            return;
        }
        // It closes what it has open before it goes. The answer may not get through any more.
        if self.worker.post_message(&call("end", &[])).is_err() {
            self.worker.terminate();
        }
        let ended = async {
            let _ = gone.changed().await;
        };
        or(ended, sleep(PATIENCE)).await;
        self.worker.terminate();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

fn heard(link: &Weak<Link>, act: impl FnOnce(&Link)) {
    if let Some(link) = link.upgrade() {
        act(&link);
    }
}

/// A message that is a call of the script, with its arguments.
pub(crate) fn call(name: &str, arguments: &[(&str, &JsValue)]) -> JsValue {
    let message = Object::new();
    // A plain object takes every property.
    let _ = Reflect::set(&message, &"call".into(), &name.into());
    for (name, value) in arguments {
        let _ = Reflect::set(&message, &JsValue::from_str(name), value);
    }
    message.into()
}

fn disconnected(what: &str) -> Error {
    let text = format!("the engine's worker has ended ({what}): open the location again; what was synced is there");
    Error::new(ErrorKind::Disconnected, Operation::OpenLocation).with_text(text)
}

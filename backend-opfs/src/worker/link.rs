//! The page's end of a worker.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::rc::{Rc, Weak};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::exception::Exception;
use anystorage_browser_host::global::{member, sleep};
use anystorage_browser_host::lock::until_free;
use anystorage_browser_host::task::spawn;
use futures_lite::future::or;
use js_sys::{Array, ArrayBuffer};
use tokio::sync::{oneshot, watch};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, MessageEvent, Worker};

use super::answer::{Answer, Answered, Waiting, deliver};
use super::outgoing::{Call, Last, Outgoing};

/// How long the worker may take to start and to end, in milliseconds. Calls may take as long as they need.
const PATIENCE: f64 = 20_000.0;

/// In bytes, the buffers that are kept for answers: smaller ones are copied by the browser, and larger ones are much to keep.
const KEPT: RangeInclusive<u32> = 1 << 12..=1 << 20;

/// How many of them.
const MOST_KEPT: usize = 4;

/// A worker that answers. What it is asked is done in that order.
///
/// Calls that are made one behind the other, without waiting between them, go in one message, and so do their answers: a round trip is paid
/// once for all.
pub(crate) struct Link {
    worker: Worker,
    /// Who waits for an answer.
    waiting: RefCell<VecDeque<Waiting>>,
    /// Calls that have not been sent.
    outgoing: RefCell<Option<Outgoing>>,
    /// Buffers in which it has answered and may do so again: a new one takes as long as what is read into it.
    spares: RefCell<Vec<ArrayBuffer>>,
    /// The first thing that it says.
    hello: RefCell<Option<oneshot::Sender<JsValue>>>,
    /// Why there are no more answers, once the worker is gone.
    gone: watch::Sender<Option<Error>>,
    next_id: Cell<u32>,
    /// How many handles were to be closed so far, and how many of them are for certain.
    closes: Cell<u64>,
    closed: Cell<u64>,
    _heard: (OnMessage, OnError, OnError),
}

/// Without what is under way: to print that takes kilobytes of code.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

type OnMessage = Closure<dyn FnMut(MessageEvent)>;
type OnError = Closure<dyn FnMut(Event)>;

impl Link {
    pub(super) fn new(worker: Worker) -> Rc<Self> {
        Rc::new_cyclic(|link: &Weak<Self>| {
            let (hearing, failing, unreadable) = (link.clone(), link.clone(), link.clone());
            let on_message: OnMessage = Closure::new(move |event: MessageEvent| heard(&hearing, |link| link.hear(&event.data())));
            let on_error: OnError = Closure::new(move |event: Event| {
                // It is told here, by the error of whoever waits.
                event.prevent_default();
                // One about a script that does not load has none.
                let message = member(&event, "message").as_string().unwrap_or_else(|| "its script was not loaded".to_owned());
                let exception = Exception::named("Error", message);
                heard(&failing, |link| link.end(&disconnected("it failed").with_cause(exception)));
            });
            let on_unreadable: OnError = Closure::new(move |_event: Event| {
                heard(&unreadable, |link| link.end(&disconnected("what it said cannot be read")));
            });
            worker.set_onmessageerror(Some(on_unreadable.as_ref().unchecked_ref()));
            worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
            worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
            Self {
                worker,
                waiting: RefCell::default(),
                outgoing: RefCell::default(),
                spares: RefCell::default(),
                hello: RefCell::default(),
                gone: watch::Sender::new(None),
                next_id: Cell::new(0),
                closes: Cell::new(0),
                closed: Cell::new(0),
                _heard: (on_message, on_error, on_unreadable),
            }
        })
    }

    /// Waits for the first thing that it says.
    pub(super) async fn hello(&self) -> Result<JsValue> {
        let (sender, receiver) = oneshot::channel();
        *self.hello.borrow_mut() = Some(sender);
        in_time(async { receiver.await.map_err(|_| self.why(Operation::OpenLocation)) }).await
    }

    /// Ends a worker that is none of ours.
    pub(super) fn give_up(&self) {
        self.end(&disconnected("it is another one"));
    }

    /// Notices the end of the worker, which holds the lock of this name.
    pub(super) fn watch(self: &Rc<Self>, lock: &str) {
        let (weak, lock) = (Rc::downgrade(self), lock.to_owned());
        spawn(Box::pin(async move {
            let gone = match until_free(&lock).await {
                Ok(()) => disconnected("it is gone"),
                Err(error) => disconnected("nobody can tell when it ends").with_cause(error),
            };
            heard(&weak, |link| link.end(&gone));
        }));
    }

    /// A number for a handle.
    pub(crate) fn next_id(&self) -> u32 {
        self.next_id.set(self.next_id.get().wrapping_add(1));
        self.next_id.get()
    }

    /// Has the script do something. It has its place among what else is to be done when this returns, whatever becomes of the future.
    pub(crate) fn call(self: &Rc<Self>, operation: Operation, call: Call, numbers: [f64; 2], last: Last<'_>) -> Answered {
        let sent = self.push(operation, call, numbers, last);
        let link = Rc::clone(self);
        Box::pin(async move { sent?.await.map_err(|_| link.why(operation)) })
    }

    fn push(self: &Rc<Self>, operation: Operation, call: Call, numbers: [f64; 2], last: Last<'_>) -> Result<oneshot::Receiver<Answer>> {
        if self.gone.borrow().is_some() {
            return Err(self.why(operation));
        }
        let mut outgoing = self.outgoing.borrow_mut();
        let outgoing = outgoing.get_or_insert_with(|| {
            let link = Rc::clone(self);
            // After what is running now, which may have more to say.
            spawn(Box::pin(async move { link.send() }));
            Outgoing::default()
        });
        outgoing.push(call, numbers, last);
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push_back(Waiting { sender, has_bytes: call.gives_bytes() });
        Ok(receiver)
    }

    fn send(&self) {
        let outgoing = self.outgoing.borrow_mut().take();
        if let Some(outgoing) = outgoing
            && let (calls, handed) = outgoing.complete(self.spares.take())
            && let Err(value) = self.worker.post_message_with_transfer(&calls, &handed)
        {
            self.end(&disconnected("nothing can be sent to it").with_cause(Exception::new(&value)));
        }
    }

    /// Has the worker answer in a buffer, when it is asked the next time.
    pub(super) fn keep(&self, buffer: ArrayBuffer) {
        let mut spares = self.spares.borrow_mut();
        if spares.len() < MOST_KEPT && KEPT.contains(&buffer.byte_length()) {
            spares.push(buffer);
        }
    }

    fn hear(self: &Rc<Self>, message: &JsValue) {
        if let Some(answers) = message.dyn_ref::<Array>() {
            return deliver(answers, self, || self.waiting.borrow_mut().pop_front());
        }
        let died = member(message, "died");
        if let Some(died) = died.as_string() {
            let failed = || disconnected("it failed").with_cause(Exception::named("Error", died));
            return self.end(&panicked(message).unwrap_or_else(failed));
        }
        let hello = self.hello.borrow_mut().take();
        if let Some(hello) = hello {
            let _ = hello.send(message.clone());
        }
    }

    /// Lets everybody know that there are no more answers.
    fn end(&self, error: &Error) {
        self.gone.send_if_modified(|gone| {
            let is_news = gone.is_none();
            gone.get_or_insert_with(|| error.clone());
            is_news
        });
        self.worker.terminate();
        self.hello.take();
        self.waiting.take();
        self.outgoing.take();
    }

    fn why(&self, operation: Operation) -> Error {
        let gone = self.gone.borrow().clone();
        gone.unwrap_or_else(|| disconnected("it does not answer")).in_operation(operation)
    }

    /// Closes a handle, in its turn.
    pub(super) fn close(self: &Rc<Self>, id: u32) {
        self.closes.set(self.closes.get() + 1);
        drop(self.call(Operation::Close, Call::Close, [id.into(), 0.0], Last::Number(0.0)));
    }

    /// Waits until all handles are closed that were to be.
    pub(crate) async fn settle(self: &Rc<Self>) -> Result<()> {
        if self.gone.borrow().is_some() {
            return Err(self.why(Operation::Close));
        }
        let closes = self.closes.get();
        if self.closed.get() != closes {
            self.barrier().await?;
            self.closed.set(closes);
        }
        Ok(())
    }

    /// Waits until everything is answered that was asked so far.
    async fn barrier(self: &Rc<Self>) -> Result<()> {
        let operation = Operation::Close;
        self.call(operation, Call::Nothing, [0.0; 2], Last::Number(0.0))
            .await?
            .map(drop)
            .map_err(|exception| exception.into_error(operation))
    }

    /// Ends the worker behind what it was asked so far, and waits until it holds nothing any more, unless it has ended already: then the browser may
    /// still be about to close what it had.
    pub(crate) async fn shut(self: &Rc<Self>) {
        // However long that takes. If the worker has ended, there is nothing to wait for.
        let _ = self.barrier().await;
        let mut gone = self.gone.subscribe();
        if gone.borrow_and_update().is_some() {
            return;
        }
        // It closes what it has open before it goes.
        if self.worker.post_message(&"end".into()).is_ok() {
            let ended = async {
                let _ = gone.changed().await;
            };
            or(ended, sleep(PATIENCE)).await;
        }
        self.worker.terminate();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.set_onmessageerror(None);
        // What it was asked is done first.
        if self.gone.borrow().is_some() || self.worker.post_message(&"end".into()).is_err() {
            self.worker.terminate();
        }
    }
}

/// What is to be done in a time, after which the worker is taken for dead.
pub(super) async fn in_time<T>(done: impl Future<Output = Result<T>>) -> Result<T> {
    let impatient = async {
        sleep(PATIENCE).await;
        Err(disconnected("it does not answer"))
    };
    or(done, impatient).await
}

fn heard(link: &Weak<Link>, act: impl FnOnce(&Rc<Link>)) {
    if let Some(link) = link.upgrade() {
        act(&link);
    }
}

/// What a panic said with which the worker has ended, as the error that it is where it can be caught.
#[cfg(feature = "packed-page")]
fn panicked(message: &JsValue) -> Option<Error> {
    let said = member(message, "panic").as_string()?;
    Some(anystorage_kv::panics::told("redb", Operation::OpenLocation, &said))
}

#[cfg(not(feature = "packed-page"))]
const fn panicked(_message: &JsValue) -> Option<Error> {
    None
}

fn disconnected(what: &str) -> Error {
    let text = format!("the engine's worker has ended ({what}): open the location again; what was synced is there");
    Error::new(ErrorKind::Disconnected, Operation::OpenLocation).with_text(text)
}

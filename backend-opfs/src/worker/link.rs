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
use js_sys::{Array, Uint8Array};
use tokio::sync::{oneshot, watch};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, MessageEvent, Worker};

/// How long the worker may take to start and to end, in milliseconds. Calls may take as long as they need.
const PATIENCE: f64 = 20_000.0;

/// In bytes, what is handed over by a message instead of copied: below it, handing over takes longer.
const MUCH: usize = 1 << 16;

/// A worker that answers. What it is asked is done in that order.
///
/// Calls that are made one behind the other, without waiting between them, go in one message, and so do their answers: a round trip is paid
/// once for all.
#[derive(Debug)]
pub(crate) struct Link {
    worker: Worker,
    /// Who waits for an answer.
    waiting: RefCell<VecDeque<oneshot::Sender<JsValue>>>,
    /// Calls that have not been sent.
    outgoing: RefCell<Option<Outgoing>>,
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

#[derive(Debug, Default)]
struct Outgoing {
    calls: Array,
    /// Buffers that are handed over with them.
    handed: Array,
    /// Small arguments, which share a buffer: each by itself takes longer to send than a call to answer.
    shared: Vec<u8>,
    /// The calls that have one of them, as the last argument, and where it ends; each begins where the one before ends.
    ends: Vec<(Array, usize)>,
}

type OnMessage = Closure<dyn FnMut(MessageEvent)>;
type OnError = Closure<dyn FnMut(Event)>;

/// What came out of a call: what it returned, or what it threw.
pub(crate) type Answer = Result<JsValue, Exception>;

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
    pub(crate) fn next_id(&self) -> JsValue {
        self.next_id.set(self.next_id.get().wrapping_add(1));
        self.next_id.get().into()
    }

    /// Makes a call of the script, with these arguments. It has its place among the others when this returns, whatever becomes of the future.
    pub(crate) fn call(
        self: &Rc<Self>,
        operation: Operation,
        name: &str,
        arguments: &[&JsValue],
    ) -> impl Future<Output = Result<Answer>> + use<> {
        self.call_with(operation, name, arguments, None)
    }

    /// The same with bytes as the last argument.
    pub(crate) fn call_with(
        self: &Rc<Self>,
        operation: Operation,
        name: &str,
        arguments: &[&JsValue],
        bytes: Option<&[u8]>,
    ) -> impl Future<Output = Result<Answer>> + use<> {
        let sent = self.push(operation, name, arguments, bytes);
        let link = Rc::clone(self);
        async move {
            let answer = sent?.await.map_err(|_| link.why(operation))?;
            Ok(match answer.dyn_ref::<Array>() {
                None => Ok(answer),
                Some(threw) => Err(Exception::named(word(threw, 0), word(threw, 1))),
            })
        }
    }

    fn push(
        self: &Rc<Self>,
        operation: Operation,
        name: &str,
        arguments: &[&JsValue],
        bytes: Option<&[u8]>,
    ) -> Result<oneshot::Receiver<JsValue>> {
        if self.gone.borrow().is_some() {
            return Err(self.why(operation));
        }
        let call = Array::of1(&name.into());
        for value in arguments {
            call.push(value);
        }
        let mut outgoing = self.outgoing.borrow_mut();
        let outgoing = outgoing.get_or_insert_with(|| {
            let link = Rc::clone(self);
            // After what is running now, which may have more to say.
            spawn(Box::pin(async move { link.send() }));
            Outgoing::default()
        });
        outgoing.calls.push(&call);
        if let Some(bytes) = bytes {
            outgoing.add(call, bytes);
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        Ok(receiver)
    }

    fn send(&self) {
        let outgoing = self.outgoing.borrow_mut().take();
        if let Some(outgoing) = outgoing
            && let (calls, handed) = outgoing.complete()
            && let Err(value) = self.worker.post_message_with_transfer(&calls, &handed)
        {
            self.end(&disconnected("nothing can be sent to it").with_cause(Exception::new(&value)));
        }
    }

    fn hear(&self, message: &JsValue) {
        if let Some(answers) = message.dyn_ref::<Array>() {
            for answer in answers.iter() {
                let waiting = self.waiting.borrow_mut().pop_front();
                if let Some(waiting) = waiting {
                    // Whoever waited may have given up.
                    let _ = waiting.send(answer);
                }
            }
            return;
        }
        let died = member(message, "died");
        if let Some(died) = died.as_string() {
            return self.end(&disconnected("it failed").with_cause(Exception::named("Error", died)));
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
    pub(super) fn close(self: &Rc<Self>, id: &JsValue) {
        self.closes.set(self.closes.get() + 1);
        drop(self.call(Operation::Close, "close", &[id]));
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
        self.call(operation, "nothing", &[]).await?.map(drop).map_err(|exception| exception.into_error(operation))
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

impl Outgoing {
    /// Gives a call its last argument.
    fn add(&mut self, call: Array, bytes: &[u8]) {
        if bytes.len() >= MUCH {
            let bytes = Uint8Array::from(bytes);
            self.handed.push(&bytes.buffer());
            call.push(&bytes);
        } else {
            self.shared.extend_from_slice(bytes);
            self.ends.push((call, self.shared.len()));
        }
    }

    /// The calls with all of their arguments, and the buffers that are handed over.
    fn complete(self) -> (Array, Array) {
        let Self { calls, handed, shared, ends } = self;
        let shared = Uint8Array::from(shared.as_slice());
        let mut from = 0;
        for (call, end) in ends {
            let end = place(end);
            call.push(&shared.subarray(from, end));
            from = end;
        }
        if place(MUCH) <= from {
            handed.push(&shared.buffer());
        }
        (calls, handed)
    }
}

/// A place in the memory of a module, which is not larger than that.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
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

fn heard(link: &Weak<Link>, act: impl FnOnce(&Link)) {
    if let Some(link) = link.upgrade() {
        act(&link);
    }
}

fn word(list: &Array, at: u32) -> String {
    list.get(at).as_string().unwrap_or_default()
}

fn disconnected(what: &str) -> Error {
    let text = format!("the engine's worker has ended ({what}): open the location again; what was synced is there");
    Error::new(ErrorKind::Disconnected, Operation::OpenLocation).with_text(text)
}

//! By way of a [`MessagePort`]: from a page to its workers, from a tab to another one, wherever a port can be sent.
//!
//! Both ends take a Web Lock and tell each other its name, so that each notices when the page or worker of the other is gone, however it ended.
//!
//! ```no_run
//! # use anystorage_api::{Result, StorageBackend};
//! # use anystorage_remote::{Remote, Server, port};
//! # use web_sys::MessagePort;
//! /// In the worker that has the engine.
//! async fn serve(engine: impl StorageBackend, port: MessagePort) -> Result<()> {
//!     Server::new(engine).serve(port::line(port).await?).await;
//!     Ok(())
//! }
//!
//! /// In the page.
//! async fn connect(port: MessagePort) -> Result<Remote> {
//!     Remote::connect(port::transport(port).await?).await
//! }
//! ```

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use anystorage_api::Result;
use anystorage_browser_host::global::{random, sleep};
use anystorage_browser_host::lock::{WebLock, until_free};
use anystorage_browser_host::task::spawn;
use js_sys::{Array, Uint8Array};
use tokio::sync::mpsc;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, MessagePort};

use crate::inbox::Inbox;
use crate::transport::{Line, Transport};

/// How long the other end may take to greet, in milliseconds.
const PATIENCE: f64 = 20_000.0;

/// In bytes, what is handed over by a message instead of copied: below it, handing over takes longer.
const MUCH: usize = 1 << 16;

/// What an end says when it goes.
const END: &str = "end";

/// What an end says first, with the name of its lock behind it. What says anything else first is no end of a bridge.
const GREETING: &str = "anystorage remote, lock ";

/// The client's end of a port.
///
/// # Errors
/// Those of [`WebLock::acquire`].
pub async fn transport(port: MessagePort) -> Result<PortTransport> {
    let end = End::new(port).await?;
    Ok(PortTransport { end })
}

/// The server's end of a port.
///
/// # Errors
/// Those of [`WebLock::acquire`].
pub async fn line(port: MessagePort) -> Result<PortLine> {
    let end = End::new(port).await?;
    let (sender, frames) = mpsc::unbounded_channel();
    // None once the client is gone.
    let sender = RefCell::new(Some(sender));
    end.listen(move |heard| match (heard, &mut *sender.borrow_mut()) {
        (Heard::Frame(frame), Some(sender)) => {
            // The line is there for as long as this is called.
            let _ = sender.send(frame);
        }
        (Heard::Gone(_), sender) => *sender = None,
        (Heard::Frame(_), None) => {}
    });
    Ok(PortLine { end, frames })
}

/// The client's end of a [`MessagePort`].
pub struct PortTransport {
    end: Rc<End>,
}

/// The server's end of a [`MessagePort`].
pub struct PortLine {
    end: Rc<End>,
    frames: mpsc::UnboundedReceiver<Vec<u8>>,
}

type OnMessage = Closure<dyn FnMut(MessageEvent)>;

/// What comes from the other end.
enum Heard {
    Frame(Vec<u8>),
    /// Nothing more, and why.
    Gone(&'static str),
}

/// One end of a port. It says so when it is dropped.
struct End {
    port: MessagePort,
    /// Held for as long as this end is there.
    lock: WebLock,
    /// Whether the other end has greeted.
    met: Cell<bool>,
    hearing: RefCell<Option<OnMessage>>,
}

impl End {
    async fn new(port: MessagePort) -> Result<Rc<Self>> {
        let lock = WebLock::acquire(&format!("anystorage:remote-port:{:016x}", random())).await?;
        Ok(Rc::new(Self { port, lock, met: Cell::new(false), hearing: RefCell::default() }))
    }

    /// Begins: tells the other end by what it notices the end of this one, and hears what that says.
    fn listen(self: &Rc<Self>, heard: impl Fn(Heard) + 'static) {
        let heard = Rc::new(heard);
        let (weak, hears) = (Rc::downgrade(self), Rc::clone(&heard));
        let hearing: OnMessage = Closure::new(move |event: MessageEvent| {
            if let Some(end) = weak.upgrade() {
                end.hear(&event.data(), &hears);
            }
        });
        self.port.set_onmessage(Some(hearing.as_ref().unchecked_ref()));
        *self.hearing.borrow_mut() = Some(hearing);
        self.say(&JsValue::from_str(&format!("{GREETING}{}", self.lock.name())));
        let weak = Rc::downgrade(self);
        spawn(Box::pin(async move {
            sleep(PATIENCE).await;
            if weak.upgrade().is_some_and(|end| !end.met.get()) {
                heard(Heard::Gone("nobody is at the other end of the port"));
            }
        }));
    }

    fn hear(self: &Rc<Self>, said: &JsValue, heard: &Rc<impl Fn(Heard) + 'static>) {
        let word = said.as_string();
        if word.as_deref() == Some(END) {
            return heard(Heard::Gone("it has ended"));
        }
        if !self.met.get() {
            return match word.as_deref().and_then(|word| word.strip_prefix(GREETING)) {
                Some(lock) => {
                    self.met.set(true);
                    watch(Rc::downgrade(self), lock, Rc::clone(heard));
                }
                None => heard(Heard::Gone("what is at the other end of the port is no bridge")),
            };
        }
        if let Some(frame) = said.dyn_ref::<Uint8Array>() {
            return heard(Heard::Frame(frame.to_vec()));
        }
        heard(Heard::Gone("it said what makes no sense"));
    }

    fn say(&self, what: &JsValue) {
        // Only what cannot be copied is refused, and this can.
        let _ = self.port.post_message(what);
    }

    fn send(&self, frame: &[u8]) {
        let bytes = Uint8Array::from(frame);
        if frame.len() < MUCH {
            return self.say(&bytes);
        }
        let _ = self.port.post_message_with_transferable(&bytes, &Array::of1(&bytes.buffer()));
    }
}

/// Waits until the other end holds its lock no more.
fn watch(end: Weak<End>, lock: &str, heard: Rc<impl Fn(Heard) + 'static>) {
    let lock = lock.to_owned();
    spawn(Box::pin(async move {
        let gone = match until_free(&lock).await {
            Ok(()) => "its page or worker is gone",
            Err(_) => "nobody can tell when it ends",
        };
        if end.strong_count() > 0 {
            heard(Heard::Gone(gone));
        }
    }));
}

impl Drop for End {
    fn drop(&mut self) {
        self.say(&JsValue::from_str(END));
        self.port.set_onmessage(None);
        self.port.close();
    }
}

impl Transport for PortTransport {
    fn start(&self, inbox: Inbox) {
        self.end.listen(move |heard| match heard {
            Heard::Frame(frame) => inbox.deliver(frame),
            Heard::Gone(why) => inbox.lose(why),
        });
    }

    fn send(&self, frame: Vec<u8>) {
        self.end.send(&frame);
    }
}

impl Line for PortLine {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        self.frames.poll_recv(context)
    }

    fn answer(&mut self, frame: Vec<u8>) {
        self.end.send(&frame);
    }
}

impl fmt::Debug for PortTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortTransport").finish_non_exhaustive()
    }
}

impl fmt::Debug for PortLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortLine").finish_non_exhaustive()
    }
}

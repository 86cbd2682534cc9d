//! The end that has the engine: it is woken by messages, and never sleeps.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll};

use js_sys::SharedArrayBuffer;
use tokio::sync::mpsc;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::buffer::{Buffer, Ended, Turn};
use crate::pieces::Pieces;
use crate::transport::Line;

/// The server's end, in the worker that was started for it.
pub(super) struct SharedLine {
    desk: Rc<Desk>,
    frames: mpsc::UnboundedReceiver<Vec<u8>>,
    scope: DedicatedWorkerGlobalScope,
    _woken: Closure<dyn FnMut(MessageEvent)>,
}

/// What is under way in the buffer.
struct Desk {
    buffer: Buffer,
    /// What has come of a request.
    coming: RefCell<Vec<u8>>,
    /// What has not gone of an answer.
    going: RefCell<Pieces>,
    /// Whether a request was taken whole and is not answered.
    busy: Cell<bool>,
    /// How often this end was given the turn.
    woken: Cell<i32>,
    /// None when the client is going.
    frames: RefCell<Option<mpsc::UnboundedSender<Vec<u8>>>>,
}

impl Desk {
    /// Does what it is this end's turn to do.
    fn wake(&self) -> Result<(), Ended> {
        self.woken.set(self.woken.get().wrapping_add(1));
        match self.buffer.turn() {
            Turn::Asked => {
                let mut coming = self.coming.borrow_mut();
                if self.buffer.take(&mut coming)? {
                    return self.buffer.pass_and_wake(Turn::Asked, Turn::Taken);
                }
                let frame = std::mem::take(&mut *coming);
                self.busy.set(true);
                match &*self.frames.borrow() {
                    Some(frames) => frames.send(frame).map_err(|_| Ended),
                    None => Err(Ended),
                }
            }
            Turn::Onward => self.send(Turn::Onward),
            // A message that comes late: its work is done.
            _ => Ok(()),
        }
    }

    /// The client waits. If it is this end's turn, though it was heard of each that the client has passed and no request is under way, then
    /// nobody has given it: the words make no sense.
    fn check(&self) -> Result<(), Ended> {
        let turn = self.buffer.turn();
        // Looked at afterwards: the client may have gone on since it asked, and then this is more.
        let all_heard = self.buffer.passed() == self.woken.get();
        match turn {
            Turn::Asked if all_heard && !self.busy.get() => Err(Ended),
            Turn::Onward if all_heard => Err(Ended),
            _ => Ok(()),
        }
    }

    /// Puts in the next piece of the answer.
    fn send(&self, turn: Turn) -> Result<(), Ended> {
        let mut going = self.going.borrow_mut();
        let whole = going.rest().len();
        let left = self.buffer.put(going.rest()).len();
        going.went(whole - left);
        self.buffer.pass_and_wake(turn, Turn::Answered)
    }

    /// There is nobody any more: whoever sleeps is woken.
    fn leave(&self) {
        self.frames.borrow_mut().take();
        for turn in [Turn::Idle, Turn::Asked, Turn::Taken, Turn::Answered, Turn::Onward] {
            if self.buffer.pass_and_wake(turn, Turn::Gone).is_ok() {
                return;
            }
        }
    }
}

impl SharedLine {
    /// Takes the messages of this worker from here on.
    pub(super) fn new(shared: &SharedArrayBuffer) -> Self {
        let (sender, frames) = mpsc::unbounded_channel();
        let desk = Rc::new(Desk {
            buffer: Buffer::over(shared),
            coming: RefCell::default(),
            going: RefCell::default(),
            busy: Cell::new(false),
            woken: Cell::new(0),
            frames: RefCell::new(Some(sender)),
        });
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        let woken = Rc::clone(&desk);
        let woken: Closure<dyn FnMut(MessageEvent)> = Closure::new(move |event: MessageEvent| {
            let data = event.data();
            if data.is_string() {
                // The client is going. What it asked for is done.
                woken.frames.borrow_mut().take();
                return;
            }
            let done = if data.is_null() { woken.wake() } else { woken.check() };
            if done.is_err() {
                woken.leave();
            }
        });
        scope.set_onmessage(Some(woken.as_ref().unchecked_ref()));
        Self { desk, frames, scope, _woken: woken }
    }
}

impl Line for SharedLine {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        self.frames.poll_recv(context)
    }

    fn answer(&mut self, frame: Vec<u8>) {
        self.desk.busy.set(false);
        *self.desk.going.borrow_mut() = Pieces::of(frame);
        if self.desk.send(Turn::Asked).is_err() {
            self.desk.leave();
        }
    }
}

impl Drop for SharedLine {
    fn drop(&mut self) {
        self.scope.set_onmessage(None);
        self.desk.leave();
    }
}

impl fmt::Debug for SharedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLine").finish_non_exhaustive()
    }
}

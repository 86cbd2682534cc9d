//! The end that sleeps until it is answered.

use std::cell::{Cell, RefCell};

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use web_sys::{Event, Worker};

use super::buffer::{Buffer, Ended, Turn};
use crate::inbox::Inbox;
use crate::transport::Transport;

/// The client's end of memory that is shared with a worker that has the engine.
///
/// When it is dropped that worker does what it was asked, lets the engine go and ends.
#[derive(Debug)]
pub struct SharedTransport {
    buffer: Buffer,
    worker: Worker,
    /// The one that waits for the end of the other.
    watch: Worker,
    inbox: RefCell<Option<Inbox>>,
    /// How often the turn was passed.
    passed: Cell<i32>,
    _quiet: Closure<dyn FnMut(Event)>,
}

impl SharedTransport {
    pub(super) fn new(buffer: Buffer, worker: Worker, watch: Worker) -> Self {
        // What happened is told by the error of the call that noticed it.
        let quiet = Closure::new(|event: Event| event.prevent_default());
        worker.set_onerror(Some(wasm_bindgen::JsCast::unchecked_ref(quiet.as_ref())));
        worker.set_onmessage(None);
        Self { buffer, worker, watch, inbox: RefCell::default(), passed: Cell::new(0), _quiet: quiet }
    }

    /// Sends a frame, and sleeps until its answer is there.
    fn exchange(&self, frame: &[u8]) -> Result<Vec<u8>, Ended> {
        let mut turn = Turn::Idle;
        let mut rest = frame;
        loop {
            rest = self.buffer.put(rest);
            self.pass(turn, Turn::Asked)?;
            turn = self.wait_while(Turn::Asked);
            match turn {
                Turn::Taken if !rest.is_empty() => {}
                Turn::Answered => break,
                _ => return Err(Ended),
            }
        }
        let mut answer = Vec::new();
        while self.buffer.take(&mut answer)? {
            self.pass(Turn::Answered, Turn::Onward)?;
            if self.wait_while(Turn::Onward) != Turn::Answered {
                return Err(Ended);
            }
        }
        self.buffer.pass(Turn::Answered, Turn::Idle)?;
        Ok(answer)
    }

    /// Passes the turn to the server, and wakes it: it does not sleep, but waits for events as every engine there does.
    fn pass(&self, from: Turn, to: Turn) -> Result<(), Ended> {
        self.passed.set(self.passed.get().wrapping_add(1));
        self.buffer.set_passed(self.passed.get());
        self.buffer.pass(from, to)?;
        self.worker.post_message(&JsValue::NULL).map_err(|_| Ended)
    }

    /// Sleeps until it is this end's turn. Whoever writes into the words what does not belong there may have given the server a turn that it
    /// does not know of: so it is asked, now and then, whether it does.
    fn wait_while(&self, turn: Turn) -> Turn {
        loop {
            let found = self.buffer.nap_while(turn);
            if found != turn {
                return found;
            }
            if self.buffer.passed() != self.passed.get() || self.worker.post_message(&JsValue::TRUE).is_err() {
                return Turn::Gone;
            }
        }
    }
}

impl Transport for SharedTransport {
    fn answers_at_once(&self) -> bool {
        true
    }

    fn start(&self, inbox: Inbox) {
        *self.inbox.borrow_mut() = Some(inbox);
    }

    fn send(&self, frame: Vec<u8>) {
        let Some(inbox) = self.inbox.borrow().clone() else { return };
        match self.exchange(&frame) {
            Ok(answer) => inbox.deliver(answer),
            Err(Ended) => inbox.lose("its worker has ended"),
        }
    }
}

impl Drop for SharedTransport {
    fn drop(&mut self) {
        self.worker.set_onerror(None);
        if self.buffer.turn() == Turn::Gone || self.worker.post_message(&JsValue::from_str("end")).is_err() {
            self.worker.terminate();
        }
        self.watch.terminate();
    }
}

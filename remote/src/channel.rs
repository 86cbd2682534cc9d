//! A transport within a process.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use crate::inbox::Inbox;
use crate::transport::{Line, Transport};

/// The two ends of a transport within a process: from one thread to another, from one task to another, wherever there are futures.
///
/// Frames are handed over, not copied. The client's end goes to [`Remote::connect`](crate::Remote::connect), the other to
/// [`Server::serve`](crate::Server::serve).
#[must_use]
pub fn channel() -> (ChannelTransport, ChannelLine) {
    let (sender, frames) = mpsc::unbounded_channel();
    let inbox = Arc::new(Mutex::new(Slot::NotYet));
    (ChannelTransport { sender, inbox: Arc::clone(&inbox) }, ChannelLine { frames, inbox })
}

/// The client's end of a [`channel`].
#[derive(Debug)]
pub struct ChannelTransport {
    sender: mpsc::UnboundedSender<Vec<u8>>,
    inbox: Arc<Mutex<Slot>>,
}

/// The server's end of a [`channel`].
pub struct ChannelLine {
    frames: mpsc::UnboundedReceiver<Vec<u8>>,
    inbox: Arc<Mutex<Slot>>,
}

/// Where answers go.
#[derive(Debug)]
enum Slot {
    /// The client has not begun.
    NotYet,
    Inbox(Inbox),
    /// The server has gone.
    Gone,
}

const ENDED: &str = "its server has ended";

impl Transport for ChannelTransport {
    fn start(&self, inbox: Inbox) {
        let mut slot = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        match *slot {
            Slot::Gone => inbox.lose(ENDED),
            _ => *slot = Slot::Inbox(inbox),
        }
    }

    fn send(&self, frame: Vec<u8>) {
        // The inbox hears of it from the other end, when that goes.
        let _ = self.sender.send(frame);
    }
}

impl Line for ChannelLine {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        self.frames.poll_recv(context)
    }

    fn answer(&mut self, frame: Vec<u8>) {
        let inbox = match &*self.inbox.lock().unwrap_or_else(PoisonError::into_inner) {
            Slot::Inbox(inbox) => inbox.clone(),
            Slot::NotYet | Slot::Gone => return,
        };
        inbox.deliver(frame);
    }
}

impl Drop for ChannelLine {
    fn drop(&mut self) {
        let slot = std::mem::replace(&mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner), Slot::Gone);
        // Nothing that is sent from here on is taken; what was sent in between is lost with the rest.
        self.frames.close();
        if let Slot::Inbox(inbox) = slot {
            inbox.lose(ENDED);
        }
    }
}

impl fmt::Debug for ChannelLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelLine").finish_non_exhaustive()
    }
}

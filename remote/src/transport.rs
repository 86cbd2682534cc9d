//! What carries frames: the two ends of it.

use std::fmt::Debug;
use std::task::{Context, Poll};

use anystorage_api::{MaybeSend, MaybeSync};

use crate::inbox::Inbox;

/// The client's end.
///
/// Frames arrive whole and in the order in which they were sent. What it hears it puts into the [`Inbox`] that it was started with.
pub trait Transport: Debug + MaybeSend + MaybeSync + 'static {
    /// Whether the answer to a frame is in the inbox when [`send`](Self::send) returns. The engine seen through it is
    /// [`immediate`](anystorage_api::Capabilities::immediate) then.
    fn answers_at_once(&self) -> bool {
        false
    }

    /// Takes the inbox. It is called once, before anything is sent.
    fn start(&self, inbox: Inbox);

    /// Sends a frame. If it cannot be sent, or no answer will come, the inbox is told ([`Inbox::lose`]), now or later.
    fn send(&self, frame: Vec<u8>);
}

/// The server's end. Dropping it tells the client that no more answers will come.
pub trait Line: Debug + MaybeSend + 'static {
    /// The next frame; none when the client has gone.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>>;

    /// Sends an answer, to nobody if the client has gone.
    fn answer(&mut self, frame: Vec<u8>);
}

//! A dedicated worker of the engine's own, for pages: there are no synchronous access handles in them.
//!
//! The page sends the calls of a turn in one message, `[heads, bytes, objects, ...spares]`: heads are four numbers for each call, which one and
//! its arguments; bytes are small arguments, one behind the other, if there are any; objects what is neither, in its order; spares are buffers to
//! answer in. One message answers them, `[results, failures, ...replies]`: results are a number for each call, NaN if it threw; failures the name
//! and the message of what was thrown, for each; replies the bytes of those calls that give bytes, as many as their results say. They lie one
//! behind the other, and where one reply is used up the next begins. So a call is no value of JavaScript, of which each takes as long to send as
//! a read to do; and buffers go back and forth, because a new one takes as long as what is read into it.

mod answer;
mod handle;
mod link;
mod outgoing;
mod start;

pub use anystorage_browser_host::worker::WorkerUrl;
pub use start::WORKER_SCRIPT;

pub(crate) use answer::Piece;
pub(crate) use handle::WorkerHandle;
pub(crate) use link::Link;
#[cfg(feature = "packed-page")]
pub(crate) use outgoing::{Call, Last};
pub(crate) use start::{can_start, start};

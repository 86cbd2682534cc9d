//! A dedicated worker of the engine's own, for pages: there are no synchronous access handles in them.

mod link;
mod start;

pub use start::{WORKER_SCRIPT, WorkerUrl};

pub(crate) use link::{Link, call};
pub(crate) use start::{can_start, start};

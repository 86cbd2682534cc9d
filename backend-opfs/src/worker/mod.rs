//! A dedicated worker of the engine's own, for pages: there are no synchronous access handles in them.

mod handle;
mod link;
mod start;

pub use start::{WORKER_SCRIPT, WorkerUrl};

pub(crate) use handle::WorkerHandle;
pub(crate) use link::Link;
pub(crate) use start::{can_start, start};

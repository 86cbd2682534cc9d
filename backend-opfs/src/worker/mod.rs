//! A dedicated worker of the engine's own, for pages: there are no synchronous access handles in them.

mod handle;
mod link;
mod start;

pub use anystorage_browser_host::worker::WorkerUrl;
pub use start::WORKER_SCRIPT;

pub(crate) use handle::WorkerHandle;
pub(crate) use link::Link;
pub(crate) use start::{can_start, start};

//! The store of a location where there are no synchronous access handles: in a worker of the engine's own.
//!
//! The worker runs the module of the page once more, with a memory of its own, and of it nothing but redb over the handle (`served`): what that
//! needs of JavaScript are seven calls (`calls`) of numbers alone, which the worker's script offers. Everything else, the tree of files, its
//! caches and its changes, is in the page (`store`): so what is cached costs no message, and a sync is one.

mod calls;
mod protocol;
mod served;
mod store;

pub(crate) use store::WorkerStore;

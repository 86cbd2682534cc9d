//! By way of memory that two workers share: synchronous code uses an engine that has to wait.
//!
//! [`open`] starts a worker, which opens the engine there, and gives a [`Remote`] that is immediate: each call is put into a
//! `SharedArrayBuffer`, and the calling worker sleeps in `Atomics.wait` until the answer is there. So
//! [`Blocking`](anystorage_api::Blocking), SQLite and redb run over IndexedDB, over OPFS with one file for each file, over anything, and nothing
//! of it has to fit into memory.
//!
//! ```no_run
//! use anystorage_api::{Blocking, Result, StoragePath};
//! use anystorage_idb::IdbOptions;
//! use anystorage_remote::shared::{self, Opening, SharedOptions};
//!
//! fn idb(name: String) -> Opening {
//!     Box::pin(async move { Ok(Box::new(anystorage_idb::open(&name, &IdbOptions::new()).await?) as _) })
//! }
//!
//! # async fn example() -> Result<()> {
//! let storage = Blocking::new(shared::open(idb, "notes", &SharedOptions::new()).await?)?;
//! let path = StoragePath::parse("greeting")?;
//! storage.write(&path, b"hello")?; // no `await` from here on
//! storage.sync()?;
//! assert_eq!(storage.read(&path)?, b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! # What it asks for
//!
//! - A dedicated worker: pages must not block, and shared workers and service workers share no memory.
//! - A page that is isolated (`crossOriginIsolated`), which two headers of its server make it: `Cross-Origin-Opener-Policy: same-origin` and
//!   `Cross-Origin-Embedder-Policy: require-corp`. Without them [`open`] is [`Unsupported`](anystorage_api::ErrorKind::Unsupported) and names what works without.
//! - Of `wasm-bindgen`, `--target web` or `no-modules`. The worker runs the same module as whoever starts it, and loads the script that
//!   wasm-bindgen made for it once more: from where this one was loaded, or from [`SharedOptions::glue_url`], where a bundler put everything into
//!   one file that does other things too. A start function (`#[wasm_bindgen(start)]`) runs in that worker as well: one that is not meant to
//!   asks [`in_served_worker`] first.
//!
//! # When the other worker ends
//!
//! The end of the worker that has the engine, by a panic, by `close`, or because the browser ends it, is noticed at once, also by a call that is
//! blocked just then: it is [`Disconnected`](anystorage_api::ErrorKind::Disconnected), as is each one after it. A second worker, of a few lines,
//! does nothing but wait for the Web Lock that the first one holds. What was synced is there when the location is opened again. A call that the engine never ends is not
//! noticed: no call has a time-out.

mod buffer;
mod client;
mod glue;
mod isolation;
mod line;
mod opener;
mod start;

pub use anystorage_browser_host::worker::WorkerUrl;
pub use client::SharedTransport;
pub use opener::{Opener, Opening, in_served_worker};
pub use start::{SharedOptions, WORKER_SCRIPT, open};

#[cfg(doc)]
use crate::Remote;

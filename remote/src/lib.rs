//! An anystorage engine that runs elsewhere: in another thread, page or worker.
//!
//! - [`Remote`] is the client: a [`StorageBackend`](anystorage_api::StorageBackend) whose calls are made at the other end.
//! - [`Server`] is that other end: it has the engine.
//! - `shared` gives synchronous code an engine that waits, in browsers; `port` goes from page to page or worker.
//! - [`channel`] goes from one to the other within a process. [`Transport`] and [`Line`] are the two ends of any way between them.
//!
//! ```
//! use anystorage_api::{StorageBackend, StoragePath};
//! use anystorage_memory::MemoryBackend;
//! use anystorage_remote::{Remote, Server, channel};
//! use futures_lite::future::block_on;
//!
//! let (transport, line) = channel();
//! let server = std::thread::spawn(move || block_on(Server::new(MemoryBackend::new()).serve(line)));
//!
//! block_on(async {
//!     let storage = Remote::connect(transport).await?;
//!     let path = StoragePath::parse("greeting")?;
//!     storage.write(&path, b"hello").await?;
//!     assert_eq!(storage.read(&path).await?, b"hello");
//!     Ok::<(), anystorage_api::Error>(())
//! })?;
//! server.join().unwrap(); // it ends when the client has gone
//! # Ok::<(), anystorage_api::Error>(())
//! ```
#![cfg_attr(
    all(target_family = "wasm", target_os = "unknown"),
    allow(clippy::arc_with_non_send_sync, reason = "what is shared between threads natively, and between futures in a browser")
)]

mod channel;
mod connection;
mod file;
mod inbox;
#[cfg(any(test, all(target_family = "wasm", target_os = "unknown")))]
mod pieces;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub mod port;
mod protocol;
mod remote;
mod server;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub mod shared;
#[cfg(feature = "conformance")]
pub mod subject;
mod transport;

pub use channel::{ChannelLine, ChannelTransport, channel};
pub use inbox::Inbox;
pub use protocol::VERSION;
pub use remote::Remote;
pub use server::Server;
pub use transport::{Line, Transport};

//! The durability contract of anystorage as runnable cases, for our engines and for anyone's.
//!
//! The [contract](anystorage_api::contract) has twelve lines, and each line has at least five cases here. A case is a plain async function
//! over `dyn StorageBackend`; its doc comment is the promise it checks. [`list`] is the index of all of them.
//!
//! # Proving an engine of one's own
//!
//! With this crate among the dev-dependencies, one line makes a test of every case. It wants a function that opens the engine at a place:
//!
//! ```
//! # use anystorage_memory::MemoryBackend as MyEngine;
//! // tests/conformance.rs
//! anystorage_conformance::suite!(|_place: String| async move { Ok(MyEngine::new()) });
//! # fn main() {}
//! ```
//!
//! An engine that stores something takes the place's label for a file name or a key. The same label has to be the same location, and the
//! labels of one run are fresh:
//!
//! ```no_run
//! use anystorage_native::files::FilesBackend;
//!
//! anystorage_conformance::suite!(|place: String| async move { FilesBackend::open(std::env::temp_dir().join(place)) });
//! # fn main() {}
//! ```
//!
//! Natively these are `#[test]`s. On `wasm32-unknown-unknown` they are `#[wasm_bindgen_test]`s, and need no dependency besides; where
//! they run is up to `wasm-bindgen-test-runner`, `WASM_BINDGEN_USE_DEDICATED_WORKER=1` for example makes it a browser's worker. A case that
//! the engine's [`Capabilities`](anystorage_api::Capabilities) rule out passes, and says on its output what was not offered.
//! `examples/own_engine.rs` is a whole engine with its proof.
//!
//! # Offering more to the suite
//!
//! [`Subject`](subject::Subject) gives the suite [`Place`](subject::Place)s: locations that it opens, closes, and opens again. What an
//! implementation offers beyond that lets more cases run: a small place for the cases of line 8, flushes that fail for line 11, damage to
//! stored bytes for line 9. `suite!(subject = ...)` takes one.
//!
//! ```
//! use anystorage_api::{Result, StorageBackend, engine};
//! use anystorage_conformance::subject::{Place, Subject};
//! use anystorage_memory::MemoryBackend;
//!
//! #[derive(Debug)]
//! struct Memory {
//!     limit: u64,
//! }
//!
//! #[engine]
//! impl Subject for Memory {
//!     fn name(&self) -> String {
//!         "memory".to_owned()
//!     }
//!     async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
//!         Ok(Box::new(Memory { limit: u64::MAX }))
//!     }
//! }
//!
//! #[engine]
//! impl Place for Memory {
//!     async fn open(&self) -> Result<Box<dyn StorageBackend>> {
//!         Ok(Box::new(MemoryBackend::with_limit(self.limit)))
//!     }
//!     async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
//!         Ok(Some(Box::new(Memory { limit: bytes })))
//!     }
//! }
//!
//! # futures_lite::future::block_on(async {
//! use anystorage_conformance::report::Report;
//! use anystorage_conformance::suite::{self, Options};
//!
//! let options = Options::new().filter("space::");
//! let found = suite::run(&Memory { limit: u64::MAX }, &options, None, &mut |case| println!("{}", case.name)).await;
//! let report: Report = std::iter::once(found).collect();
//! println!("{}", report.matrix());
//! assert_eq!(report.failed, 0);
//! # });
//! ```
//!
//! # Across processes and kills
//!
//! A persistence case has two halves, with nothing but the storage and a text between them. What happens in between is a
//! [`Crossing`](crossing::Crossing): the location is closed, or dropped, and opened again in the same process; or the first half's process
//! ends, or is killed by SIGKILL, and another one runs the second half. [`suite::run`] does the first two by itself and takes an
//! [`Elsewhere`](crossing::Elsewhere) for the others. Natively that is `process::Processes`, which starts the running program once more;
//! its `main` begins with `process::run_child_if_asked`. A browser's harness brings its own, and runs the halves by [`suite::before`] and
//! [`suite::after`].
//!
//! A kill loses nothing that the operating system holds: it proves recovery, never `sync`. For that, the protocols of the engines run over
//! [`simdisk`], which loses, reorders and tears what was not synced.
//!
//! # What else is here
//!
//! - [`model`]: long random sequences of operations against a model, shrunk when they differ.
//! - [`durability_model`] with [`workload`] and [`script`]: what may be found after a kill in the middle of a mixed load, or of a protocol.
//! - [`table`]: what the project's own engines must offer, and may leave out.
//! - [`report`]: what a run found, as JSON and as a matrix.

pub mod browser;
pub mod case;
pub mod cases;
pub mod crossing;
pub mod durability_model;
pub mod fault;
pub mod kill_loop;
pub mod list;
mod macros;
pub mod model;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub mod process;
pub mod recorder;
pub mod report;
pub mod script;
pub mod simdisk;
pub mod subject;
pub mod suite;
pub mod table;
pub mod workload;

#[doc(hidden)]
pub use macros::__private;

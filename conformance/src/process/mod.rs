//! Runs cases in other processes: across a process that ends by itself (`@process`), across a SIGKILL (`@kill`), and in a place that is
//! really small.
//!
//! The other process is the same program once more. It has to call [`run_child_if_asked`] before anything else, and to say there how it
//! opens an address; [`Processes`] starts it, hands it a request, and is the [`Elsewhere`](crate::crossing::Elsewhere) that a run of the
//! suite asks for. Children end when their parent does, even if it is killed.
//!
//! From a program with a `main`:
//!
//! ```no_run
//! use anystorage_conformance::process::{Processes, run_child_if_asked};
//! # async fn open_my_engine(_: &str) -> anystorage_api::Result<Box<dyn anystorage_api::StorageBackend>> { Err(anystorage_api::Error::new(anystorage_api::ErrorKind::Unsupported, anystorage_api::Operation::OpenLocation)) }
//!
//! fn main() -> std::io::Result<()> {
//!     // In a child this call never returns; in the parent it does nothing.
//!     run_child_if_asked(|address| async move { open_my_engine(&address).await });
//!
//!     let elsewhere = Processes::this_program()?.with_small_places(|directory| directory.display().to_string());
//!     // ... hand `elsewhere` to the suite
//! #   let _ = elsewhere;
//!     Ok(())
//! }
//! ```
//!
//! From tests under the usual test harness, one test is the entry of the children; run as a test it has nothing to do and passes:
//!
//! ```no_run
//! use anystorage_conformance::process::{Processes, run_child_if_asked};
//! # async fn open_my_engine(_: &str) -> anystorage_api::Result<Box<dyn anystorage_api::StorageBackend>> { Err(anystorage_api::Error::new(anystorage_api::ErrorKind::Unsupported, anystorage_api::Operation::OpenLocation)) }
//!
//! #[test]
//! fn child_entry() {
//!     run_child_if_asked(|address| async move { open_my_engine(&address).await });
//! }
//!
//! #[test]
//! fn keeps_its_promises() {
//!     // The full name of the entry, with its modules if it is in one.
//!     let elsewhere = Processes::this_test_program("child_entry").unwrap();
//!     // ... hand `elsewhere` to the suite
//! #   let _ = elsewhere;
//! }
//! ```
//!
//! Where the entry is anything else, give [`Processes::new`] the command line.
//!
//! A small place is a tmpfs in a mount namespace of the child's own. Where the system does not let it have one, the case fails and says
//! what to enable: a full disk that was not tried is no promise kept.

mod child;
mod parent;
mod running;
mod small;
pub(crate) mod spawned;
pub(crate) mod wire;

#[cfg(all(test, unix))]
mod tests;

pub(crate) use child::Opener;
pub use child::run_child_if_asked;
pub use parent::Processes;

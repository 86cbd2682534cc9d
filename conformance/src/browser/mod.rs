//! Takes the suite into real browsers: what a page or a worker is asked, and the side that answers there.
//!
//! `anystorage-browser-runner` builds a crate of type `cdylib`, serves it to a browser, and asks it to run cases, halves of cases and loads,
//! while it terminates workers, reloads pages, and restarts and kills the browser in between. All that such a crate needs is this one as a
//! dependency, and [`browser_suite!`](crate::browser_suite) with its subjects:
//!
//! ```
//! # use anystorage_memory::MemoryBackend as MyEngine;
//! use anystorage_conformance::browser::Exported;
//! use anystorage_conformance::subject;
//!
//! anystorage_conformance::browser_suite!(
//!     Exported::new(subject::from_fn("mine", |_place: String| async move { Ok(MyEngine::new()) })),
//! );
//! # fn main() {}
//! ```
//!
//! A place of the same label has to be the same location in every page and worker, in each of which the subject is made anew. Locations
//! are not removed: each run of the runner has a browser profile of its own.
//!
//! - [`wire`]: the questions and answers
//! - [`Exported`]: a subject, and where it is to be run

mod exported;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod host;
mod macros;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod serve;
pub mod wire;

pub use exported::Exported;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use host::milliseconds;
#[doc(hidden)]
pub use macros::__private;

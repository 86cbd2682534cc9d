//! One OPFS file for each file, under its own name, through synchronous access handles.
//!
//! A file that is open, or that was changed and not synced, is a `node`: it owns the one handle that OPFS gives of it, which all openers
//! share. Reading and writing go straight between it and the memory of wasm, and are ready when first polled unless something is under way
//! on that file. Everything that waits for the browser takes its turn: `location` keeps calls in the order in which they were first polled.

mod backend;
mod file;
mod location;
mod lookup;
mod moving;
mod node;

use anystorage_api::Result;

pub use backend::TreeBackend;

use crate::faults::FlushFaults;
use crate::options::OpfsOptions;

/// Opens the location of this name, a directory below the root of the origin's private file system, and holds it until it is closed or
/// dropped.
///
/// # Errors
/// [`Locked`](anystorage_api::ErrorKind::Locked) if somebody holds it, or one that it lies in, or one that lies in it; [`Unsupported`](anystorage_api::ErrorKind::Unsupported)
/// where there are neither such handles nor workers of ours that have them, and where there is no OPFS; [`PermissionDenied`](anystorage_api::ErrorKind::PermissionDenied) where the site may
/// store nothing; [`NotFound`](anystorage_api::ErrorKind::NotFound) if it must be there and is not.
pub async fn open(name: &str, options: &OpfsOptions) -> Result<TreeBackend> {
    open_with_faults(name, options, &FlushFaults::default()).await
}

/// As [`open`], with flushes that fail when `faults` says so: for tests.
///
/// # Errors
/// Those of [`open`].
pub async fn open_with_faults(name: &str, options: &OpfsOptions, faults: &FlushFaults) -> Result<TreeBackend> {
    TreeBackend::open(name, options, faults).await
}

//! One host file per file, below a root directory.

pub mod disk;
pub mod fault;

mod backend;
mod dirty;
mod error;
mod file;
mod guard;
mod host;
mod instance;
mod listing;
mod lock;
mod names;
mod node;
mod revision;
mod root;
#[cfg(feature = "conformance")]
pub mod subject;

pub use backend::FilesBackend;
pub use host::{HostDisk, HostFile};

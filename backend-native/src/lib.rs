//! The anystorage engines for operating systems.

#[cfg(all(feature = "files", unix))]
pub mod files;

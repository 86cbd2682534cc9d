//! One host file per file, below a root directory.

pub mod disk;

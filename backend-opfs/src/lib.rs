//! The anystorage engines over the origin private file system.

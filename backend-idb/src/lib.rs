//! The anystorage engine over IndexedDB.

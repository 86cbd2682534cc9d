//! What sled said, as an error of the engine.

use anystorage_api::{Error, ErrorKind, Operation};

/// The error for what sled answered.
pub(super) fn from_sled(error: sled::Error, operation: Operation) -> Error {
    match error {
        sled::Error::Io(error) => Error::from_io(error, operation),
        sled::Error::Corruption { .. } => {
            let text = "sled's own checksums do not match what it reads. Nothing was repaired; restore a backup";
            Error::new(ErrorKind::Corrupt, operation).with_text(text).with_cause(error)
        }
        sled::Error::ReportableBug(_) | sled::Error::CollectionNotFound(_) => {
            let text = "sled misses what it must have written; restore a backup";
            Error::new(ErrorKind::Corrupt, operation).with_text(text).with_cause(error)
        }
        sled::Error::Unsupported(_) => {
            let text = "sled cannot use this database: another version of it, or another program, wrote it";
            Error::new(ErrorKind::Unsupported, operation).with_text(text).with_cause(error)
        }
    }
}

//! What redb said, as an error of the engine.

use anystorage_api::{Error, ErrorKind, Operation};

/// The error for what redb said.
pub(crate) fn store_error(error: impl Into<redb::Error>, operation: Operation) -> Error {
    match error.into() {
        redb::Error::Io(error) => Error::from_io(error, operation),
        redb::Error::Corrupted(said) => Error::new(ErrorKind::Corrupt, operation).with_text(format!("redb found damage: {said}")),
        redb::Error::LockPoisoned(_) => {
            Error::new(ErrorKind::Corrupt, operation).with_text("redb gave up before, over bytes that it cannot have written")
        }
        redb::Error::PreviousIo => {
            Error::new(ErrorKind::Io, operation).with_text("an input/output error came before; open the location again")
        }
        redb::Error::DatabaseClosed => Error::new(ErrorKind::Closed, operation),
        redb::Error::UpgradeRequired(version) => Error::new(ErrorKind::Unsupported, operation)
            .with_text(format!("this is version {version} of redb's format: upgrade the file with an older version of redb")),
        error @ (redb::Error::TableTypeMismatch { .. } | redb::Error::TableIsMultimap(_) | redb::Error::TypeDefinitionChanged { .. }) => {
            Error::new(ErrorKind::Corrupt, operation).with_cause(error)
        }
        error => Error::new(ErrorKind::Io, operation).with_cause(error),
    }
}

/// The error for a file that cannot be opened as a location.
pub(crate) fn open_error(kind: ErrorKind, title: &str, text: impl std::fmt::Display) -> Error {
    Error::new(kind, Operation::OpenLocation).with_text(format!("{} {text}", title))
}

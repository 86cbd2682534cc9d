//! What engines said, behind the numbers that callers get.

use std::sync::{Arc, Mutex, PoisonError};

use anystorage_api::Error;

use crate::Errno;

/// The last error of an engine, shared by everything that calls one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Causes(Arc<Mutex<Option<Error>>>);

impl Causes {
    /// The number for an error, which is kept.
    pub(crate) fn errno(&self, error: Error) -> Errno {
        let errno = Errno::from(&error);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        errno
    }

    pub(crate) fn last(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

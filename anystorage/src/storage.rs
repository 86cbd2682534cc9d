use std::ops::Deref;

use anystorage_api::StorageBackend;

use crate::report::OpenReport;

/// An open location: a [`StorageBackend`], and the report of how it came to be this one.
///
/// It derefs to the backend. Dropping it, like [`close`](StorageBackend::close), gives the location free and does not sync.
#[derive(Debug)]
pub struct Storage {
    backend: Box<dyn StorageBackend>,
    report: OpenReport,
}

impl Storage {
    pub(crate) fn new(backend: Box<dyn StorageBackend>, report: OpenReport) -> Self {
        Self { backend, report }
    }

    /// What is open, why, and what was tried before it.
    #[must_use]
    pub const fn report(&self) -> &OpenReport {
        &self.report
    }

    /// The backend alone, to put a layer around it.
    #[must_use]
    pub fn into_backend(self) -> Box<dyn StorageBackend> {
        self.backend
    }
}

impl Deref for Storage {
    type Target = dyn StorageBackend;
    fn deref(&self) -> &Self::Target {
        &*self.backend
    }
}

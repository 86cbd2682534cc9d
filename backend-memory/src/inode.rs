//! A file as handles share it, whatever names it has, or none.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anystorage_api::Metadata;

use crate::location::Location;
use crate::sparse::Sparse;

/// One file: its bytes, and the revision of their last change.
#[derive(Debug)]
pub(crate) struct Inode {
    content: RwLock<Content>,
}

#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Sparse,
    pub(crate) revision: u64,
}

impl Inode {
    /// An empty file.
    pub(crate) fn new(location: &Location) -> Self {
        let content = Content { bytes: Sparse::new(Arc::clone(location.room())), revision: location.next_revision() };
        Self { content: RwLock::new(content) }
    }

    // No code that holds these locks panics, and the content is consistent after every statement: a poisoned lock guards sound data.

    pub(crate) fn shared(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn exclusive(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn metadata(&self) -> Metadata {
        let content = self.shared();
        Metadata::file(content.bytes.len()).with_revision(content.revision)
    }

    /// Cuts or lengthens; a file that has this length already does not change.
    pub(crate) fn set_len(&self, len: u64, location: &Location) {
        let mut content = self.exclusive();
        if content.bytes.len() != len {
            content.bytes.set_len(len);
            content.revision = location.next_revision();
        }
    }
}

//! Subjects of the suite for the layer.

use anystorage_api::{Capabilities, Result, engine};
use anystorage_conformance::subject::{Place, Subject};
use anystorage_native::files::subject::FilesSubject;
use anystorage_native::redb::subject::RedbSubject;
use tempfile::TempDir;

macro_rules! in_a_directory {
    ($name:ident, $subject:ty) => {
        /// Removes its directory when it is dropped.
        #[derive(Debug)]
        pub(crate) struct $name {
            subject: $subject,
            _directory: TempDir,
        }

        impl $name {
            pub(crate) fn new() -> Self {
                let directory = tempfile::tempdir().unwrap();
                Self { subject: <$subject>::new(directory.path()), _directory: directory }
            }
        }

        #[engine]
        impl Subject for $name {
            fn name(&self) -> String {
                self.subject.name()
            }
            fn expected(&self) -> Option<Capabilities> {
                self.subject.expected()
            }
            async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
                self.subject.place(label).await
            }
        }
    };
}

in_a_directory!(Files, FilesSubject);
in_a_directory!(Redb, RedbSubject);

//! Subjects of the suite behind the layer.

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_layers::{Mirror, MirrorOptions};
use anystorage_native::files::subject::FilesSubject;
use anystorage_native::redb::subject::RedbSubject;
use tempfile::TempDir;

/// Another subject, behind a mirror.
#[derive(Debug)]
pub(crate) struct Mirrored<S>(pub(crate) S);

#[engine]
impl<S: Subject> Subject for Mirrored<S> {
    fn name(&self) -> String {
        format!("{} behind a mirror", self.0.name())
    }
    fn expected(&self) -> Option<Capabilities> {
        self.0.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(MirroredPlace(self.0.place(label).await?)))
    }
}

#[derive(Debug)]
pub(crate) struct MirroredPlace(Box<dyn Place>);

pub(crate) async fn mirror(engine: Box<dyn StorageBackend>) -> Result<Box<dyn StorageBackend>> {
    Ok(Box::new(Mirror::open(engine, MirrorOptions::new()).await?))
}

#[engine]
impl Place for MirroredPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        mirror(self.0.open().await?).await
    }
    fn address(&self) -> Option<String> {
        self.0.address()
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(self.0.small(bytes).await?.map(|place| Box::new(Self(place)) as Box<dyn Place>))
    }
    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        match self.0.open_with_faults().await? {
            Some((engine, faults)) => Ok(Some((mirror(engine).await?, faults))),
            None => Ok(None),
        }
    }
    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        self.0.damage(seed).await
    }
}

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

//! Every case of the conformance suite over engines behind the `Offload` layer.
#![cfg(not(all(target_family = "wasm", target_os = "unknown")))]

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_layers::Offload;

/// Another subject, behind the layer.
#[derive(Debug)]
struct Offloaded<S>(S);

#[engine]
impl<S: Subject> Subject for Offloaded<S> {
    fn name(&self) -> String {
        format!("{} behind offload", self.0.name())
    }
    fn expected(&self) -> Option<Capabilities> {
        self.0.expected().map(|expected| expected.immediate(false))
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(OffloadedPlace(self.0.place(label).await?)))
    }
}

#[derive(Debug)]
struct OffloadedPlace(Box<dyn Place>);

fn offload(engine: Box<dyn StorageBackend>) -> Box<dyn StorageBackend> {
    Box::new(Offload::new(engine))
}

#[engine]
impl Place for OffloadedPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(offload(self.0.open().await?))
    }
    fn address(&self) -> Option<String> {
        self.0.address()
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(self.0.small(bytes).await?.map(|place| Box::new(Self(place)) as Box<dyn Place>))
    }
    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        Ok(self.0.open_with_faults().await?.map(|(engine, faults)| (offload(engine), faults)))
    }
    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        self.0.damage(seed).await
    }
}

mod memory {
    use super::*;
    use anystorage_conformance::table;
    use anystorage_memory::MemoryBackend;

    #[derive(Debug)]
    struct Memory;

    #[engine]
    impl Subject for Memory {
        fn name(&self) -> String {
            "memory".to_owned()
        }
        fn expected(&self) -> Option<Capabilities> {
            Some(table::MEMORY)
        }
        async fn place(&self, _label: &str) -> Result<Box<dyn Place>> {
            Ok(Box::new(Bytes { limit: None }))
        }
    }

    #[derive(Debug)]
    struct Bytes {
        limit: Option<u64>,
    }

    #[engine]
    impl Place for Bytes {
        async fn open(&self) -> Result<Box<dyn StorageBackend>> {
            Ok(Box::new(self.limit.map_or_else(MemoryBackend::new, MemoryBackend::with_limit)))
        }
        async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
            Ok(Some(Box::new(Self { limit: Some(bytes) })))
        }
    }

    anystorage_conformance::suite!(subject = Offloaded(Memory));
}

#[cfg(unix)]
mod files {
    use super::*;

    use anystorage_native::files::subject::FilesSubject;

    /// Removes its directory when it is dropped.
    #[derive(Debug)]
    struct Files {
        subject: FilesSubject,
        _directory: tempfile::TempDir,
    }

    impl Files {
        #[allow(clippy::expect_used, reason = "a test")]
        fn new() -> Self {
            let directory = tempfile::tempdir().expect("a temporary directory");
            Self { subject: FilesSubject::new(directory.path()), _directory: directory }
        }
    }

    #[engine]
    impl Subject for Files {
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

    anystorage_conformance::suite!(subject = Offloaded(Files::new()));
}

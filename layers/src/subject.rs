//! Any subject of the conformance suite, behind a [`Mirror`].

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};

use crate::{Mirror, MirrorOptions};

/// Another subject, each of its places behind a [`Mirror`].
#[derive(Clone, Debug)]
pub struct Mirrored<S>(S);

impl<S: Subject> Mirrored<S> {
    /// The places of `subject`. What the table says of it holds for the mirror as well.
    #[must_use]
    pub const fn new(subject: S) -> Self {
        Self(subject)
    }
}

#[derive(Debug)]
struct MirroredPlace(Box<dyn Place>);

async fn mirror(engine: Box<dyn StorageBackend>) -> Result<Box<dyn StorageBackend>> {
    Ok(Box::new(Mirror::open(engine, MirrorOptions::new()).await?))
}

#[engine]
impl<S: Subject> Subject for Mirrored<S> {
    fn name(&self) -> String {
        format!("mirror-{}", self.0.name())
    }
    fn url(&self) -> String {
        format!("mirror-{}", self.0.url())
    }
    fn expected(&self) -> Option<Capabilities> {
        self.0.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(MirroredPlace(self.0.place(label).await?)))
    }
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

//! A correct engine that offers everything the suite can ask for, within the process: durable across openings, `atomic_sync`, checksums
//! that can be put to the test, a host whose flushes can fail, places that are really small. It shows that every case can be passed, and
//! with a [`Twist`] it is wrong in one way.

mod engine;
mod location;
mod records;
mod tree;
mod twist;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use location::{Flushes, Location};
pub(crate) use twist::Twist;

/// The reference as a subject. Its places are kept by their labels.
#[derive(Debug)]
pub(crate) struct Reference {
    name: String,
    twist: Twist,
    places: Mutex<BTreeMap<String, Arc<Location>>>,
}

impl Reference {
    pub(crate) fn correct() -> Self {
        Self::twisted("reference", Twist::default())
    }

    pub(crate) fn twisted(name: &str, twist: Twist) -> Self {
        Self { name: name.to_owned(), twist, places: Mutex::default() }
    }
}

#[engine]
impl Subject for Reference {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(engine::CAPABILITIES)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let location = places.entry(label.to_owned()).or_insert_with(|| Location::new(self.twist, None));
        Ok(Box::new(ReferencePlace(Arc::clone(location))))
    }
}

#[derive(Debug)]
struct ReferencePlace(Arc<Location>);

#[engine]
impl Place for ReferencePlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(engine::ReferenceBackend(self.0.open(Flushes::default())?)))
    }

    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        Ok(Some(Box::new(Self(Location::new(self.0.twist, Some(bytes))))))
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let flushes = Flushes::default();
        Ok(Some((Box::new(engine::ReferenceBackend(self.0.open(flushes.clone())?)), Box::new(flushes))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        Ok(self.0.damage(seed))
    }
}

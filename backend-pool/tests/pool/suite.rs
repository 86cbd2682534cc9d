//! Every case of the suite, those about space in a place of which the quota is small.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::model::{self, ModelOptions};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};
use anystorage_conformance::table;

use crate::disk::{Disk, Switch};

/// More than most cases have at a time.
const CAPACITY: usize = 24;

/// Some have more: what their labels contain, and how many files they take.
const LARGER: [(&str, usize); 5] =
    [("large_directories", 640), ("removals_between_pages", 80), ("every_combination", 80), ("odd_names", 80), ("deep_trees", 80)];

fn capacity(label: &str) -> usize {
    LARGER.iter().find(|(name, _)| label.contains(name)).map_or(CAPACITY, |(_, files)| *files)
}

#[derive(Debug, Default)]
struct Pools {
    disks: Mutex<HashMap<String, Disk>>,
}

#[engine]
impl Subject for Pools {
    fn name(&self) -> String {
        "pool".to_owned()
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::OPFS_POOL)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        let mut disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        let disk = disks.entry(label.to_owned()).or_insert_with(|| Disk::new(capacity(label))).clone();
        Ok(Box::new(OneDisk(disk)))
    }
}

#[derive(Debug)]
struct OneDisk(Disk);

#[engine]
impl Place for OneDisk {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(self.0.open()?))
    }

    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        let disk = Disk::new(CAPACITY);
        disk.quota.store(bytes, Ordering::Relaxed);
        Ok(Some(Box::new(Self(disk))))
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        let disk = self.0.with_switch(Switch::default());
        let backend = disk.open()?;
        Ok(Some((Box::new(backend), Box::new(disk.switch))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let stored: Vec<_> = self.0.bytes().into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
        // Any odd number far from a power of two spreads small seeds over the files.
        let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (name, bytes) = &stored[usize::try_from(spread >> 32).unwrap() % stored.len()];
        // Of the table, the part that is used.
        let used = if name == crate::disk::TABLE { bytes.iter().rposition(|byte| *byte != 0).unwrap() } else { bytes.len() };
        let at = (spread & 0xffff_ffff) % used as u64;
        self.0.flip(name, at, 1 << (seed % 8));
        Ok(Some(format!("byte {at} of {name:?} was changed")))
    }
}

/// Directories in a directory that was moved once kept the revisions that others had at their new paths.
#[test]
fn every_answer_is_the_models() {
    let seed = crate::seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    let options = ModelOptions::new(seed).operations(20_000).farthest(8 << 20);
    let report = futures_lite::future::block_on(model::run(&Pools::default(), options));
    println!("{}", report.unwrap_or_else(|failure| panic!("{failure}")));
}

anystorage_conformance::suite!(subject = Pools::default());

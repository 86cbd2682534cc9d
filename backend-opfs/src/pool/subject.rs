//! The engine as a subject of the conformance suite.

use std::rc::Weak;

use anystorage_api::{Capabilities, Operation, Result, StorageBackend, StoragePath, engine};
use anystorage_conformance::subject::{FlushFaults as Faults, Place, Subject};
use anystorage_conformance::table;

use super::files::{Files, TABLE};
use super::{PoolOptions, directory};
use crate::faults::FlushFaults;
use crate::host::{Directory, failed};
use crate::options::Mode;
use crate::subject::name_of;

/// More files than most cases have at a time. Opening them takes Firefox some tenths of a second.
const CAPACITY: usize = 24;

/// Some have more: what their labels contain, and how many files they take.
const LARGER: [(&str, usize); 5] =
    [("large_directories", 640), ("removals_between_pages", 80), ("every_combination", 80), ("odd_names", 80), ("deep_trees", 80)];

/// The layout `pool`, with a location for each place.
#[derive(Clone, Debug)]
pub struct PoolSubject {
    prefix: String,
}

impl PoolSubject {
    /// Places whose names begin with `prefix`.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }
}

#[engine]
impl Subject for PoolSubject {
    fn name(&self) -> String {
        "opfs-pool".to_owned()
    }

    fn url(&self) -> String {
        "opfs:?layout=pool".to_owned()
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::OPFS_POOL)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        let capacity = LARGER.iter().find(|(name, _)| label.contains(name)).map_or(CAPACITY, |(_, files)| *files);
        Ok(Box::new(PoolPlace { name: name_of(&self.prefix, label), options: PoolOptions::new().capacity(capacity) }))
    }
}

#[derive(Clone, Debug)]
struct PoolPlace {
    name: String,
    options: PoolOptions,
}

#[engine]
impl Place for PoolPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(super::open(&self.name, &self.options).await?))
    }

    fn address(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn Faults>)>> {
        let faults = FlushFaults::default();
        let backend = super::open_with_faults(&self.name, &self.options, &faults).await?;
        Ok(Some((Box::new(backend), Box::new(faults))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let path = StoragePath::parse(&self.name)?;
        let directory = directory(&Directory::of_origin().await?, &path, Mode::ReadWrite).await?;
        let mut stored = Vec::new();
        for number in Files::new(directory.clone(), FlushFaults::default(), Weak::new()).numbers().await? {
            let plain = directory.file(&number.to_string(), false).await.map_err(failed(Operation::Open))?;
            if plain.stat().await?.0 > 0 {
                stored.push(plain);
            }
        }
        // As often as any file: most of a location are its bytes.
        stored.push(directory.file(TABLE, false).await.map_err(failed(Operation::Open))?);
        // Any odd number far from a power of two spreads small seeds over the files.
        let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let chosen = usize::try_from(spread >> 32).ok().and_then(|spread| stored.get(spread.checked_rem(stored.len())?));
        let Some(plain) = chosen else { return Ok(None) };
        let name = plain.name().to_owned();
        let file = plain.open(&FlushFaults::default()).await?;
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
        let read = file.read(0, &mut bytes)?;
        // Of the table, what is used.
        let used = if name == TABLE { bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1) } else { read };
        let at = (spread & 0xffff_ffff).checked_rem(used as u64).unwrap_or(0);
        if name != TABLE && seed % 3 == 2 {
            file.set_len(at)?;
            file.flush()?;
            return Ok(Some(format!("the file {name:?} was cut from {read} to {at} bytes")));
        }
        let bit = 1 << (seed % 8);
        let byte = usize::try_from(at).ok().and_then(|at| bytes.get(at)).copied().unwrap_or(0);
        file.write(at, &[byte ^ bit])?;
        file.flush()?;
        Ok(Some(format!("byte {at} of the file {name:?} was changed by {bit:#04x}")))
    }
}

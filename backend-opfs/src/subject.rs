//! The engines as subjects of the conformance suite.

use std::rc::Rc;

use anystorage_api::{Capabilities, Result, StorageBackend, engine};
use anystorage_conformance::subject::{FlushFaults as Faults, Place, Subject};
use anystorage_conformance::table;

use crate::faults::FlushFaults;
use crate::hidden::Hidden;
use crate::host::Directory;
use crate::names::HIDDEN;
use crate::open_file::{Access, Change};
use crate::options::{Io, OpfsOptions};
use crate::tree;
use crate::way::Way;

/// What becomes a location for a place.
pub(crate) fn name_of(prefix: &str, label: &str) -> String {
    format!("{prefix}{}", label.replace("::", "-"))
}

/// The layout `tree`, with a location for each place.
#[derive(Clone, Debug)]
pub struct OpfsSubject {
    prefix: String,
    io: Io,
}

impl OpfsSubject {
    /// Places whose names begin with `prefix`.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), io: Io::Handle }
    }

    /// The same places, by way of writable streams.
    #[must_use]
    pub fn streaming(mut self) -> Self {
        self.io = Io::Stream;
        self
    }
}

#[engine]
impl Subject for OpfsSubject {
    fn name(&self) -> String {
        match self.io {
            Io::Handle => "opfs".to_owned(),
            Io::Stream => "opfs-stream".to_owned(),
        }
    }

    fn url(&self) -> String {
        match self.io {
            Io::Handle => "opfs:".to_owned(),
            Io::Stream => "opfs:?io=stream".to_owned(),
        }
    }

    fn expected(&self) -> Option<Capabilities> {
        Some(table::OPFS)
    }

    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(OpfsPlace { name: name_of(&self.prefix, label), io: self.io }))
    }
}

#[derive(Clone, Debug)]
struct OpfsPlace {
    name: String,
    io: Io,
}

impl OpfsPlace {
    const fn options(&self) -> OpfsOptions {
        OpfsOptions::new().io(self.io)
    }
}

#[engine]
impl Place for OpfsPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        Ok(Box::new(tree::open(&self.name, &self.options()).await?))
    }

    fn address(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn Faults>)>> {
        let faults = FlushFaults::default();
        let backend = tree::open_with_faults(&self.name, &self.options(), &faults).await?;
        Ok(Some((Box::new(backend), Box::new(faults))))
    }

    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        let way = Way::open(&self.options()).await?;
        let root = Directory::of_origin().await?;
        let Ok(location) = root.directory(&self.name, false).await else { return Ok(None) };
        let Ok(hidden) = location.directory(HIDDEN, true).await else { return Ok(None) };
        let hidden = Rc::new(Hidden::new(location.clone(), hidden, way.clone()));
        let mut files = Vec::new();
        let mut waiting = vec![location];
        while let Some(directory) = waiting.pop() {
            let mut entries = directory.entries().await?;
            entries.sort_unstable();
            for (name, is_directory) in entries.into_iter().filter(|(name, _)| name != HIDDEN) {
                match is_directory {
                    true => waiting.extend(directory.directory(&name, false).await.ok()),
                    false => files.extend(directory.file(&name, false).await.ok().map(|file| (name, file))),
                }
            }
        }
        // Any odd number far from a power of two spreads small seeds over the files.
        let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let chosen = usize::try_from(spread >> 32).ok().and_then(|spread| files.get(spread.checked_rem(files.len())?));
        let Some((name, file)) = chosen else { return Ok(None) };
        let access = Access::new(way, FlushFaults::default(), hidden);
        let file = access.open(file).await?;
        let len = file.len().await?;
        let at = (spread & 0xffff_ffff).checked_rem(len).unwrap_or(0);
        if seed % 3 == 2 {
            file.change(Change::SetLen, at, &[]).await?;
            file.flush().await?;
            return Ok(Some(format!("the file {name:?} was cut from {len} to {at} bytes")));
        }
        let mut byte = [0];
        file.read(at, &mut byte).await?;
        let bit = 1 << (seed % 8);
        file.change(Change::Write, at, &byte.map(|byte| byte ^ bit)).await?;
        file.flush().await?;
        Ok(Some(format!("byte {at} of the file {name:?} was changed by {bit:#04x}")))
    }
}

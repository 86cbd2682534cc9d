//! What an engine does not keep of a file: its owner, which device it stands for, and, where it keeps no attributes at all, its mode, its
//! times and where a link leads.
//!
//! All records of a mount are in memory, and in one hidden file, which is replaced as a whole by the engine's atomic `write`: when something
//! is synced, and before a step that a kill could leave half done. See 'What is kept where' of the crate.

mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

use anystorage_api::{Blocking, ErrorKind, OpenOptions, Result, StorageBackend, StoragePath, Timestamp};
use serde::{Deserialize, Serialize};

use crate::path_map::PathMap;
use crate::stat::DeviceNumber;

/// The file that has them, in the root of the mount.
pub(crate) const TABLE: &str = ".anystorage-vfs";

/// A moment, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Time(i64, u32);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at.seconds(), at.nanoseconds())
    }
}

impl From<Time> for Timestamp {
    fn from(Time(seconds, nanoseconds): Time) -> Self {
        Self::new(seconds, nanoseconds)
    }
}

/// What an empty file of the engine stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Special {
    Link(String),
    Character(DeviceNumber),
}

/// What is known of one file beyond what its engine tells; it goes before that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) mode: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) accessed: Option<Time>,
    pub(crate) modified: Option<Time>,
    pub(crate) changed: Option<Time>,
    pub(crate) special: Option<Special>,
}

impl Record {
    /// Whether it would be wrong for another file that has the name later; times alone are not.
    const fn matters(&self) -> bool {
        self.mode.is_some() || self.uid.is_some() || self.gid.is_some() || self.special.is_some()
    }
}

type Engine = Blocking<Arc<dyn StorageBackend>>;

#[derive(Debug)]
pub(crate) struct Records {
    records: PathMap<Record>,
    /// Whether the stored table is another one.
    dirty: bool,
    /// Whether the table was stored since it was last synced.
    unsynced: bool,
    /// How often the table was stored.
    stores: u64,
    /// Whether the table is stored before a step that a kill could leave half done. Engines whose syncs are one point for everything, and
    /// those that keep nothing, need no such order.
    eager: bool,
    /// The paths whose stored records matter.
    stored: BTreeSet<String>,
    /// The rename that the stored table announces.
    announced: Option<(StoragePath, StoragePath)>,
}

impl Records {
    /// Reads the table of a location.
    pub(crate) fn load(engine: &Engine) -> Result<Self> {
        let capabilities = engine.capabilities();
        let eager = capabilities.is_durable() && !capabilities.atomic_sync;
        let mut loaded =
            Self { records: PathMap::default(), dirty: false, unsynced: false, stores: 0, eager, stored: BTreeSet::new(), announced: None };
        let bytes = match engine.read(&table_path()?) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(loaded),
            Err(error) => return Err(error),
        };
        let table = table::decode(&bytes)?;
        for (path, record) in table.records {
            loaded.records.insert(&StoragePath::parse(&path)?, record);
        }
        loaded.note_stored();
        if let Some((from, to)) = table.moving {
            let (from, to) = (StoragePath::parse(&from)?, StoragePath::parse(&to)?);
            // It was announced, and then either done or not: the engine knows.
            if !engine.exists(&from)? {
                loaded.records.move_subtree(&from, &to);
                loaded.dirty = true;
            }
            loaded.note_stored();
            loaded.announced = Some((from, to));
        }
        Ok(loaded)
    }

    pub(crate) fn get(&self, path: &StoragePath) -> Option<&Record> {
        self.records.get(path)
    }

    /// Changes the record of `path`; one that says nothing is dropped.
    pub(crate) fn update(&mut self, path: &StoragePath, change: impl FnOnce(&mut Record)) {
        let old = self.records.get(path).cloned().unwrap_or_default();
        let mut new = old.clone();
        change(&mut new);
        if new == old {
            return;
        }
        self.dirty = true;
        if new == Record::default() {
            self.records.remove(path);
        } else {
            self.records.insert(path, new);
        }
    }

    /// Drops the records of `path`, which was removed, and of what was below it; that of `path` is returned.
    pub(crate) fn removed(&mut self, path: &StoragePath) -> Option<Record> {
        let gone = self.records.take_subtree(path);
        self.dirty |= !gone.is_empty();
        gone.into_iter().find(|(at, _)| at == path.as_str()).map(|(_, record)| record)
    }

    /// Before something new gets the name `path`: what is known of an older one with that name must be gone, and what the stored table says of
    /// it. A table that was loaded may have records of files that are not there.
    pub(crate) fn before_create(&mut self, engine: &Engine, path: &StoragePath) -> Result<()> {
        let gone = self.records.take_subtree(path);
        self.dirty |= !gone.is_empty();
        let stale = self.stored.contains(path.as_str()) || self.is_announced(path);
        if self.eager && stale { self.store(engine) } else { Ok(()) }
    }

    /// Before an empty file is created that is to stand for something else: its record is stored first, as a record without a file is
    /// nothing, and a file without its record would be an empty file.
    pub(crate) fn before_special(&mut self, engine: &Engine, path: &StoragePath, record: Record) -> Result<()> {
        self.update(path, |slot| *slot = record);
        let stored = if self.eager { self.store(engine) } else { Ok(()) };
        if stored.is_err() {
            self.removed(path);
        }
        stored
    }

    /// Before a rename: where records are concerned, the stored table announces it, so that whoever reads it knows which name they belong to.
    pub(crate) fn before_rename(&mut self, engine: &Engine, from: &StoragePath, to: &StoragePath) -> Result<()> {
        if !self.eager {
            return Ok(());
        }
        if self.concerns(from) || self.concerns(to) {
            self.dirty = true;
            self.announced = Some((from.clone(), to.clone()));
            return self.write(engine);
        }
        // A name comes to be that an older announcement takes for one that is gone.
        if self.is_announced(to) { self.store(engine) } else { Ok(()) }
    }

    /// After a rename that failed: what was announced is taken back at once, unless it may have been done. If it stayed, and `from` were removed
    /// later, the records of the one would be taken for those of the other.
    pub(crate) fn not_renamed(&mut self, engine: &Engine, from: &StoragePath) {
        let Some(announced) = self.announced.take_if(|_| engine.exists(from).is_ok_and(|exists| exists)) else { return };
        self.dirty = true;
        if self.write(engine).and_then(|()| self.sync_table(engine)).is_err() {
            // It may still be stored.
            self.announced = Some(announced);
        }
    }

    /// Before `path` is removed: a rename of it that failed must not be announced any more, if that can be helped. Where there is no space to
    /// store the table, removing makes some.
    pub(crate) fn before_remove(&mut self, engine: &Engine, path: &StoragePath) {
        if self.announced.as_ref().is_some_and(|(from, _)| from.starts_with(path)) {
            let _ = self.store(engine);
        }
    }

    /// After a rename; what was known of the file that was replaced is returned.
    pub(crate) fn renamed(&mut self, from: &StoragePath, to: &StoragePath) -> Option<Record> {
        let had = self.records.any_at_or_below(from) || self.records.any_at_or_below(to);
        self.dirty |= had;
        let replaced = self.records.move_subtree(from, to);
        replaced.into_iter().find(|(at, _)| at == to.as_str()).map(|(_, record)| record)
    }

    /// Stores the table if it has changed. It is durable after the next sync of the engine or of the table.
    pub(crate) fn store(&mut self, engine: &Engine) -> Result<()> {
        if !self.dirty && self.announced.is_none() {
            return Ok(());
        }
        self.announced = None;
        self.write(engine)
    }

    /// Syncs the stored table, unless that was done.
    pub(crate) fn sync_table(&mut self, engine: &Engine) -> Result<()> {
        if self.unsynced {
            engine.open(&table_path()?, &OpenOptions::reading())?.sync()?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Whether something is not stored yet, or not synced.
    pub(crate) const fn is_pending(&self) -> bool {
        self.dirty || self.unsynced || self.announced.is_some()
    }

    /// Whether files and the table are durable one by one.
    pub(crate) const fn is_eager(&self) -> bool {
        self.eager
    }

    /// How often the table was stored, for [`Self::synced`].
    pub(crate) const fn stores(&self) -> u64 {
        self.stores
    }

    /// Everything was synced, the table too, as it was after so many stores.
    pub(crate) const fn synced(&mut self, stores: u64) {
        self.unsynced = self.unsynced && self.stores != stores;
    }

    fn write(&mut self, engine: &Engine) -> Result<()> {
        let moving = self.announced.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
        let bytes = table::encode(&self.records, moving)?;
        let written = engine.write(&table_path()?, &bytes);
        if written.is_ok() {
            self.dirty = false;
            self.unsynced = true;
            self.stores += 1;
            self.note_stored();
        } else {
            // Which of the two is stored, the engine says; that it may be the other one is taken care of by storing it again.
            self.dirty = true;
        }
        written
    }

    fn note_stored(&mut self) {
        self.stored = self.records.iter().filter(|(_, record)| record.matters()).map(|(path, _)| path.clone()).collect();
    }

    fn concerns(&self, path: &StoragePath) -> bool {
        let below = format!("{path}/");
        let stored =
            self.stored.contains(path.as_str()) || self.stored.range(below.clone()..).next().is_some_and(|key| key.starts_with(&below));
        stored || self.records.any_at_or_below(path)
    }

    fn is_announced(&self, path: &StoragePath) -> bool {
        self.announced
            .as_ref()
            .is_some_and(|(from, to)| from.starts_with(path) || path.starts_with(from) || to.starts_with(path) || path.starts_with(to))
    }
}

fn table_path() -> Result<StoragePath> {
    StoragePath::parse(TABLE)
}

//! The database of sled: how it is opened, how a batch is made, and what is flushed when.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anystorage_api::{Operation, Result};
use anystorage_kv::Batch;

use super::error::from_sled;
use super::geometry::Geometry;
use super::options::SledOptions;
use super::place::{Place, host_error};
use crate::faults::FlushSwitch;
use crate::root::sync_above;
use anystorage_kv::panics::caught;

/// The tree of the database that holds the records.
pub(super) const TREE: &str = "anystorage";

/// The key under which the bytes of all other keys and values are counted. It sorts behind them all, and is not shown.
pub(super) const COUNTER: &[u8] = b"\xff\xff\xff\xff\xff\xff\xff\xffbytes";

/// An opened database of sled, and what is known of its log.
pub(super) struct Open {
    pub(super) database: sled::Db,
    pub(super) tree: sled::Tree,
    /// The file `db` once more, for the flushes that sled does not do.
    pub(super) file: File,
    /// Up to where the log has been flushed.
    pub(super) flushed: AtomicI64,
    /// The blob files that have been flushed.
    pub(super) blobs: Mutex<BTreeSet<OsString>>,
    pub(super) geometry: Geometry,
    /// The bytes of all keys and values.
    pub(super) bytes: AtomicU64,
    /// The end of the log when it was opened.
    pub(super) opened_at: i64,
}

impl Open {
    pub(super) fn database(place: &Place, options: &SledOptions, flushes: &FlushSwitch) -> Result<Self> {
        let geometry = place.prepare()?;
        let fail = |error| host_error(error, place.root());
        let opened = caught("sled", Operation::OpenLocation, || {
            let config = sled::Config::new().path(place.root()).segment_size(geometry.segment);
            // No thread that flushes by itself: what is durable when is decided here.
            let database = config.cache_capacity(options.cache_bytes.max(1 << 20)).flush_every_ms(None).open();
            let database = database.map_err(|error| from_sled(error, Operation::OpenLocation))?;
            let tree = database.open_tree(TREE).map_err(|error| from_sled(error, Operation::OpenLocation))?;
            let counted = tree.get(COUNTER).map_err(|error| from_sled(error, Operation::OpenLocation))?;
            Ok((database, tree, counted))
        });
        let (database, tree, counted) = opened?;
        let counted = counted.and_then(|bytes| Some(u64::from_le_bytes(bytes.as_ref().try_into().ok()?)));
        let file = File::options().read(true).write(true).open(place.root().join("db")).map_err(fail)?;
        let mut open = Self {
            opened_at: -1,
            database,
            tree,
            file,
            flushed: AtomicI64::new(-1),
            blobs: Mutex::default(),
            geometry,
            bytes: AtomicU64::new(counted.unwrap_or(0)),
        };
        // First what leads to the log, then the first bytes of it: an empty log is a creation that was cut.
        if options.flushing {
            let root = place.root();
            for name in ["conf", "blobs"] {
                flushes.flush(|| File::open(root.join(name))?.sync_all()).map_err(fail)?;
            }
            flushes.flush(|| File::open(root)?.sync_all()).map_err(fail)?;
        }
        caught("sled", Operation::OpenLocation, || open.database.flush().map_err(|error| from_sled(error, Operation::OpenLocation)))?;
        open.flush(Some(place.root()), options, flushes).map_err(fail)?;
        open.opened_at = open.written();
        Ok(open)
    }

    /// The batch, in the log, as far as the operating system is concerned.
    pub(super) fn apply(&self, batch: &Batch) -> sled::Result<()> {
        let mut bytes = self.bytes.load(Ordering::SeqCst);
        let mut last = BTreeMap::new();
        for (key, value) in batch.iter() {
            last.insert(key, value);
        }
        let mut changes = sled::Batch::default();
        for (key, value) in last {
            let old = self.tree.get(key)?.map_or(0, |old| key.len() + old.len());
            let new = value.map_or(0, |value: &[u8]| key.len() + value.len());
            bytes = bytes.saturating_sub(old as u64) + new as u64;
            match value {
                Some(value) => changes.insert(key, value),
                None => changes.remove(key),
            }
        }
        changes.insert(COUNTER, &bytes.to_le_bytes());
        self.tree.apply_batch(changes)?;
        self.database.flush()?;
        self.bytes.store(bytes, Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn flush(&self, root: Option<&Path>, options: &SledOptions, flushes: &FlushSwitch) -> io::Result<()> {
        let written = self.written();
        if options.flushing {
            if let Some(root) = root {
                self.flush_blobs(&root.join("blobs"), flushes)?;
            }
            flushes.flush(|| self.file.sync_all())?;
        }
        self.flushed.store(written, Ordering::SeqCst);
        Ok(())
    }

    /// Leaves of large records are files of their own, which sled never flushes. With the usual sizes there are none.
    pub(super) fn flush_blobs(&self, directory: &Path, flushes: &FlushSwitch) -> io::Result<()> {
        let mut known = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = BTreeSet::new();
        let mut new = false;
        for entry in fs::read_dir(directory)? {
            let name = entry?.file_name();
            if !known.contains(&name) {
                new = true;
                match File::open(directory.join(&name)) {
                    Ok(file) => flushes.flush(|| file.sync_all())?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
            }
            found.insert(name);
        }
        if new {
            flushes.flush(|| sync_above(&directory.join("any")))?;
        }
        *known = found;
        Ok(())
    }

    /// The position up to which the log has been written.
    pub(super) fn written(&self) -> i64 {
        self.database.context.pagecache.log.stable_offset()
    }

    /// The segment of the log in which the position behind this one lies.
    pub(super) fn segment_at(&self, position: i64) -> i64 {
        (position + 1) / i64::try_from(self.geometry.segment).unwrap_or(i64::MAX)
    }
}

/// Makes durable what has this path.
pub(super) fn flush_at(path: &Path, options: &SledOptions, flushes: &FlushSwitch) -> io::Result<()> {
    if options.flushing { flushes.flush(|| File::open(path)?.sync_all()) } else { Ok(()) }
}

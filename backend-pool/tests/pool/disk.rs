//! Files of the simulated disk, with a quota that counts lengths, as those of browsers do.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anystorage_api::{Error, ErrorKind, Operation, Result, StorageBackend, Timestamp};
use anystorage_conformance::simdisk::{SimDisk, SimFile, SimOpen};
use anystorage_conformance::subject::FlushFaults;
use anystorage_pool::{PoolBackend, PoolHost, RawFile};

pub(crate) const TABLE: &str = "table";

pub(crate) type Pool = PoolBackend<Counted>;

/// A disk with a place for one location.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) disk: SimDisk,
    capacity: usize,
    /// As a Web Lock, it goes with its holder.
    held: Arc<AtomicBool>,
    /// In bytes.
    pub(crate) quota: Arc<AtomicU64>,
    /// What was cut off files that are open, in bytes; none where the quota does not count that.
    kept: Option<Arc<AtomicU64>>,
    pub(crate) switch: Switch,
}

/// Makes flushes fail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch {
    failing: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
}

impl Disk {
    pub(crate) fn new(capacity: usize) -> Self {
        Self::of(SimDisk::new(), capacity)
    }

    pub(crate) fn of(disk: SimDisk, capacity: usize) -> Self {
        Self { disk, capacity, held: Arc::default(), quota: Arc::new(AtomicU64::new(u64::MAX)), kept: None, switch: Switch::default() }
    }

    /// With a quota that counts what was cut off a file until it is closed, as that of Chromium does.
    pub(crate) fn keeping(self) -> Self {
        Self { kept: Some(Arc::default()), ..self }
    }

    pub(crate) fn with_switch(&self, switch: Switch) -> Self {
        Self { switch, ..self.clone() }
    }

    /// As a host does it: the table, what files there are, and new ones up to the capacity.
    pub(crate) fn open(&self) -> Result<Pool> {
        if self.held.swap(true, Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Locked, Operation::OpenLocation));
        }
        let held = Held(Arc::clone(&self.held));
        let numbers: Vec<u32> = self.disk.entries("").map_err(failed)?.into_iter().filter_map(|(name, _)| name.parse().ok()).collect();
        let table = self.raw(TABLE, Some(held))?;
        let files = numbers.iter().map(|number| Ok((*number, self.raw(&number.to_string(), None)?))).collect::<Result<_>>()?;
        let clock = || Some(Timestamp::new(1_700_000_000, 5));
        let pool = PoolBackend::open(table, files, PoolHost::new().clock(clock).salt(rand()))?;
        while pool.capacity() - pool.set_aside() < self.capacity {
            self.add(&pool)?;
        }
        Ok(pool)
    }

    /// Makes room for one file more.
    pub(crate) fn add(&self, pool: &Pool) -> Result<()> {
        let next = pool.next_number();
        pool.add(next, self.raw(&next.to_string(), None)?)
    }

    /// A file, which is made and lasts if it is missing.
    pub(crate) fn raw(&self, name: &str, held: Option<Held>) -> Result<Counted> {
        let file = match self.disk.open(name, SimOpen::CreateNew) {
            Ok(file) => self.disk.sync_dir("").map(|()| file),
            Err(_) => self.disk.open(name, SimOpen::ReadWrite),
        };
        let disk = self.clone();
        Ok(Counted { file: file.map_err(failed)?, disk, kept: AtomicU64::new(0), _held: held })
    }

    /// What the quota counts.
    fn counted(&self) -> u64 {
        let names = self.disk.entries("").unwrap_or_default();
        let lengths: u64 = names.iter().filter_map(|(name, _)| self.disk.metadata(name).ok()).map(|found| found.len).sum();
        lengths + self.kept.as_ref().map_or(0, |kept| kept.load(Ordering::Relaxed))
    }

    /// All that is stored, by name.
    pub(crate) fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let names = self.disk.entries("").unwrap();
        names.into_iter().map(|(name, _)| (name.clone(), self.bytes_of(&name))).collect()
    }

    pub(crate) fn bytes_of(&self, name: &str) -> Vec<u8> {
        let file = self.disk.open(name, SimOpen::Read).unwrap();
        let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len).unwrap()];
        let read = file.read_at(0, &mut bytes).unwrap();
        assert_eq!(read, bytes.len());
        bytes
    }

    /// Changes one byte behind the engine's back, durably.
    pub(crate) fn flip(&self, name: &str, at: u64, bit: u8) {
        let file = self.disk.open(name, SimOpen::ReadWrite).unwrap();
        let mut byte = [0];
        assert_eq!(file.read_at(at, &mut byte).unwrap(), 1);
        file.write_at(at, &[byte[0] ^ bit]).unwrap();
        file.sync().unwrap();
    }
}

/// So that no two openings count revisions alike.
fn rand() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1 << 32, Ordering::Relaxed)
}

#[derive(Debug)]
pub(crate) struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(crate) struct Counted {
    file: SimFile,
    disk: Disk,
    /// What was cut off since it was opened.
    kept: AtomicU64,
    _held: Option<Held>,
}

fn failed(error: io::Error) -> Error {
    Error::from_io(error, Operation::OpenLocation)
}

impl Counted {
    /// Takes the space for that length.
    fn grow(&self, len: u64) -> Result<()> {
        let quota = self.disk.quota.load(Ordering::Relaxed);
        let more = len.saturating_sub(self.len()?);
        let own = more.min(self.kept.load(Ordering::Relaxed));
        if quota != u64::MAX && more > own && self.disk.counted() + (more - own) > quota {
            return Err(Error::new(ErrorKind::NoSpace, Operation::Write));
        }
        self.keep(own.wrapping_neg());
        Ok(())
    }

    /// Counts what is kept anew, by this more.
    fn keep(&self, more: u64) {
        if let Some(all) = &self.disk.kept {
            self.kept.fetch_add(more, Ordering::Relaxed);
            all.fetch_add(more, Ordering::Relaxed);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.keep(self.kept.load(Ordering::Relaxed).wrapping_neg());
    }
}

impl RawFile for Counted {
    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.file.read_at(offset + filled as u64, &mut buf[filled..]).map_err(failed)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.grow(offset + data.len() as u64)?;
        let mut at = 0;
        while at < data.len() {
            at += self.file.write_at(offset + at as u64, &data[at..]).map_err(failed)?;
        }
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(failed)?.len)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let cut = self.len()?.saturating_sub(len);
        self.grow(len)?;
        self.file.set_len(len).map_err(failed)?;
        self.keep(cut);
        Ok(())
    }

    fn keeps_space(&self) -> bool {
        self.kept.load(Ordering::Relaxed) > 0
    }

    fn flush(&self) -> Result<()> {
        if self.disk.switch.failing.load(Ordering::Relaxed) {
            self.disk.switch.failed.fetch_add(1, Ordering::Relaxed);
            return Err(Error::new(ErrorKind::Io, Operation::Sync).with_text("this flush was made to fail"));
        }
        self.file.sync().map_err(failed)
    }
}

impl FlushFaults for Switch {
    fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

/// Opens, and closes.
pub(crate) fn closed(disk: &Disk) {
    futures_lite::future::block_on(disk.open().unwrap().close()).unwrap();
}

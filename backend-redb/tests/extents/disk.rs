//! A file of the simulated disk, with a quota that counts lengths, as those of browsers do.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anystorage_api::{Durability, Error, ErrorKind, Operation, Result, Timestamp};
use anystorage_conformance::simdisk::{SimDisk, SimFile, SimOpen};
use anystorage_conformance::subject::FlushFaults;
use anystorage_kv::KvOptions;
use anystorage_redb::{ExtentFile, RedbBackend, RedbOptions, StoreFile};

const NAME: &str = "packed";

/// A disk with a place for one location.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) disk: SimDisk,
    /// As a Web Lock, it goes with its holder.
    held: Arc<AtomicBool>,
    /// In bytes.
    pub(crate) quota: Arc<AtomicU64>,
    pub(crate) switch: Switch,
    pub(crate) options: RedbOptions,
    /// In bytes, how much of what is written waits for a flush.
    waiting: usize,
    pub(crate) blocks: Blocks,
}

/// The blocks of a disk that have something: holes of a file have none, and where the disk has no more what is written there is refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    taken: Arc<Mutex<BTreeSet<u64>>>,
    /// How many more there are, where that is known.
    left: Arc<Mutex<Option<u64>>>,
}

impl Blocks {
    const BYTES: u64 = 4096;

    pub(crate) fn leave(&self, blocks: Option<u64>) {
        *self.left.lock().unwrap() = blocks;
    }

    fn take(&self, offset: u64, len: u64) -> io::Result<()> {
        let (mut taken, mut left) = (self.taken.lock().unwrap(), self.left.lock().unwrap());
        for block in offset / Self::BYTES..(offset + len).div_ceil(Self::BYTES) {
            if taken.contains(&block) {
                continue;
            }
            if let Some(left) = &mut *left {
                *left = left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            }
            taken.insert(block);
        }
        Ok(())
    }

    fn cut(&self, len: u64) {
        let given_back = self.taken.lock().unwrap().split_off(&len.div_ceil(Self::BYTES));
        if let Some(left) = &mut *self.left.lock().unwrap() {
            *left += given_back.len() as u64;
        }
    }
}

/// Counts flushes, and makes them fail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch {
    failing: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
    flushes: Arc<AtomicU64>,
}

impl Switch {
    /// How many were asked for.
    pub(crate) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Relaxed)
    }
}

impl Disk {
    /// With an empty file, which is there durably.
    pub(crate) fn new(options: RedbOptions) -> Self {
        let disk = SimDisk::new();
        drop(disk.open(NAME, SimOpen::CreateNew).unwrap());
        disk.sync_dir("").unwrap();
        Self::of(disk, options)
    }

    pub(crate) fn of(disk: SimDisk, options: RedbOptions) -> Self {
        Self {
            disk,
            held: Arc::default(),
            quota: Arc::new(AtomicU64::new(u64::MAX)),
            switch: Switch::default(),
            options,
            waiting: 4 << 20,
            blocks: Blocks::default(),
        }
    }

    pub(crate) fn waiting(self, waiting: usize) -> Self {
        Self { waiting, ..self }
    }

    pub(crate) fn with_switch(&self, switch: Switch) -> Self {
        Self { switch, ..self.clone() }
    }

    pub(crate) fn open(&self) -> Result<RedbBackend> {
        let clock = || Some(Timestamp::new(1_700_000_000, 5));
        let host = KvOptions::new().durability(Durability::Process).usage(false).clock(clock);
        anystorage_redb::open(self.file()?, NAME, &self.options, host)
    }

    pub(crate) fn file(&self) -> Result<ExtentFile<Counted>> {
        if self.held.swap(true, Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Locked, Operation::OpenLocation));
        }
        let file = self.disk.open(NAME, SimOpen::ReadWrite);
        let held = Mutex::new(Some(Arc::clone(&self.held)));
        let counted = file.map(|file| Counted {
            file,
            held,
            quota: Arc::clone(&self.quota),
            switch: self.switch.clone(),
            blocks: self.blocks.clone(),
        });
        counted
            .and_then(|file| ExtentFile::over_with_waiting(file, self.waiting))
            .map_err(|error| Error::from_io(error, Operation::OpenLocation))
    }

    /// What the quota counts.
    pub(crate) fn counted(&self) -> u64 {
        self.disk.metadata(NAME).unwrap().len
    }
}

#[derive(Debug)]
pub(crate) struct Counted {
    file: SimFile,
    /// The lock, until it is given back.
    held: Mutex<Option<Arc<AtomicBool>>>,
    quota: Arc<AtomicU64>,
    switch: Switch,
    blocks: Blocks,
}

impl Counted {
    fn check(&self, len: u64) -> io::Result<()> {
        if len > self.len()? && len > self.quota.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        Ok(())
    }
}

impl StoreFile for Counted {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let wanted = out.len();
        let read = self.file.read_at(offset, out)?;
        if read == wanted { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check(offset + data.len() as u64)?;
        self.blocks.take(offset, data.len() as u64)?;
        let mut at = 0;
        while at < data.len() {
            at += self.file.write_at(offset + at as u64, &data[at..])?;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check(len)?;
        self.blocks.cut(len);
        self.file.set_len(len)
    }

    fn flush(&self) -> io::Result<()> {
        self.switch.flushes.fetch_add(1, Ordering::Relaxed);
        if self.switch.failing.load(Ordering::Relaxed) {
            self.switch.failed.fetch_add(1, Ordering::Relaxed);
            return Err(io::Error::other("this flush was made to fail"));
        }
        self.file.sync()
    }

    fn free(&self) -> io::Result<u64> {
        Ok(self.quota.load(Ordering::Relaxed).saturating_sub(self.len()?))
    }

    fn give_free(&self) {
        if let Some(held) = self.held.lock().unwrap().take() {
            held.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.give_free();
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

use std::collections::BTreeMap;
use std::fmt;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use super::medium::{Fault, SimCommit};
use crate::store::{Batch, Commit, MAX_KEY_LEN};

pub(super) type Relax = Box<dyn Fn(&SimCommit, &Batch) -> bool + Send + Sync>;
pub(super) type Fail = Box<dyn Fn(&SimCommit, &Batch) -> Option<Fault> + Send + Sync>;

/// Records, and the bytes of their keys and values.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    pub(super) map: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) bytes: u64,
}

impl Records {
    pub(super) fn set(&mut self, key: &[u8], value: Option<&[u8]>) {
        let len = |value: &[u8]| (key.len() + value.len()) as u64;
        let old = match value {
            Some(value) => {
                self.bytes += len(value);
                self.map.insert(key.to_vec(), value.to_vec())
            }
            None => self.map.remove(key),
        };
        self.bytes -= old.as_deref().map_or(0, len);
    }

    pub(super) fn apply(&mut self, batch: &Batch) {
        for (key, value) in batch.iter() {
            self.set(key, value);
        }
    }

    /// How many bytes there would be after `batch`.
    fn bytes_after(&self, batch: &Batch) -> u64 {
        let last: BTreeMap<&[u8], Option<&[u8]>> = batch.iter().collect();
        last.into_iter().fold(self.bytes, |bytes, (key, value)| {
            let len = |value: &[u8]| (key.len() + value.len()) as u64;
            bytes + value.map_or(0, len) - self.map.get(key).map_or(0, |old| len(old))
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    On,
    OffBefore(usize),
    Off,
}

pub(super) struct State {
    pub(super) durable: Records,
    /// As readers see it.
    pub(super) current: Records,
    /// Since the last durable commit.
    pub(super) relaxed: Vec<Batch>,
    /// The commit before which the power went off, or of which nobody knows whether it was made.
    pub(super) under_way: Option<(Batch, Commit)>,
    pub(super) log: Vec<SimCommit>,
    pub(super) gets: u64,
    pub(super) scans: u64,
    /// Entries that they brought.
    pub(super) scanned: u64,
    pub(super) power: Power,
    pub(super) relax: Option<Relax>,
    pub(super) fail: Option<Fail>,
    pub(super) limit: u64,
    pub(super) waiting: bool,
    pub(super) held: bool,
    pub(super) committing: bool,
}

impl State {
    pub(super) fn new(durable: Records, limit: u64) -> Self {
        Self {
            current: durable.clone(),
            durable,
            relaxed: Vec::new(),
            under_way: None,
            log: Vec::new(),
            gets: 0,
            scans: 0,
            scanned: 0,
            power: Power::On,
            relax: None,
            fail: None,
            limit,
            waiting: false,
            held: false,
            committing: false,
        }
    }

    pub(super) fn on(&self) -> Result<()> {
        if self.power == Power::Off { Err(failure("the power is off")) } else { Ok(()) }
    }

    pub(super) fn commit(&mut self, batch: Batch, asked: Commit) -> Result<()> {
        self.on()?;
        check(&batch)?;
        let commit = SimCommit { number: self.log.len(), durability: asked, changes: batch.len(), bytes: batch.bytes() };
        let relaxed = self.relax.as_ref().is_some_and(|rule| rule(&commit, &batch));
        let durability = if relaxed { Commit::Relaxed } else { asked };
        if self.power == Power::OffBefore(commit.number) {
            self.power = Power::Off;
            self.under_way = Some((batch, durability));
            return Err(failure("the power is off"));
        }
        let fault = self.fail.as_ref().and_then(|rule| rule(&commit, &batch));
        let after = self.current.bytes_after(&batch);
        if fault == Some(Fault::NoSpace) || (after > self.limit && after > self.current.bytes) {
            return Err(Error::new(ErrorKind::NoSpace, Operation::Sync).with_text(format!("{after} bytes would be stored")));
        }
        match fault {
            Some(Fault::Lost) => {
                self.under_way = Some((batch, durability));
                return Err(failure("a commit failed on demand"));
            }
            Some(Fault::Made) => {
                self.current.apply(&batch);
                match durability {
                    Commit::Relaxed => self.relaxed.push(batch),
                    Commit::Durable => self.under_way = Some((batch, durability)),
                }
                return Err(failure("a commit failed on demand"));
            }
            Some(Fault::NoSpace) | None => {}
        }
        self.current.apply(&batch);
        self.relaxed.push(batch);
        if durability == Commit::Durable {
            for batch in self.relaxed.drain(..) {
                self.durable.apply(&batch);
            }
        }
        self.log.push(commit);
        Ok(())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("records", &self.current.map.len())
            .field("commits", &self.log.len())
            .field("relaxed", &self.relaxed.len())
            .field("power", &self.power)
            .finish_non_exhaustive()
    }
}

/// What [`KvStore`](crate::KvStore) promises of keys and values.
fn check(batch: &Batch) -> Result<()> {
    for (key, value) in batch.iter() {
        if key.is_empty() || key.len() > MAX_KEY_LEN || value.is_some_and(<[u8]>::is_empty) {
            let text = format!("no key may have {} bytes, and no value none", key.len());
            return Err(Error::new(ErrorKind::InvalidInput, Operation::Sync).with_text(text));
        }
    }
    Ok(())
}

fn failure(text: &str) -> Error {
    Error::new(ErrorKind::Io, Operation::Sync).with_text(text)
}

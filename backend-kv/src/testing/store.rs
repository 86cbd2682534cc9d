use std::future::poll_fn;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use anystorage_api::{Error, ErrorKind, Operation, Result, Usage, engine};

use super::medium::SimMedium;
use super::state::State;
use crate::store::{Batch, Commit, KvEntry, KvStore};

/// A store on a [`SimMedium`].
#[derive(Debug)]
pub struct SimStore {
    medium: SimMedium,
    closed: AtomicBool,
}

impl SimStore {
    pub(super) const fn new(medium: SimMedium) -> Self {
        Self { medium, closed: AtomicBool::new(false) }
    }

    /// What it is on.
    #[must_use]
    pub const fn medium(&self) -> &SimMedium {
        &self.medium
    }

    async fn wait(&self) {
        let mut waited = !self.medium.state().waiting;
        poll_fn(|context| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn state(&self, operation: Operation) -> Result<MutexGuard<'_, State>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, operation));
        }
        let state = self.medium.state();
        state.on()?;
        Ok(state)
    }

    fn release(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.medium.state().held = false;
        }
    }
}

#[engine]
impl KvStore for SimStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.wait().await;
        let mut state = self.state(Operation::Read)?;
        state.gets += 1;
        Ok(state.current.map.get(key).cloned())
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        self.wait().await;
        let mut state = self.state(Operation::Read)?;
        state.scans += 1;
        let (from, to) = (from.to_vec(), to.to_vec());
        if from >= to {
            return Ok(Vec::new());
        }
        let found: Vec<KvEntry> = state.current.map.range(from..to).take(limit).map(|(key, value)| (key.clone(), value.clone())).collect();
        state.scanned += found.len() as u64;
        Ok(found)
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        if std::mem::replace(&mut self.state(Operation::Sync)?.committing, true) {
            let text = "two commits are under way at the same time";
            return Err(Error::new(ErrorKind::InvalidInput, Operation::Sync).with_text(text));
        }
        let _committing = Committing(&self.medium);
        self.wait().await;
        self.state(Operation::Sync)?.commit(batch, durability)
    }

    async fn size(&self) -> Result<Usage> {
        self.wait().await;
        let state = self.state(Operation::Usage)?;
        let quota = (state.limit != u64::MAX).then_some(state.limit);
        let used = state.current.bytes;
        Ok(Usage::new(Some(used), quota, quota.map(|quota| quota.saturating_sub(used))))
    }

    async fn close(&self) -> Result<()> {
        self.wait().await;
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, Operation::Close));
        }
        self.release();
        Ok(())
    }
}

impl Drop for SimStore {
    fn drop(&mut self) {
        self.release();
    }
}

/// A commit under way, until it ends or is dropped.
struct Committing<'a>(&'a SimMedium);

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        self.0.state().committing = false;
    }
}

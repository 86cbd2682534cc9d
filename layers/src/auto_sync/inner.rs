//! What an `AutoSync`, its files and its clock share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, Result, StorageBackend};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use anystorage_api::{ErrorKind, Operation};

use super::ledger::{Ledger, Mark};
use super::options::AutoSyncOptions;
use crate::mirror::host::uptime;

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) engine: Box<dyn StorageBackend>,
    pub(super) options: AutoSyncOptions,
    /// Whether changes are counted as they are asked for; a mirror tells of them, by whatever way they come.
    counts: bool,
    state: Mutex<State>,
    /// Something changed, or it is over.
    pub(super) news: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) ledger: Ledger,
    pub(super) is_over: bool,
    pub(super) last_error: Option<Error>,
    /// Whether something waits for the time of the next sync.
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    pub(super) is_armed: bool,
}

impl Inner {
    pub(super) fn new(engine: Box<dyn StorageBackend>, options: AutoSyncOptions, counts: bool) -> Self {
        Self { engine, options, counts, state: Mutex::default(), news: Condvar::new() }
    }

    // Nothing panics under it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was changed, or may have been.
    pub(super) fn changed(self: &Arc<Self>, bytes: u64) {
        self.count(|_| bytes);
    }

    fn count(self: &Arc<Self>, bytes: impl FnOnce(&Ledger) -> u64) -> Mark {
        let mut state = self.lock();
        let bytes = bytes(&state.ledger);
        state.ledger.change(bytes, uptime());
        let mark = state.ledger.mark();
        drop(state);
        self.news.notify_all();
        super::clock::arm(self);
        mark
    }

    /// Does what changes so many bytes. It is counted before, so that it counts although its future may be dropped, and has happened
    /// afterwards, so that a sync in between is not taken to cover it.
    pub(super) async fn changing<T>(self: &Arc<Self>, bytes: u64, call: impl Future<Output = Result<T>>) -> Result<T> {
        if !self.counts {
            return call.await;
        }
        let before = self.count(|_| bytes);
        let outcome = call.await;
        self.count(|ledger| if ledger.has_covered(before) { bytes } else { 0 });
        outcome
    }

    /// From now on nothing is synced by itself.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.news.notify_all();
    }

    /// Syncs, and keeps the books.
    pub(super) async fn sync(&self) -> Result<()> {
        let (mark, began) = (self.lock().ledger.mark(), uptime());
        let outcome = self.engine.sync().await;
        let mut state = self.lock();
        match &outcome {
            Ok(()) => {
                state.ledger.succeeded(mark, began);
                state.last_error = None;
            }
            Err(error) => {
                state.ledger.failed(uptime());
                state.last_error = Some(error.clone());
            }
        }
        outcome
    }

    /// A sync ended by a panic of the engine.
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    pub(super) fn panicked(&self) {
        let error = Error::new(ErrorKind::Io, Operation::Sync).with_text("the engine panicked in a sync");
        let mut state = self.lock();
        state.ledger.failed(uptime());
        state.last_error = Some(error);
    }

    /// Syncs because it is time to.
    pub(super) async fn sync_by_itself(&self) {
        if self.lock().ledger.is_synced() {
            return;
        }
        if let (Err(error), Some(told)) = (self.sync().await, &self.options.on_failure) {
            // Whoever is told is not to end what syncs; that it panicked is told by the panic itself.
            let _ = catch_unwind(AssertUnwindSafe(|| told(&error)));
        }
    }
}

//! A thread that waits for the time of the next sync.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

use anystorage_api::{Error, Operation, Result};
use futures_lite::future::block_on;

use super::super::inner::Inner;
use crate::mirror::host::uptime;

#[derive(Debug)]
pub(in super::super) struct Clock {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    pub(in super::super) fn start(inner: &Arc<Inner>) -> Result<Self> {
        let thread = if inner.options.interval.is_some() || inner.options.quiet.is_some() {
            let inner = Arc::clone(inner);
            let started = thread::Builder::new().name("anystorage-auto-sync".to_owned()).spawn(move || run(&inner));
            Some(started.map_err(|error| Error::from_io(error, Operation::OpenLocation))?)
        } else {
            None
        };
        Ok(Self { inner: Arc::clone(inner), thread })
    }
}

impl Drop for Clock {
    /// Waits for a sync that is under way.
    fn drop(&mut self) {
        self.inner.end();
        // Told of a failure, its own thread may drop it.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

/// The thread is woken by the change itself.
pub(in super::super) const fn arm(_: &Arc<Inner>) {}

fn run(inner: &Arc<Inner>) {
    let mut state = inner.lock();
    while !state.is_over {
        state = match state.ledger.due_in(&inner.options, uptime()) {
            None => inner.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(time) if !time.is_zero() => inner.news.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
            Some(_) => {
                drop(state);
                if catch_unwind(AssertUnwindSafe(|| block_on(inner.sync_by_itself()))).is_err() {
                    inner.panicked();
                }
                inner.lock()
            }
        };
    }
}

//! Calls on the threads of the `blocking` crate, in the order of the queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};

use super::claims::Claims;
use super::lanes::{LaneId, Lanes};
use super::queue::{Queue, Start};

/// The calls of one backend.
#[derive(Debug, Default)]
pub(super) struct Pool {
    queue: Mutex<Queue>,
}

impl Pool {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Runs `work` when its turn comes, then `settle` before the turn of any call behind it, and returns what that returns.
    ///
    /// Nothing happens before the first poll; after it both run, whatever becomes of this future.
    pub(super) async fn run<T, U, W, S>(
        self: &Arc<Self>,
        operation: Operation,
        path: &StoragePath,
        claims: Claims,
        work: W,
        settle: S,
    ) -> Result<U>
    where
        T: Send + 'static,
        U: Send + 'static,
        W: FnOnce() -> Result<T> + Send + 'static,
        S: FnOnce(Result<T>, &mut Lanes) -> Result<U> + Send + 'static,
    {
        let broken = Error::new(ErrorKind::Io, operation).with_path(path);
        let (sender, receiver) = async_channel::bounded(1);
        let pool = Arc::clone(self);
        let panicked = broken.clone();
        let call = move |id| {
            let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
                let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
                Err(panicked.with_text(format!("the engine panicked: {}", said.unwrap_or("without a word"))))
            });
            let settled = settle(outcome, &mut pool.lock().lanes);
            // Where the future was dropped nobody listens, and an open file is closed here: that is the engine's code again, and still
            // part of the call.
            let _ = catch_unwind(AssertUnwindSafe(move || drop(sender.try_send(settled))));
            let starts = pool.lock().finish(id);
            starts.into_iter().for_each(spawn);
        };
        let start = self.lock().submit(claims, Box::new(call));
        start.into_iter().for_each(spawn);
        receiver.recv().await.unwrap_or_else(|_| Err(broken.with_text("the thread that ran the call is gone")))
    }

    /// A handle less on a lane.
    pub(super) fn leave(&self, lane: LaneId) {
        self.lock().lanes.leave(lane);
    }

    // Nothing of the engine runs under this lock, and nothing that panics.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn(start: Start) {
    blocking::unblock(move || start.run()).detach();
}

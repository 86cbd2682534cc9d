//! Calls on the threads of the `blocking` crate, in the order of the queue.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};

use super::claims::Claims;
use super::lanes::LaneId;
use super::queue::{Queue, Start};

thread_local! {
    /// Whether this thread is one of the pool, at work on a call.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// The calls of one backend.
#[derive(Debug)]
pub(super) struct Pool {
    queue: Mutex<Queue>,
    /// A file that was dropped is gone.
    released: Condvar,
}

impl Pool {
    /// For a backend, the first owner.
    pub(super) fn new() -> Self {
        Self { queue: Mutex::new(Queue::with_one_owner()), released: Condvar::new() }
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
        S: FnOnce(Result<T>, &mut Queue) -> Result<U> + Send + 'static,
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
            let settled = settle(outcome, &mut pool.lock());
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

    /// An owner less, which leaves `held` to be dropped: on the pool, or here if it was the last owner, and then behind all that others left.
    pub(super) fn release<T: Send + 'static>(self: &Arc<Self>, held: Option<T>) {
        let mut queue = self.lock();
        queue.owners = queue.owners.saturating_sub(1);
        // A thread of the pool may do the work, and must not wait for the pool: it may be the only thread there is.
        if AT_WORK.get() {
            drop(queue);
            return drop(held);
        }
        if queue.owners == 0 {
            let waited = self.released.wait_while(queue, |queue| queue.is_releasing());
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            return drop(held);
        }
        let Some(held) = held else {
            return;
        };
        let pool = Arc::clone(self);
        let call = move |id| {
            // A drop has nobody to tell of a panic.
            let _ = catch_unwind(AssertUnwindSafe(move || drop(held)));
            let starts = pool.lock().finish(id);
            pool.released.notify_all();
            starts.into_iter().for_each(spawn);
        };
        let start = queue.submit(Claims::Release, Box::new(call));
        drop(queue);
        start.into_iter().for_each(spawn);
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
    let work = move || {
        AT_WORK.set(true);
        start.run();
        AT_WORK.set(false);
    };
    blocking::unblock(work).detach();
}

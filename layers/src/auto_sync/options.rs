//! When it syncs, and whom it tells.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anystorage_api::{Error, MaybeSend, MaybeSync};

cfg_if::cfg_if! {
    if #[cfg(all(target_family = "wasm", target_os = "unknown"))] {
        type OnFailure = Arc<dyn Fn(&Error)>;
    } else {
        type OnFailure = Arc<dyn Fn(&Error) + Send + Sync>;
    }
}

/// When an [`AutoSync`](super::AutoSync) syncs. Without either time, on page hide and on close alone.
#[derive(Clone, Default)]
#[must_use]
pub struct AutoSyncOptions {
    pub(super) interval: Option<Duration>,
    pub(super) quiet: Option<Duration>,
    pub(super) on_failure: Option<OnFailure>,
}

impl AutoSyncOptions {
    /// No times.
    pub const fn new() -> Self {
        Self { interval: None, quiet: None, on_failure: None }
    }

    /// A sync so long after the first change that none has covered, however many follow it.
    pub const fn interval(mut self, time: Duration) -> Self {
        self.interval = Some(time);
        self
    }

    /// A sync when nothing has changed for so long.
    pub const fn quiet(mut self, time: Duration) -> Self {
        self.quiet = Some(time);
        self
    }

    /// Whom to tell when a sync that nobody asked for has failed. Should it panic, natively, syncs go on all the same.
    pub fn on_failure(mut self, told: impl Fn(&Error) + MaybeSend + MaybeSync + 'static) -> Self {
        self.on_failure = Some(Arc::new(told));
        self
    }
}

impl fmt::Debug for AutoSyncOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoSyncOptions").field("interval", &self.interval).field("quiet", &self.quiet).finish_non_exhaustive()
    }
}

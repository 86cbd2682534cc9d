//! What differs between browsers and everything else.

use std::future::Future;
use std::pin::pin;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use std::time::Instant;

use anystorage_api::{Detached, Error, ErrorKind, Operation, Result, Timestamp};

cfg_if::cfg_if! {
    if #[cfg(all(target_family = "wasm", target_os = "unknown"))] {
        /// The time.
        pub(crate) fn now() -> Option<Timestamp> {
            anystorage_browser_host::global::now()
        }

        /// The time since some moment, for timers.
        pub(crate) fn uptime() -> Duration {
            let millis = now().map_or(0, Timestamp::unix_millis);
            Duration::from_millis(u64::try_from(millis).unwrap_or(0))
        }

        /// A number that nobody has had.
        pub(crate) fn random() -> u64 {
            anystorage_browser_host::global::random()
        }

        /// Leaves a future to whoever can run it.
        pub(crate) fn spawn(future: Detached) {
            anystorage_browser_host::task::spawn(future);
        }
    } else {
        /// The time.
        pub(crate) fn now() -> Option<Timestamp> {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(Timestamp::new(i64::try_from(since.as_secs()).ok()?, since.subsec_nanos()))
        }

        /// The time since some moment, for timers.
        pub(crate) fn uptime() -> Duration {
            static START: LazyLock<Instant> = LazyLock::new(Instant::now);
            START.elapsed()
        }

        /// A number that nobody has had.
        pub(crate) fn random() -> u64 {
            use std::hash::BuildHasher;
            std::hash::RandomState::new().hash_one(now())
        }

        /// Leaves a future to whoever can run it.
        pub(crate) fn spawn(future: Detached) {
            blocking::unblock(move || futures_lite::future::block_on(future)).detach();
        }
    }
}

/// The outcome of a call of an immediate engine.
pub(super) fn at_once<T>(operation: Operation, call: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => {
            let why = "the engine below the mirror calls itself immediate, and was not ready when first polled";
            Err(Error::new(ErrorKind::WouldBlock, operation).with_text(why))
        }
    }
}

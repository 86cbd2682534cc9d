//! What differs between browsers and everything else.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anystorage_api::{Detached, Error, ErrorKind, Operation, Result, Timestamp};

cfg_if::cfg_if! {
    if #[cfg(all(target_family = "wasm", target_os = "unknown"))] {
        /// The time.
        pub(crate) fn now() -> Option<Timestamp> {
            anystorage_browser_host::global::now()
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

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::MaybeSend;

cfg_if::cfg_if! {
    if #[cfg(all(target_family = "wasm", target_os = "unknown"))] {
        /// What is left of a call that nobody waits for any more; `Send`, except on `wasm32-unknown-unknown`.
        pub type Detached = Pin<Box<dyn Future<Output = ()>>>;
        type Call<T> = Pin<Box<dyn Future<Output = T>>>;
    } else {
        /// What is left of a call that nobody waits for any more; `Send`, except on `wasm32-unknown-unknown`.
        pub type Detached = Pin<Box<dyn Future<Output = ()> + Send>>;
        type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;
    }
}

/// A call that runs to its end once it was polled, as contract line 6 asks: if it is dropped before its end, an executor gets the rest.
///
/// It is for engines whose calls wait for their host. The call has to own what it works on. One that was never polled does nothing. What
/// keeps calls in order is up to the engine, since the rest of a dropped call is polled later than whoever comes next.
///
/// ```
/// use anystorage_api::RunToEnd;
/// use futures_lite::future;
///
/// let (done, is_done) = std::sync::mpsc::channel();
/// let call = RunToEnd::new(
///     |rest| drop(std::thread::spawn(move || future::block_on(rest))), // spawn_local in a browser
///     async move {
///         future::yield_now().await;
///         done.send("done").unwrap();
///     },
/// );
/// assert!(future::block_on(future::poll_once(call)).is_none()); // polled once, and dropped
/// assert_eq!(is_done.recv(), Ok("done"));
/// ```
pub struct RunToEnd<T: 'static> {
    call: Option<Call<T>>,
    polled: bool,
    spawn: fn(Detached),
}

impl<T: 'static> RunToEnd<T> {
    /// `call`, with the rest of it given to `spawn` where it is dropped.
    pub fn new(spawn: fn(Detached), call: impl Future<Output = T> + MaybeSend + 'static) -> Self {
        Self { call: Some(Box::pin(call)), polled: false, spawn }
    }
}

impl<T: 'static> Future for RunToEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.polled = true;
        let Some(call) = &mut self.call else { return Poll::Pending };
        let polled = call.as_mut().poll(context);
        if polled.is_ready() {
            self.call = None;
        }
        polled
    }
}

impl<T: 'static> Drop for RunToEnd<T> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take_if(|_| self.polled) {
            (self.spawn)(Box::pin(async move { drop(call.await) }));
        }
    }
}

impl<T: 'static> fmt::Debug for RunToEnd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunToEnd").field("polled", &self.polled).field("ended", &self.call.is_none()).finish_non_exhaustive()
    }
}

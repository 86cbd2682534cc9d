//! The server: calls that come in, made on the engine.

mod answers;
mod calls;
mod files;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;

use anystorage_api::{Error, ErrorKind, Operation, StorageBackend};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use answers::failed;
use calls::{Engine, answered};
use files::Files;

use crate::protocol::{GOODBYE, number_of};
use crate::transport::Line;

/// An engine for a client that is somewhere else.
///
/// Several servers may have one engine: give each an `Arc` of it.
#[derive(Debug)]
pub struct Server {
    engine: Box<dyn StorageBackend>,
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
type Running = Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
type Running = Pin<Box<dyn Future<Output = Vec<u8>>>>;

impl Server {
    /// Serves `engine`, which may be a `Box` or an `Arc` of one too.
    pub fn new(engine: impl StorageBackend) -> Self {
        Self { engine: Box::new(engine) }
    }

    /// Answers until the client has gone, and ends when all that it asked for is done: then its files are closed, and the engine is let go.
    ///
    /// Each call is made on the engine when it comes, before the next one is looked at; so calls are in the order in which they came, as far
    /// as the engine keeps it (contract line 6). They then go on side by side.
    ///
    /// A frame that makes no sense is answered with [`InvalidInput`](ErrorKind::InvalidInput); where not even its number can be read, that is
    /// the end of the connection.
    pub async fn serve(self, mut line: impl Line) {
        let engine = Arc::new(Engine { backend: self.engine, files: Files::default(), greeted: AtomicBool::new(false) });
        let mut running: FuturesUnordered<Running> = FuturesUnordered::new();
        loop {
            let received = poll_fn(|context| {
                while let Poll::Ready(Some(answer)) = running.poll_next_unpin(context) {
                    line.answer(answer);
                }
                line.poll_receive(context)
            });
            let Some(frame) = received.await else { break };
            let Some(number) = number_of(&frame).filter(|number| *number != GOODBYE) else {
                let text = "what the client said makes no sense";
                line.answer(failed(GOODBYE, &Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_text(text)));
                break;
            };
            let mut call: Running = Box::pin(answered(Arc::clone(&engine), frame, number));
            // Polled before the next one is looked at: that is what puts them into order.
            let mut first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
            match Pin::new(&mut first).await {
                Poll::Ready(answer) => line.answer(answer),
                Poll::Pending => running.push(call),
            }
        }
        while let Some(answer) = running.next().await {
            line.answer(answer);
        }
        // Before the client is told that there is nobody any more.
        drop(running);
        drop(engine);
        drop(line);
    }
}

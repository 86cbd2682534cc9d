//! What runs in the worker: redb over the handle, asked by messages.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_kv::{Batch, Commit, KvStore};
use anystorage_redb::{ExtentFile, RedbMode, RedbOptions, RedbStore};
use serde_bytes::ByteBuf;
use wasm_bindgen::prelude::wasm_bindgen;

use super::calls::{Offered, tell_of_panics};
use super::protocol::{Failure, Reply, Request};
use crate::faults::FlushFaults;
use crate::handle::Handle;
use crate::packed::handle_file::HandleFile;
use crate::packed::not_opened;

thread_local! {
    static SERVED: RefCell<Served> = RefCell::default();
}

/// One location.
#[derive(Debug, Default)]
struct Served {
    /// A request, then the reply to it.
    message: Vec<u8>,
    store: Option<RedbStore>,
    faults: FlushFaults,
}

/// For the script of the engine's worker: makes room for a message of `len` bytes, or keeps the one that has as many, and says where it is.
#[doc(hidden)]
#[wasm_bindgen(js_name = anystorageopfsroom, skip_typescript)]
#[expect(unreachable_pub, reason = "exported to JavaScript")]
pub fn room(len: usize) -> usize {
    SERVED.with_borrow_mut(|served| {
        served.message.resize(len, 0);
        served.message.as_mut_ptr() as usize
    })
}

/// For the script of the engine's worker: does what the message asks for, puts the reply into its place, and says how many bytes that has.
#[doc(hidden)]
#[wasm_bindgen(js_name = anystorageopfsserve, skip_typescript)]
#[expect(unreachable_pub, reason = "exported to JavaScript")]
pub fn serve() -> usize {
    SERVED.with_borrow_mut(|served| {
        let message = std::mem::take(&mut served.message);
        let failed_before = served.faults.failed();
        let answered = Request::decode(&message).and_then(|request| served.answer(&request));
        let reply = answered.unwrap_or_else(|error| Reply::Failed(Failure::new(&error, served.faults.failed() - failed_before)));
        // No bytes are no reply, and the page says so.
        served.message = reply.encode().unwrap_or_default();
        served.message.len()
    })
}

impl Served {
    fn answer(&mut self, request: &Request<'_>) -> Result<Reply> {
        let store = || self.store.as_ref().ok_or_else(|| Error::new(ErrorKind::Closed, Operation::Read));
        match request {
            Request::Open { title, creates, cache_bytes, relaxed_bytes, free } => {
                // This instance of the module is the worker's own.
                tell_of_panics();
                let mode = if *creates { RedbMode::ReadWriteCreate } else { RedbMode::ReadWrite };
                let options = RedbOptions::new().mode(mode).cache_bytes(*cache_bytes).relaxed_bytes(*relaxed_bytes);
                let file = HandleFile::new(Handle::new(Offered, self.faults.clone()), (), *free);
                let file = ExtentFile::over(file).map_err(|error| not_opened(title, error))?;
                self.store = Some(RedbStore::open(file, title, &options)?);
                Ok(Reply::Done)
            }
            Request::Get { key } => Ok(Reply::Found(at_once(store()?.get(key))?.map(ByteBuf::from))),
            Request::GetLocated { key } => {
                let found = at_once(store()?.get_located(key))?;
                Ok(Reply::Located(found.map(|(value, at)| (ByteBuf::from(value), at))))
            }
            Request::Scan { from, to, limit } => {
                let found = at_once(store()?.scan(from, to, *limit))?;
                Ok(Reply::Entries(found.into_iter().map(|(key, value)| (ByteBuf::from(key), ByteBuf::from(value))).collect()))
            }
            Request::Commit { changes, durable, failing } => {
                self.faults.set_failing(*failing);
                let mut batch = Batch::new();
                for (key, value) in changes {
                    batch.push(key.to_vec(), value.map(|value| value.to_vec()));
                }
                at_once(store()?.commit(batch, if *durable { Commit::Durable } else { Commit::Relaxed }))?;
                Ok(Reply::Done)
            }
            Request::Close => {
                at_once(store()?.close())?;
                Ok(Reply::Done)
            }
        }
    }
}

/// Every call of this store is ready when first polled.
fn at_once<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => Err(Error::new(ErrorKind::WouldBlock, Operation::Read)),
    }
}

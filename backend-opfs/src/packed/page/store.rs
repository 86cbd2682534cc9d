//! The page's end.

use std::cell::RefCell;
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result, Usage, engine};
use anystorage_browser_host::task::{run_to_end, spawn};
use anystorage_kv::{Batch, Commit, KvEntry, KvStore};
use serde_bytes::Bytes;

use super::protocol::{Reply, Request};
use crate::faults::FlushFaults;
use crate::hold::Hold;
use crate::host::{Plain, failed};
use crate::packed::PackedOptions;
use crate::worker::{Call, Last, Link, WorkerHandle};

/// A redb database in an OPFS file that a worker has open.
#[derive(Debug)]
pub(crate) struct WorkerStore {
    link: Rc<Link>,
    /// Closed by the worker, when it ends.
    handle: WorkerHandle,
    /// Given back when the worker is gone; none after that was begun.
    hold: RefCell<Option<Hold>>,
    faults: FlushFaults,
}

impl WorkerStore {
    /// Has a worker open the file. `free` are the bytes that the origin has free.
    pub(crate) async fn open(
        link: Rc<Link>,
        plain: &Plain,
        hold: Hold,
        title: &str,
        options: &PackedOptions,
        free: Option<u64>,
        faults: &FlushFaults,
    ) -> Result<Self> {
        let operation = Operation::OpenLocation;
        let handle = WorkerHandle::open(&link, plain, faults).await?;
        link.call(operation, Call::Module, [handle.id().into(), 0.0], Last::Object(&wasm_bindgen::module())).await?.map_err(
            |exception| {
                let text = "the engine's worker cannot use the module of this page";
                Error::new(ErrorKind::Unsupported, operation).with_text(text).with_cause(exception)
            },
        )?;
        // From here on the location is given back when the worker is gone, whatever happens.
        let store = Self { link, handle, hold: RefCell::new(Some(hold)), faults: faults.clone() };
        let redb = options.redb();
        let request = Request::Open {
            title: title.into(),
            creates: redb.creates(),
            cache_bytes: options.cached_in_worker(),
            relaxed_bytes: PackedOptions::RELAXED_BYTES,
            free,
        };
        store.ask(operation, &request).await?.done(operation)?;
        Ok(store)
    }

    fn ask(&self, operation: Operation, request: &Request<'_>) -> impl Future<Output = Result<Reply>> + use<> {
        let reply = request.encode().map(|request| self.link.call(operation, Call::Serve, [0.0; 2], Last::Bytes(&request)));
        let faults = self.faults.clone();
        async move {
            let (_, reply) = reply?.await?.map_err(failed(operation))?;
            match Reply::decode(&reply.to_vec())? {
                Reply::Failed(failure) => {
                    faults.count(failure.failed_flushes);
                    Err(failure.into_error(operation))
                }
                reply => Ok(reply),
            }
        }
    }

    fn check(&self, operation: Operation) -> Result<()> {
        match &*self.hold.borrow() {
            Some(_) => Ok(()),
            None => Err(Error::new(ErrorKind::Closed, operation)),
        }
    }

    /// Ends the worker, then gives the location back.
    fn shut(&self, hold: Hold) -> impl Future<Output = Result<()>> + use<> {
        let closed = self.ask(Operation::Close, &Request::Close);
        let link = Rc::clone(&self.link);
        async move {
            let closed = closed.await;
            link.shut().await;
            hold.release().await;
            closed.and_then(|reply| reply.done(Operation::Close))
        }
    }
}

#[engine]
impl KvStore for WorkerStore {
    const LOCATES: bool = true;

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let operation = Operation::Read;
        self.check(operation)?;
        match self.ask(operation, &Request::Get { key: Bytes::new(key) }).await? {
            Reply::Found(found) => Ok(found.map(serde_bytes::ByteBuf::into_vec)),
            other => Err(other.unexpected(operation)),
        }
    }

    async fn get_located(&self, key: &[u8]) -> Result<Option<(Vec<u8>, Option<u64>)>> {
        let operation = Operation::Read;
        self.check(operation)?;
        match self.ask(operation, &Request::GetLocated { key: Bytes::new(key) }).await? {
            Reply::Located(found) => Ok(found.map(|(value, at)| (value.into_vec(), at))),
            other => Err(other.unexpected(operation)),
        }
    }

    /// By the handle: redb is not asked for it.
    async fn read_located(&self, at: u64, out: &mut [u8]) -> bool {
        if self.check(Operation::Read).is_err() {
            return false;
        }
        let read = self.handle.read(at, out.len());
        // Why not is told by who is asked for all of it.
        read.await.is_ok_and(|read| read.copy_to(out) == out.len())
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        let operation = Operation::Read;
        self.check(operation)?;
        match self.ask(operation, &Request::Scan { from: Bytes::new(from), to: Bytes::new(to), limit }).await? {
            Reply::Entries(entries) => Ok(entries.into_iter().map(|(key, value)| (key.into_vec(), value.into_vec())).collect()),
            other => Err(other.unexpected(operation)),
        }
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        let operation = Operation::Sync;
        self.check(operation)?;
        let changes = batch.iter().map(|(key, value)| (Bytes::new(key), value.map(Bytes::new))).collect();
        let request = Request::Commit { changes, durable: durability == Commit::Durable, failing: self.faults.is_failing() };
        self.ask(operation, &request).await?.done(operation)
    }

    async fn size(&self) -> Result<Usage> {
        self.check(Operation::Usage)?;
        Ok(Usage::new(None, None, None))
    }

    async fn close(&self) -> Result<()> {
        self.check(Operation::Close)?;
        let hold = self.hold.borrow_mut().take();
        match hold {
            Some(hold) => run_to_end(self.shut(hold)).await,
            None => Err(Error::new(ErrorKind::Closed, Operation::Close)),
        }
    }
}

impl Drop for WorkerStore {
    fn drop(&mut self) {
        let hold = self.hold.borrow_mut().take();
        if let Some(hold) = hold {
            let shut = self.shut(hold);
            spawn(Box::pin(async move {
                // There is nobody to tell.
                let _ = shut.await;
            }));
        }
    }
}

impl Reply {
    fn done(self, operation: Operation) -> Result<()> {
        match self {
            Self::Done => Ok(()),
            other => Err(other.unexpected(operation)),
        }
    }

    fn unexpected(&self, operation: Operation) -> Error {
        Error::new(ErrorKind::Io, operation).with_text(format!("the engine's worker answered something else than asked: {self:?}"))
    }
}

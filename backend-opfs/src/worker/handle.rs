//! A synchronous access handle that the worker has.

use std::pin::Pin;
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::space::refined;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};

use super::link::Link;
use crate::faults::FlushFaults;
use crate::handle::{checked_write, not_lengthened};
use crate::host::{Plain, count, exact, failed, when_free};
use crate::open_file::Change;

/// A file that is open in the worker. Each call is sent when it is made, and done in that order, whatever becomes of its future. It is closed
/// when it is dropped, which does not flush.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    link: Rc<Link>,
    id: JsValue,
    faults: FlushFaults,
}

impl WorkerHandle {
    /// Opens a file. Nobody else can until this is closed or dropped.
    pub(crate) async fn open(link: &Rc<Link>, plain: &Plain, faults: &FlushFaults) -> Result<Self> {
        let operation = Operation::Open;
        let handle = Self { link: Rc::clone(link), id: link.next_id(), faults: faults.clone() };
        let opened = when_free(async || link.call(operation, "open", &[&handle.id, plain.as_js()]).await);
        match opened.await? {
            Ok(_) => Ok(handle),
            Err(exception) => Err(refined(exception).await.into_error(operation)),
        }
    }

    /// Its number, by which the script knows it.
    #[cfg(feature = "packed-page")]
    pub(crate) const fn id(&self) -> &JsValue {
        &self.id
    }

    /// Reads `len` bytes from `offset` on, or as many as there are.
    pub(crate) fn read(&self, offset: u64, len: usize) -> impl Future<Output = Result<Uint8Array>> + use<> {
        let operation = Operation::Read;
        let wanted = exact(offset, operation).and_then(|at| Ok((at, exact(len as u64, operation)?)));
        let read = wanted.map(|(at, len)| self.link.call(operation, "read", &[&self.id, &at.into(), &len.into()]));
        async move {
            let read = read?.await?.map_err(failed(operation))?.dyn_into::<Uint8Array>().ok();
            read.filter(|read| read.length() as usize <= len).ok_or_else(|| nonsense(operation))
        }
    }

    /// Makes a change.
    pub(crate) fn change(&self, change: Change, number: u64, data: &[u8]) -> Pin<Box<dyn Future<Output = Result<()>>>> {
        match change {
            Change::Write => Box::pin(self.write(number, data)),
            Change::SetLen => Box::pin(self.set_len(number)),
        }
    }

    /// Writes all of `data`.
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> impl Future<Output = Result<()>> + use<> {
        let operation = Operation::Write;
        let len = data.len();
        let at = exact(offset, operation);
        let written = at.map(|at| self.link.call_with(operation, "write", &[&self.id, &at.into()], Some(data)));
        async move {
            let written = written?.await?.map_err(failed(operation))?;
            checked_write(written.as_f64().ok_or_else(|| nonsense(operation))?, len)
        }
    }

    pub(crate) fn len(&self) -> impl Future<Output = Result<u64>> + use<> {
        let operation = Operation::Stat;
        let len = self.link.call(operation, "size", &[&self.id]);
        async move { count(len.await?.map_err(failed(operation))?.as_f64().ok_or_else(|| nonsense(operation))?, operation) }
    }

    pub(crate) fn set_len(&self, len: u64) -> impl Future<Output = Result<()>> + use<> {
        let operation = Operation::SetLen;
        let cut = exact(len, operation).map(|wanted| self.link.call(operation, "truncate", &[&self.id, &wanted.into()]));
        // Behind it, in the same message.
        let now = self.len();
        async move {
            match cut?.await? {
                Ok(_) => Ok(()),
                Err(exception) => Err(not_lengthened(len, now.await?, exception)),
            }
        }
    }

    pub(crate) fn flush(&self) -> impl Future<Output = Result<()>> + use<> {
        let operation = Operation::Sync;
        let flushed = self.faults.check().map(|()| self.link.call(operation, "flush", &[&self.id]));
        async move { flushed?.await?.map(drop).map_err(failed(operation)) }
    }

    /// Copies all of its bytes into an empty file.
    pub(crate) async fn copy_to(&self, to: &Self) -> Result<()> {
        let operation = Operation::Write;
        let len = self.len();
        let copied = self.link.call(operation, "copy", &[&self.id, &to.id]);
        let len = usize::try_from(len.await?).map_err(|_| nonsense(operation))?;
        checked_write(copied.await?.map_err(failed(operation))?.as_f64().ok_or_else(|| nonsense(operation))?, len)
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.link.close(&self.id);
    }
}

fn nonsense(operation: Operation) -> Error {
    Error::new(ErrorKind::Io, operation).with_text("the engine's worker answered something that makes no sense")
}

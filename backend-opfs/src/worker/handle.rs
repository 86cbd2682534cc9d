//! A synchronous access handle that the worker has.

use std::pin::Pin;
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::space::refined;

use super::answer::Piece;
use super::link::Link;
use super::outgoing::{Call, Last};
use crate::faults::FlushFaults;
use crate::handle::{checked_write, not_lengthened};
use crate::host::{Plain, count, exact, failed, when_free};
use crate::open_file::Change;

/// A file that is open in the worker. Each call is sent when it is made, and done in that order, whatever becomes of its future. It is closed
/// when it is dropped, which does not flush.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    link: Rc<Link>,
    id: u32,
    faults: FlushFaults,
}

impl WorkerHandle {
    /// Opens a file. Nobody else can until this is closed or dropped.
    pub(crate) async fn open(link: &Rc<Link>, plain: &Plain, faults: &FlushFaults) -> Result<Self> {
        let operation = Operation::Open;
        let handle = Self { link: Rc::clone(link), id: link.next_id(), faults: faults.clone() };
        let opened = when_free(async || link.call(operation, Call::Open, [handle.id.into(), 0.0], Last::Object(plain.as_js())).await);
        match opened.await? {
            Ok(_) => Ok(handle),
            Err(exception) => Err(refined(exception).await.into_error(operation)),
        }
    }

    /// Its number, by which the script knows it.
    #[cfg(feature = "packed-page")]
    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// A call of which a number comes.
    fn number(&self, operation: Operation, call: Call, number: Result<f64>, last: Last<'_>) -> Pin<Box<dyn Future<Output = Result<f64>>>> {
        let answered = number.map(|number| self.link.call(operation, call, [self.id.into(), number], last));
        Box::pin(async move { answered?.await?.map(|(number, _)| number).map_err(failed(operation)) })
    }

    /// Reads `len` bytes from `offset` on, or as many as there are.
    pub(crate) fn read(&self, offset: u64, len: usize) -> impl Future<Output = Result<Piece>> + use<> {
        let operation = Operation::Read;
        let wanted = exact(offset, operation).and_then(|at| Ok((at, exact(len as u64, operation)?)));
        let read = wanted.map(|(at, len)| self.link.call(operation, Call::Read, [self.id.into(), at], Last::Number(len)));
        async move {
            let (count, read) = read?.await?.map_err(failed(operation))?;
            if count == read.len() as f64 && read.len() <= len { Ok(read) } else { Err(nonsense(operation)) }
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
        let written = self.number(operation, Call::Write, exact(offset, operation), Last::Bytes(data));
        async move { checked_write(written.await?, len as u64) }
    }

    pub(crate) fn len(&self) -> impl Future<Output = Result<u64>> + use<> {
        let operation = Operation::Stat;
        let len = self.number(operation, Call::Size, Ok(0.0), Last::Number(0.0));
        async move { count(len.await?, operation) }
    }

    pub(crate) fn set_len(&self, len: u64) -> impl Future<Output = Result<()>> + use<> {
        let operation = Operation::SetLen;
        let cut =
            exact(len, operation).map(|wanted| self.link.call(operation, Call::Truncate, [self.id.into(), wanted], Last::Number(0.0)));
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
        let flushed = self.faults.check().map(|()| self.number(Operation::Sync, Call::Flush, Ok(0.0), Last::Number(0.0)));
        async move { flushed?.await.map(drop) }
    }

    /// Copies all of its bytes into an empty file.
    pub(crate) async fn copy_to(&self, to: &Self) -> Result<()> {
        let operation = Operation::Write;
        let len = self.len();
        let copied = self.number(operation, Call::Copy, Ok(to.id.into()), Last::Number(0.0));
        let len = len.await?;
        checked_write(copied.await?, len)
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.link.close(self.id);
    }
}

fn nonsense(operation: Operation) -> Error {
    Error::new(ErrorKind::Io, operation).with_text("the engine's worker answered something that makes no sense")
}

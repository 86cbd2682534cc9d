//! A synchronous access handle, with what each of its calls gives checked.

use std::cell::RefCell;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::exception::Exception;
use js_sys::{Uint8Array, WebAssembly};
use wasm_bindgen::JsCast;
use web_sys::{FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use crate::faults::FlushFaults;
use crate::host::{count, exact, failed};

/// The calls of a handle, with what they return and throw as it is. Places and counts are those of JavaScript.
pub(crate) trait HandleCalls {
    fn read(&self, at: f64, buf: &mut [u8]) -> Result<f64, Exception>;
    fn write(&self, at: f64, data: &[u8]) -> Result<f64, Exception>;
    fn size(&self) -> Result<f64, Exception>;
    fn truncate(&self, len: f64) -> Result<(), Exception>;
    fn flush(&self) -> Result<(), Exception>;
    fn close(&self);
}

/// A file that is open for synchronous access. It is closed when it is dropped, which does not flush.
#[derive(Debug)]
pub(crate) struct Handle<C: HandleCalls = Own> {
    calls: C,
    faults: FlushFaults,
}

impl<C: HandleCalls> Handle<C> {
    pub(crate) const fn new(calls: C, faults: FlushFaults) -> Self {
        Self { calls, faults }
    }

    /// Reads from `offset` on until `buf` is full or the file ends.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let operation = Operation::Read;
        let mut filled = 0;
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let wanted = rest.len();
            let read = self.calls.read(exact(offset.saturating_add(filled as u64), operation)?, rest).map_err(failed(operation))?;
            let read = usize::try_from(count(read, operation)?).ok().filter(|read| *read <= wanted);
            match read {
                Some(0) => break,
                Some(read) => filled += read,
                None => return Err(Error::new(ErrorKind::Io, operation).with_text("the browser read more than there was room for")),
            }
        }
        Ok(filled)
    }

    /// Writes all of `data`.
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let operation = Operation::Write;
        checked_write(self.calls.write(exact(offset, operation)?, data).map_err(failed(operation))?, data.len() as u64)
    }

    pub(crate) fn len(&self) -> Result<u64> {
        count(self.calls.size().map_err(failed(Operation::Stat))?, Operation::Stat)
    }

    pub(crate) fn set_len(&self, len: u64) -> Result<()> {
        let operation = Operation::SetLen;
        let Err(exception) = self.calls.truncate(exact(len, operation)?) else { return Ok(()) };
        Err(not_lengthened(len, self.len()?, exception))
    }

    pub(crate) fn flush(&self) -> Result<()> {
        self.faults.check()?;
        self.calls.flush().map_err(failed(Operation::Sync))
    }
}

impl<C: HandleCalls> Drop for Handle<C> {
    fn drop(&mut self) {
        self.calls.close();
    }
}

/// Whether as many bytes were written as there were.
#[expect(clippy::cast_precision_loss, reason = "neither memory nor files are larger than what is counted exactly")]
pub(crate) fn checked_write(written: f64, len: u64) -> Result<()> {
    // Where the quota ends, Firefox returns a short count, and Chromium one that is larger than what was asked for.
    if written == len as f64 {
        return Ok(());
    }
    let text = format!("{written} of {len} bytes were written: the origin's quota is used up; remove or cut some files");
    Err(Error::new(ErrorKind::NoSpace, Operation::Write).with_text(text))
}

/// Why a file of `now` bytes did not take the length `len`.
pub(crate) fn not_lengthened(len: u64, now: u64, exception: Exception) -> Error {
    if len <= now {
        return exception.into_error(Operation::SetLen);
    }
    // Firefox does not say what keeps it from lengthening a file, and there is nothing else that could.
    let text = format!("the file was not lengthened to {len} bytes: the origin's quota is used up; remove or cut some files");
    Error::new(ErrorKind::NoSpace, Operation::SetLen).with_text(text).with_cause(exception)
}

/// A handle of this worker.
#[derive(Debug)]
pub(crate) struct Own {
    raw: FileSystemSyncAccessHandle,
    /// Where the next call reads or writes. One for all calls: to make one takes as long as half a call.
    at: FileSystemReadWriteOptions,
    last: RefCell<Last>,
}

impl Own {
    pub(crate) fn new(raw: FileSystemSyncAccessHandle) -> Self {
        Self { raw, at: FileSystemReadWriteOptions::new(), last: RefCell::default() }
    }
}

/// The bytes that were read into lately, and how JavaScript sees those that were not read into for the first time: to make another view takes a
/// fifth of a call. Each is used for a read into just these bytes, and for nothing else.
#[derive(Debug, Default)]
struct Last {
    /// The one that was used last is the last one.
    views: Vec<(Place, Option<Uint8Array>)>,
}

/// So many are kept.
const VIEWS: usize = 8;

impl Last {
    /// The view on these bytes; none at their first time, or where they are out of JavaScript's reach.
    fn on(&mut self, place: Option<Place>) -> Option<&Uint8Array> {
        let place = place?;
        let Some(found) = self.views.iter().rposition(|(known, _)| *known == place) else {
            if self.views.len() == VIEWS {
                self.views.remove(0);
            }
            self.views.push((place, None));
            return None;
        };
        if let Some(newer) = self.views.get_mut(found..) {
            newer.rotate_left(1);
        }
        let (_, view) = self.views.last_mut()?;
        // When the memory has grown, what was seen of it before has no length any more.
        if view.as_ref().is_none_or(|view| view.byte_length() != place.len) {
            let memory: WebAssembly::Memory = wasm_bindgen::memory().dyn_into().ok()?;
            *view = Some(Uint8Array::new_with_byte_offset_and_length(&memory.buffer(), place.at, place.len));
        }
        view.as_ref()
    }
}

/// Where bytes are in the module's memory, as far as JavaScript counts so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    at: u32,
    len: u32,
}

impl Place {
    fn of(buf: &mut [u8]) -> Option<Self> {
        // The compiler has to know that others may write there.
        let at = u32::try_from(buf.as_mut_ptr().expose_provenance()).ok()?;
        Some(Self { at, len: u32::try_from(buf.len()).ok()? })
    }
}

impl HandleCalls for Own {
    fn read(&self, at: f64, buf: &mut [u8]) -> Result<f64, Exception> {
        self.at.set_at(at);
        let read = match self.last.borrow_mut().on(Place::of(buf)) {
            Some(view) => self.raw.read_with_buffer_source_and_options(view, &self.at),
            None => self.raw.read_with_u8_array_and_options(buf, &self.at),
        };
        read.map_err(|value| Exception::new(&value))
    }

    fn write(&self, at: f64, data: &[u8]) -> Result<f64, Exception> {
        self.at.set_at(at);
        self.raw.write_with_u8_array_and_options(data, &self.at).map_err(|value| Exception::new(&value))
    }

    fn size(&self) -> Result<f64, Exception> {
        self.raw.get_size().map_err(|value| Exception::new(&value))
    }

    fn truncate(&self, len: f64) -> Result<(), Exception> {
        self.raw.truncate_with_f64(len).map_err(|value| Exception::new(&value))
    }

    fn flush(&self) -> Result<(), Exception> {
        self.raw.flush().map_err(|value| Exception::new(&value))
    }

    fn close(&self) {
        self.raw.close();
    }
}

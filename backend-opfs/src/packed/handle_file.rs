//! The OPFS file under redb.

use std::cell::RefCell;
use std::io;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_redb::StoreFile;
use send_wrapper::SendWrapper;

use crate::hold::Hold;
use crate::host::Handle;

/// The handle of a location, and its lock. redb asks for a file that other threads may use: here are none, and one that there is nevertheless
/// would panic.
#[derive(Debug)]
pub(super) struct HandleFile(SendWrapper<RefCell<Option<(Handle, Hold)>>>);

impl HandleFile {
    pub(super) fn new(handle: Handle, hold: Hold) -> Self {
        Self(SendWrapper::new(RefCell::new(Some((handle, hold)))))
    }

    fn with<T>(&self, call: impl FnOnce(&Handle) -> Result<T>) -> io::Result<T> {
        match &*self.0.borrow() {
            Some((handle, _)) => call(handle).map_err(io::Error::from),
            None => Err(Error::new(ErrorKind::Closed, Operation::Close).into()),
        }
    }
}

impl StoreFile for HandleFile {
    fn len(&self) -> io::Result<u64> {
        self.with(Handle::len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let wanted = out.len();
        match self.with(|handle| handle.read(offset, out))? {
            read if read == wanted => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|handle| handle.write(offset, data))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|handle| handle.set_len(len))
    }

    fn flush(&self) -> io::Result<()> {
        self.with(Handle::flush)
    }

    /// Closes the handle, then gives the lock back. Who opens the location next waits for that, which may take the browser a moment.
    fn give_free(&self) {
        let held = self.0.borrow_mut().take();
        if let Some((handle, hold)) = held {
            drop(handle);
            drop(hold);
        }
    }
}

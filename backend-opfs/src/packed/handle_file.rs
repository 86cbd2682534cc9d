//! The OPFS file under redb.

use std::cell::RefCell;
use std::fmt::Debug;
use std::io;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_redb::StoreFile;
use send_wrapper::SendWrapper;

use crate::handle::{Handle, HandleCalls};

/// The handle of a location, and what holds the location meanwhile. redb asks for a file that other threads may use: here are none, and one that there is nevertheless
/// would panic.
#[derive(Debug)]
pub(super) struct HandleFile<C: HandleCalls, H> {
    held: SendWrapper<RefCell<Held<C, H>>>,
    /// How long the file may become, in bytes, by what the browser said of its space when it was opened; none if it said nothing.
    most: Option<u64>,
}

/// None once it was given free.
type Held<C, H> = Option<(Handle<C>, H)>;

impl<C: HandleCalls, H> HandleFile<C, H> {
    /// `free` are the bytes that the origin had free.
    pub(super) fn new(handle: Handle<C>, hold: H, free: Option<u64>) -> Self {
        let most = free.and_then(|free| handle.len().ok()?.checked_add(free));
        Self { held: SendWrapper::new(RefCell::new(Some((handle, hold)))), most }
    }

    fn with<T>(&self, call: impl FnOnce(&Handle<C>) -> Result<T>) -> io::Result<T> {
        match &*self.held.borrow() {
            Some((handle, _)) => call(handle).map_err(io::Error::from),
            None => Err(Error::new(ErrorKind::Closed, Operation::Close).into()),
        }
    }
}

impl<C: HandleCalls + Debug + 'static, H: Debug + 'static> StoreFile for HandleFile<C, H> {
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

    /// An estimate: what else the origin stores changes it.
    fn free(&self) -> io::Result<u64> {
        let most = self.most.ok_or(io::ErrorKind::Unsupported)?;
        Ok(most.saturating_sub(self.len()?))
    }

    /// Closes the handle, then gives the lock back. Who opens the location next waits for that, which may take the browser a moment.
    fn give_free(&self) {
        let held = self.held.borrow_mut().take();
        if let Some((handle, hold)) = held {
            drop(handle);
            drop(hold);
        }
    }
}

//! An OPFS file of the pool.

use anystorage_api::Result;
use anystorage_pool::RawFile;

use crate::handle::Handle;
use crate::hold::Hold;

/// Its handle; that of the table has the location as well, which is given back once it is closed.
#[derive(Debug)]
pub(super) struct OpfsFile {
    handle: Handle,
    _hold: Option<Hold>,
}

impl OpfsFile {
    pub(super) const fn new(handle: Handle) -> Self {
        Self { handle, _hold: None }
    }

    pub(super) const fn holding(handle: Handle, hold: Hold) -> Self {
        Self { handle, _hold: Some(hold) }
    }
}

impl RawFile for OpfsFile {
    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.handle.read(offset, buf)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.handle.write(offset, data)
    }

    fn len(&self) -> Result<u64> {
        self.handle.len()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.handle.set_len(len)
    }

    fn flush(&self) -> Result<()> {
        self.handle.flush()
    }
}

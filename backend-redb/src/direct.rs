//! redb straight over its file.

use std::io;
use std::sync::Arc;

use redb::StorageBackend;

use crate::medium::Medium;

/// What redb reads and writes is the file. The lock is up to who opened it, not to redb.
#[derive(Debug)]
pub(crate) struct Direct(pub(crate) Arc<Medium>);

impl StorageBackend for Direct {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)?;
        self.0.seen.note(offset, out);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.flush()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

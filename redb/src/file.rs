use std::io;
use std::sync::{PoisonError, RwLock};

use anystorage_api::{BlockingFile, Error, ErrorKind, Operation};

use crate::databases::Claim;

/// A file of an engine as redb's storage. [`Databases`](crate::Databases) opens them.
#[derive(Debug)]
pub struct DatabaseFile {
    /// None once redb has closed it.
    held: RwLock<Option<Held>>,
}

/// redb asks for a file that other threads may use. In a browser there are none that could, and one that there is nevertheless would panic.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
type Confined<T> = send_wrapper::SendWrapper<T>;

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
type Confined<T> = Box<T>;

/// The file goes first.
#[derive(Debug)]
struct Held {
    file: Confined<BlockingFile>,
    _claim: Claim,
}

impl DatabaseFile {
    pub(crate) fn new(file: BlockingFile, claim: Claim) -> Self {
        Self { held: RwLock::new(Some(Held { file: Confined::new(file), _claim: claim })) }
    }

    fn with<T>(&self, call: impl FnOnce(&BlockingFile) -> anystorage_api::Result<T>) -> io::Result<T> {
        match &*self.held.read().unwrap_or_else(PoisonError::into_inner) {
            Some(held) => call(&held.file).map_err(io::Error::from),
            None => Err(Error::new(ErrorKind::Closed, Operation::Open).with_text("redb has closed this file").into()),
        }
    }
}

impl redb::StorageBackend for DatabaseFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|file| Ok(file.stat()?.len))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let wanted = out.len();
        match self.with(|file| file.read_at(offset, out))? {
            read if read == wanted => Ok(()),
            read => {
                let text = format!("{read} of {wanted} bytes are there from {offset} on");
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))
            }
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|file| file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(BlockingFile::sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|file| file.write_at(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        drop(self.held.write().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }
}

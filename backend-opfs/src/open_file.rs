//! A file that is open, by either way.

use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::faults::FlushFaults;
use crate::handle::Handle;
use crate::hidden::Hidden;
use crate::host::Plain;
use crate::options::Io;
use crate::stream::{Pending, Stream, fill, try_stream};

/// In bytes, how much of a file is copied at once.
const COPIED_AT_ONCE: usize = 1 << 20;

/// By what the files of a location are opened.
#[derive(Debug)]
pub(crate) struct Access {
    io: Io,
    faults: FlushFaults,
    pending: Pending,
    /// Where streams put new contents first.
    hidden: Rc<Hidden>,
}

impl Access {
    pub(crate) fn new(io: Io, faults: FlushFaults, hidden: Rc<Hidden>) -> Self {
        Self { io, faults, pending: Pending::default(), hidden }
    }

    pub(crate) async fn open(&self, plain: &Plain) -> Result<OpenFile> {
        match self.io {
            Io::Handle => Ok(OpenFile::Handle(plain.open(&self.faults).await?)),
            Io::Stream => Ok(OpenFile::Stream(Stream::open(plain.clone(), &self.pending, &self.hidden, &self.faults).await?)),
        }
    }

    /// Finds out by doing whether files can be written and read in this way.
    pub(crate) async fn prove(&self, plain: &Plain) -> Result<()> {
        let sample = b"anys";
        let streamed = try_stream(plain, sample, &self.hidden).await;
        let file = match self.io {
            Io::Handle => {
                if let Err(error) = streamed {
                    log::debug!("what a kill leaves of a move is not known here, so moves are noted: {error}");
                }
                let file = self.open(plain).await?;
                file.set_len(0)?;
                file.write(0, sample)?;
                file
            }
            Io::Stream => {
                streamed?;
                self.open(plain).await?
            }
        };
        let mut found = [0; 4];
        let count = file.read(0, &mut found).await?;
        if found.get(..count) == Some(sample) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Io, Operation::OpenLocation).with_text("what was written to the private file system reads otherwise"))
    }

    /// Whether so many bytes may be kept in memory until a sync.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.pending.has_room(more)
    }

    /// Finds out whether the host has room for so many bytes, which may be a hole.
    pub(crate) async fn try_room(&self, len: u64) -> Result<()> {
        let (plain, number) = self.hidden.create(Operation::Write).await?;
        let tried = async {
            let mut writable = plain.writable().await?;
            let lengthened = writable.set_len(len).await;
            writable.abort().await;
            lengthened
        };
        let tried = tried.await;
        self.hidden.discard(number).await;
        tried
    }

    /// Puts `data` into a file that is empty and not open, and flushes it.
    pub(crate) async fn fill(&self, plain: &Plain, data: &[u8]) -> Result<()> {
        match self.io {
            Io::Handle => {
                let handle = plain.open(&self.faults).await?;
                handle.write(0, data)?;
                handle.flush()
            }
            Io::Stream => {
                self.faults.check()?;
                fill(plain, data).await
            }
        }
    }
}

/// An open file. What of it ends in `now` answers none where the browser has to be waited for.
#[derive(Debug)]
pub(crate) enum OpenFile {
    Handle(Handle),
    Stream(Stream),
}

impl OpenFile {
    /// Reads from `offset` on until `buf` is full or the file ends.
    pub(crate) fn read_now(&self, offset: u64, buf: &mut [u8]) -> Option<Result<usize>> {
        match self {
            Self::Handle(handle) => Some(handle.read(offset, buf)),
            Self::Stream(stream) => stream.read_now(offset, buf).map(Ok),
        }
    }

    pub(crate) async fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        match self {
            Self::Handle(handle) => handle.read(offset, buf),
            Self::Stream(stream) => stream.read(offset, buf).await,
        }
    }

    /// Whether so many bytes may be written at a place without further ado.
    pub(crate) fn has_room(&self, offset: u64, more: usize) -> bool {
        match self {
            Self::Handle(_) => true,
            Self::Stream(stream) => stream.has_room(more) && !stream.leaves_hole(offset),
        }
    }

    /// How far behind its end a place is, if the host is to be asked for so much room before anything is written there.
    pub(crate) fn hole(&self, offset: u64) -> Option<u64> {
        match self {
            Self::Handle(_) => None,
            Self::Stream(stream) => stream.leaves_hole(offset).then(|| offset.saturating_sub(stream.len())),
        }
    }

    /// Writes all of `data`.
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        match self {
            Self::Handle(handle) => handle.write(offset, data),
            Self::Stream(stream) => stream.write(offset, data),
        }
    }

    pub(crate) fn len(&self) -> Result<u64> {
        match self {
            Self::Handle(handle) => handle.len(),
            Self::Stream(stream) => Ok(stream.len()),
        }
    }

    pub(crate) fn set_len(&self, len: u64) -> Result<()> {
        match self {
            Self::Handle(handle) => handle.set_len(len),
            Self::Stream(stream) => {
                stream.set_len(len);
                Ok(())
            }
        }
    }

    pub(crate) fn flush_now(&self) -> Option<Result<()>> {
        match self {
            Self::Handle(handle) => Some(handle.flush()),
            Self::Stream(_) => None,
        }
    }

    pub(crate) async fn flush(&self) -> Result<()> {
        match self {
            Self::Handle(handle) => handle.flush(),
            Self::Stream(stream) => stream.flush().await,
        }
    }

    /// Whether nothing has changed when a flush fails so: it may be tried again.
    pub(crate) fn refuses_whole(&self, error: &Error) -> bool {
        self.is_stream() && error.kind() == ErrorKind::NoSpace
    }

    /// Whether its changes are in memory until they are flushed.
    pub(crate) const fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Copies its bytes into an empty file. A stream goes on there.
    pub(crate) async fn copy_to(&self, plain: &Plain, access: &Access) -> Result<()> {
        match self {
            Self::Handle(handle) => copied(handle, &plain.open(&access.faults).await?),
            Self::Stream(stream) => stream.move_bytes_to(plain).await,
        }
    }
}

fn copied(from: &Handle, to: &Handle) -> Result<()> {
    let mut buffer = vec![0; COPIED_AT_ONCE];
    let mut at = 0;
    loop {
        let count = from.read(at, &mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        to.write(at, buffer.get(..count).unwrap_or_default())?;
        at += count as u64;
    }
}

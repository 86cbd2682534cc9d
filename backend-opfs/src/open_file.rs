//! A file that is open, by either way.

use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::faults::FlushFaults;
use crate::handle::Handle;
use crate::hidden::Hidden;
use crate::host::Plain;
use crate::stream::{Pending, Stream, fill, try_stream};
use crate::way::Way;
use crate::worker::{Link, WorkerHandle};

/// In bytes, how much of a file is copied at once.
const COPIED_AT_ONCE: usize = 1 << 20;

/// By what the files of a location are opened.
#[derive(Debug)]
pub(crate) struct Access {
    way: Way,
    faults: FlushFaults,
    pending: Pending,
    /// Where streams put new contents first.
    hidden: Rc<Hidden>,
}

impl Access {
    pub(crate) fn new(way: Way, faults: FlushFaults, hidden: Rc<Hidden>) -> Self {
        Self { way, faults, pending: Pending::default(), hidden }
    }

    pub(crate) async fn open(&self, plain: &Plain) -> Result<OpenFile> {
        match &self.way {
            Way::Handle => Ok(OpenFile::Handle(plain.open(&self.faults).await?)),
            Way::Worker(link) => Ok(OpenFile::Worker(WorkerHandle::open(link, plain, &self.faults).await?)),
            Way::Stream => Ok(OpenFile::Stream(Stream::open(plain.clone(), &self.pending, &self.hidden, &self.faults).await?)),
        }
    }

    /// Finds out by doing whether files can be written and read in this way.
    pub(crate) async fn prove(&self, plain: &Plain) -> Result<()> {
        let sample = b"anys";
        let streamed = try_stream(plain, sample, &self.hidden).await;
        let file = match self.way {
            Way::Handle | Way::Worker(_) => {
                if let Err(error) = streamed {
                    log::debug!("what a kill leaves of a move is not known here, so moves are noted: {error}");
                }
                let file = self.open(plain).await?;
                file.change(Change::SetLen, 0, &[]).await?;
                file.change(Change::Write, 0, sample).await?;
                file
            }
            Way::Stream => {
                streamed?;
                self.open(plain).await?
            }
        };
        let mut found = [0; 4];
        let count = file.read(0, &mut found).await?;
        drop(file);
        self.way.settle().await?;
        if found.get(..count) == Some(sample) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Io, Operation::OpenLocation).with_text("what was written to the private file system reads otherwise"))
    }

    /// Waits until all files are closed that were to be.
    pub(crate) async fn settle(&self) -> Result<()> {
        self.way.settle().await
    }

    /// The worker that has the files, if one has.
    pub(crate) fn link(&self) -> Option<Rc<Link>> {
        match &self.way {
            Way::Worker(link) => Some(Rc::clone(link)),
            Way::Handle | Way::Stream => None,
        }
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
        match &self.way {
            Way::Handle => {
                let handle = plain.open(&self.faults).await?;
                handle.write(0, data)?;
                handle.flush()
            }
            Way::Worker(link) => {
                let handle = WorkerHandle::open(link, plain, &self.faults).await?;
                let written = handle.write(0, data);
                let flushed = handle.flush();
                drop(handle);
                link.settle().await?;
                written.await.and(flushed.await)
            }
            Way::Stream => {
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
    Worker(WorkerHandle),
    Stream(Stream),
}

/// What is changed of a file, by a number and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The bytes from the number on.
    Write,
    /// Its length, to the number.
    SetLen,
}

impl OpenFile {
    /// Reads from `offset` on until `buf` is full or the file ends.
    pub(crate) fn read_now(&self, offset: u64, buf: &mut [u8]) -> Option<Result<usize>> {
        match self {
            Self::Handle(handle) => Some(handle.read(offset, buf)),
            Self::Worker(_) => None,
            Self::Stream(stream) => stream.read_now(offset, buf).map(Ok),
        }
    }

    pub(crate) async fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        match self {
            Self::Handle(handle) => handle.read(offset, buf),
            Self::Worker(handle) => handle.read(offset, buf.len()).await.map(|read| read.copy_to(buf)),
            Self::Stream(stream) => stream.read(offset, buf).await,
        }
    }

    /// Whether so many bytes may be written at a place at once.
    pub(crate) fn has_room(&self, offset: u64, more: usize) -> bool {
        match self {
            Self::Handle(_) => true,
            Self::Worker(_) => false,
            Self::Stream(stream) => stream.has_room(more) && !stream.leaves_hole(offset),
        }
    }

    /// How far behind its end a place is, if the host is to be asked for so much room before anything is written there.
    pub(crate) fn hole(&self, offset: u64) -> Option<u64> {
        match self {
            Self::Handle(_) | Self::Worker(_) => None,
            Self::Stream(stream) => stream.leaves_hole(offset).then(|| offset.saturating_sub(stream.len())),
        }
    }

    /// Makes a change; none if it has to be waited for.
    pub(crate) fn change_now(&self, change: Change, number: u64, data: &[u8]) -> Option<Result<()>> {
        Some(match (self, change) {
            (Self::Handle(handle), Change::Write) => handle.write(number, data),
            (Self::Handle(handle), Change::SetLen) => handle.set_len(number),
            (Self::Worker(_), _) => return None,
            (Self::Stream(stream), Change::Write) => stream.write(number, data),
            (Self::Stream(stream), Change::SetLen) => {
                stream.set_len(number);
                Ok(())
            }
        })
    }

    /// Makes a change.
    pub(crate) async fn change(&self, change: Change, number: u64, data: &[u8]) -> Result<()> {
        match (self, self.change_now(change, number, data)) {
            (Self::Worker(handle), _) => handle.change(change, number, data).await,
            (_, done) => done.unwrap_or(Ok(())),
        }
    }

    /// Its length in bytes; none if it has to be waited for.
    pub(crate) fn len_now(&self) -> Option<Result<u64>> {
        match self {
            Self::Handle(handle) => Some(handle.len()),
            Self::Worker(_) => None,
            Self::Stream(stream) => Some(Ok(stream.len())),
        }
    }

    /// Its length in bytes.
    pub(crate) async fn len(&self) -> Result<u64> {
        match self {
            Self::Handle(handle) => handle.len(),
            Self::Worker(handle) => handle.len().await,
            Self::Stream(stream) => Ok(stream.len()),
        }
    }

    pub(crate) fn flush_now(&self) -> Option<Result<()>> {
        match self {
            Self::Handle(handle) => Some(handle.flush()),
            Self::Worker(_) | Self::Stream(_) => None,
        }
    }

    pub(crate) async fn flush(&self) -> Result<()> {
        match self {
            Self::Handle(handle) => handle.flush(),
            Self::Worker(handle) => handle.flush().await,
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
            Self::Worker(handle) => match &access.way {
                Way::Worker(link) => {
                    let to = WorkerHandle::open(link, plain, &access.faults).await?;
                    let copied = handle.copy_to(&to).await;
                    drop(to);
                    link.settle().await?;
                    copied
                }
                // It has its handle from there.
                Way::Handle | Way::Stream => Err(Error::new(ErrorKind::Io, Operation::Write)),
            },
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

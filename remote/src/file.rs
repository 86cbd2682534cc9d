//! An open file at the other end.

use std::sync::Arc;

use anystorage_api::{Metadata, Result, StorageFile, engine};

use crate::connection::Connection;
use crate::protocol::{Answer, Call, MOST_AT_ONCE};
use crate::remote::metadata;

/// In bytes, what goes in one call. What is larger is not one step any more for those who read meanwhile.
const PART: usize = MOST_AT_ONCE as usize;

/// A file that the server has open, by its number.
#[derive(Debug)]
pub(crate) struct RemoteFile {
    connection: Arc<Connection>,
    number: u64,
    closed: bool,
}

impl RemoteFile {
    pub(crate) const fn new(connection: Arc<Connection>, number: u64) -> Self {
        Self { connection, number, closed: false }
    }
}

#[engine]
impl StorageFile for RemoteFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        loop {
            let part = buf.get_mut(filled..).unwrap_or_default();
            let wanted = part.len().min(PART);
            let call = Call::FileRead { file: self.number, offset: offset.saturating_add(filled as u64), len: wanted as u64 };
            let copied = |answer: Answer<'_>, bytes: &[u8]| match (answer, part.get_mut(..bytes.len())) {
                (Answer::Bytes, Some(room)) => {
                    room.copy_from_slice(bytes);
                    Some(bytes.len())
                }
                _ => None,
            };
            let count = self.connection.ask(&call, &[]).await?.read(copied)?;
            filled += count;
            if count < wanted || filled == buf.len() {
                return Ok(filled);
            }
        }
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut from = 0;
        loop {
            let (at, rest) = (offset.saturating_add(from as u64), data.get(from..).unwrap_or_default());
            let part = rest.get(..PART).unwrap_or(rest);
            self.connection.ask(&Call::FileWrite { file: self.number, offset: at }, part).await?.done()?;
            from += part.len();
            if from == data.len() {
                return Ok(());
            }
        }
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        self.connection.ask(&Call::FileSetLen { file: self.number, len }, &[]).await?.done()
    }

    async fn stat(&self) -> Result<Metadata> {
        self.connection.ask(&Call::FileStat { file: self.number }, &[]).await?.read(metadata)
    }

    async fn sync(&self) -> Result<()> {
        self.connection.ask(&Call::FileSync { file: self.number }, &[]).await?.done()
    }

    async fn close(mut self: Box<Self>) -> Result<()> {
        self.closed = true;
        self.connection.ask(&Call::FileClose { file: self.number }, &[]).await?.done()
    }
}

impl Drop for RemoteFile {
    fn drop(&mut self) {
        if !self.closed {
            self.connection.let_go(self.number);
        }
    }
}

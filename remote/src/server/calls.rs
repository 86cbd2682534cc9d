//! Which call of the engine a request becomes.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anystorage_api::{Error, ErrorKind, Operation, Result, StorageBackend, StorageFile, StoragePath};
use futures_util::future::{Either, select};

use super::answers::{answer, failed, filled, outcome};
use super::files::{Files, closed};
use crate::protocol::{Answer, Call, MOST_AT_ONCE, VERSION, WireEntry, decode, too_large};

/// In bytes, how much room a read may ask for unseen. For more of it the length of the file is looked at first, which makes two calls of one.
const UNSEEN: u64 = 16 << 20;

/// What a client works on.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) backend: Box<dyn StorageBackend>,
    pub(super) files: Files,
    /// Whether the client has said its version, which is the first thing that it has to say.
    pub(super) greeted: AtomicBool,
}

/// The answer to a request.
pub(super) async fn answered(engine: Arc<Engine>, frame: Vec<u8>, number: u64) -> Vec<u8> {
    let (call, bytes) = match decode::<Call<'_>>(&frame) {
        Ok((_, call, bytes)) => (call, bytes),
        Err(error) => return failed(number, &error),
    };
    if !matches!(call, Call::Hello { .. }) && !engine.greeted.load(Ordering::Relaxed) {
        let text = "the first thing that a client says is the version that it speaks";
        return failed(number, &Error::new(ErrorKind::InvalidInput, call.operation()).with_text(text));
    }
    match engine.answer(number, call, bytes).await {
        Ok(answer) => answer,
        Err(error) => failed(number, &error),
    }
}

impl Engine {
    async fn answer(&self, number: u64, call: Call<'_>, bytes: &[u8]) -> Result<Vec<u8>> {
        let backend = &self.backend;
        let parse = StoragePath::parse;
        let done = match call {
            // A client of another version finds that out by ours.
            Call::Hello { version } => {
                self.greeted.store(version == VERSION, Ordering::Relaxed);
                let capabilities = (&backend.capabilities()).into();
                return Ok(answer(number, &Answer::Hello { version: VERSION, capabilities }));
            }
            Call::Open { path, options } => {
                let file = backend.open(&parse(path)?, &options.into()).await?;
                return Ok(answer(number, &Answer::Opened { file: self.files.add(file)? }));
            }
            Call::Stat { path } => return Ok(answer(number, &Answer::Metadata((&backend.stat(&parse(path)?).await?).into()))),
            Call::List { directory, after, limit } => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                let entries = backend.list(&parse(directory)?, after, limit).await?;
                return Ok(answer(number, &Answer::Entries(entries.iter().map(WireEntry::from).collect())));
            }
            Call::CreateDir { path } => backend.create_dir(&parse(path)?).await,
            Call::RemoveFile { path } => backend.remove_file(&parse(path)?).await,
            Call::RemoveDir { path } => backend.remove_dir(&parse(path)?).await,
            Call::Rename { from, to } => backend.rename(&parse(from)?, &parse(to)?).await,
            Call::Sync => backend.sync().await,
            Call::Close => backend.close().await,
            Call::Read { path } => {
                let data = self.read_whole(&parse(path)?).await?;
                return filled(number, data.len(), async |room| {
                    room.copy_from_slice(&data);
                    Ok(data.len())
                })
                .await;
            }
            Call::Write { path } => backend.write(&parse(path)?, bytes).await,
            Call::Usage => return Ok(answer(number, &Answer::Usage(backend.usage().await?.into()))),
            Call::SetAttributes { path, attributes } => backend.set_attributes(&parse(path)?, &attributes.into()).await,
            Call::FileClose { file } => self.close(file).await,
            Call::FileRead { file, .. }
            | Call::FileWrite { file, .. }
            | Call::FileSetLen { file, .. }
            | Call::FileStat { file }
            | Call::FileSync { file } => return self.on_file(number, file, &call, bytes).await,
        };
        Ok(outcome(number, done))
    }

    /// Reads a whole file, unless it is too long for an answer: then it is not read, or that is not waited for.
    ///
    /// Both calls are made at once, if the first one is not done at once, so that neither of them is behind what the client asks for next.
    async fn read_whole(&self, path: &StoragePath) -> Result<Vec<u8>> {
        let (found, read) = (pin!(self.backend.stat(path)), pin!(self.backend.read(path)));
        let data = match select(found, read).await {
            Either::Left((Ok(found), _)) if found.len > MOST_AT_ONCE => return Err(too_long(path, found.len)),
            // Why there is none, the call itself says.
            Either::Left((_, read)) => read.await?,
            Either::Right((data, _)) => data?,
        };
        if data.len() as u64 > MOST_AT_ONCE { Err(too_long(path, data.len() as u64)) } else { Ok(data) }
    }

    async fn on_file(&self, number: u64, file: u64, call: &Call<'_>, bytes: &[u8]) -> Result<Vec<u8>> {
        let operation = call.operation();
        let slot = self.files.get(file, operation)?;
        let slot = slot.read().await;
        let file = slot.as_ref().ok_or_else(|| closed(operation))?;
        let done = match *call {
            Call::FileRead { offset, len, .. } => return read(number, file.as_ref(), offset, len).await,
            Call::FileWrite { offset, .. } => file.write_at(offset, bytes).await,
            Call::FileSetLen { len, .. } => file.set_len(len).await,
            Call::FileStat { .. } => return Ok(answer(number, &Answer::Metadata((&file.stat().await?).into()))),
            _ => file.sync().await,
        };
        Ok(outcome(number, done))
    }

    /// Closes a file behind the calls on it.
    async fn close(&self, file: u64) -> Result<()> {
        let slot = self.files.remove(file)?;
        let file = slot.write().await.take();
        file.ok_or_else(|| closed(Operation::Close))?.close().await
    }
}

fn too_long(path: &StoragePath, len: u64) -> Error {
    let text = format!("{len} bytes are too many for one answer: open the file, and read it by parts");
    Error::new(ErrorKind::InvalidInput, Operation::Read).with_path(path).with_text(text)
}

/// Reads with as much room as the file can fill, as far as that is answered at once.
async fn read(number: u64, file: &dyn StorageFile, offset: u64, len: u64) -> Result<Vec<u8>> {
    let len = len.min(MOST_AT_ONCE);
    let mut room = len.min(UNSEEN);
    loop {
        if room < len {
            // One more than there is, so that what is short is short because the file ends.
            room = file.stat().await?.len.saturating_sub(offset).saturating_add(1).min(len);
        }
        let bytes = usize::try_from(room).map_err(|_| too_large(usize::MAX))?;
        let mut count = 0;
        let frame = filled(number, bytes, async |buf| {
            count = file.read_at(offset, buf).await?;
            Ok(count)
        })
        .await?;
        if count < bytes || room == len {
            return Ok(frame);
        }
    }
}

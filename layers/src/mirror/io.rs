//! The mirror for those who may not wait.

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Durability, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend,
    StorageFile, StoragePath, Usage, engine,
};

use super::Mirror;

/// The files of a [`Mirror`], for synchronous code: every call is ready at the first poll, whatever engine is below.
///
/// It comes in a `Blocking`, from [`Mirror::blocking`]. Over an engine that is not immediate a sync has to wait, and that is the one thing
/// which cannot be done here: `sync`, of a file and of the whole, and `close` answer [`WouldBlock`](ErrorKind::WouldBlock), and what
/// is written here becomes durable by [`Mirror::sync`], awaited elsewhere. It declares no durability there, for it has none of its own.
#[derive(Clone, Debug)]
pub struct MirrorIo {
    pub(super) mirror: Mirror,
}

/// The refusal of what would have to wait.
pub(super) fn would_block(operation: Operation, name: &str) -> Error {
    let why = format!("the engine below the mirror has to be waited for: await `Mirror::{name}` in its place; nothing was done");
    Error::new(ErrorKind::WouldBlock, operation).with_text(why)
}

impl MirrorIo {
    fn waits(&self, operation: Operation, name: &str) -> Result<()> {
        if self.mirror.shared.is_immediate { Ok(()) } else { Err(would_block(operation, name)) }
    }
}

#[engine]
impl StorageBackend for MirrorIo {
    fn capabilities(&self) -> Capabilities {
        let offered = self.mirror.capabilities();
        if offered.immediate { offered } else { offered.immediate(true).durability(Durability::None).atomic_sync(false).usage(false) }
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.mirror.open_file(path, options, true)
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.mirror.stat(path).await
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.mirror.list(directory, after, limit).await
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.mirror.create_dir(path).await
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.mirror.remove_file(path).await
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.mirror.remove_dir(path).await
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.mirror.rename(from, to).await
    }

    async fn sync(&self) -> Result<()> {
        self.waits(Operation::Sync, "sync")?;
        self.mirror.sync().await
    }

    async fn close(&self) -> Result<()> {
        self.waits(Operation::Close, "close")?;
        self.mirror.close().await
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.mirror.read(path).await
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.mirror.write(path, data).await
    }

    async fn usage(&self) -> Result<Usage> {
        if self.capabilities().usage {
            return self.mirror.usage().await;
        }
        Err(Error::new(ErrorKind::Unsupported, Operation::Usage))
    }

    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.mirror.set_attributes(path, attributes).await
    }
}

use std::sync::Arc;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Error, ErrorKind, MAX_NAME_LEN, Metadata, OpenOptions, Operation, Result, StorageBackend,
    StorageFile, StoragePath, Usage, engine,
};

use crate::detach::to_end;
use crate::engine::Engine;
use crate::file::KvFile;
use crate::open;
use crate::options::KvOptions;
use crate::store::KvStore;

/// The longest file: what every platform can count.
pub(crate) const MAX_FILE_LEN: u64 = (1 << 53) - 1;

/// A tree of files in a key-value store.
#[derive(Debug)]
pub struct KvBackend<S> {
    engine: Arc<Engine<S>>,
}

impl<S: KvStore> KvBackend<S> {
    /// Opens the location that `store` holds; an empty store becomes an empty location, unless the options say otherwise.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if the store holds something else or is damaged, [`Unsupported`](ErrorKind::Unsupported) if a newer
    /// version wrote it, [`InvalidInput`](ErrorKind::InvalidInput) for a block size that cannot be; what the store reports.
    pub async fn open(store: S, options: KvOptions) -> Result<Self> {
        let engine = Engine::open(store, options).await.map_err(|error| error.in_operation(Operation::OpenLocation))?;
        Ok(Self { engine: Arc::new(engine) })
    }

    /// How many bytes of a file one record holds: the location's own, whatever the options said.
    #[must_use]
    pub fn block_size(&self) -> usize {
        self.engine.block_size
    }

    /// The store below.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.engine.store
    }
}

/// The same error, of this operation and about this path.
fn about(operation: Operation, path: &StoragePath) -> impl FnOnce(Error) -> Error {
    move |error| error.in_operation(operation).with_path(path)
}

#[engine]
impl<S: KvStore> StorageBackend for KvBackend<S> {
    fn capabilities(&self) -> Capabilities {
        let options = &self.engine.options;
        Capabilities::new()
            .durability(options.durability)
            .atomic_sync(options.durability > anystorage_api::Durability::None)
            .atomic_rename_file(true)
            .atomic_rename_dir(true)
            .immediate(options.immediate)
            .checksums(options.checksums)
            .attributes(true)
            .usage(options.usage)
            .max_name_len(MAX_NAME_LEN)
            .max_file_len(MAX_FILE_LEN)
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        options.check(path)?;
        let opened = if options.is_create() || options.is_truncate() {
            to_end!((self.engine => engine, path, options), open::changing(engine, path, options))
        } else {
            open::existing(&self.engine, path).await
        };
        Ok(Box::new(KvFile::new(opened.map_err(about(Operation::Open, path))?, path.clone(), options)))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        let found = async {
            let state = self.engine.shared(Operation::Stat).await?;
            let entry = self.engine.find(&state, path).await?;
            self.engine.metadata(&state, entry.ino).await
        };
        found.await.map_err(about(Operation::Stat, path))
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.engine.list(directory, after, limit).await.map_err(about(Operation::List, directory))
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        to_end!((self.engine => engine, path), engine.create_dir(path)).map_err(about(Operation::CreateDir, path))
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        to_end!((self.engine => engine, path), engine.remove_file(path)).map_err(about(Operation::RemoveFile, path))
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        to_end!((self.engine => engine, path), engine.remove_dir(path)).map_err(about(Operation::RemoveDir, path))
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        to_end!((self.engine => engine, from, to), engine.rename(from, to)).map_err(about(Operation::Rename, from))
    }

    async fn sync(&self) -> Result<()> {
        to_end!((self.engine => engine), engine.sync(None)).map_err(|error| error.in_operation(Operation::Sync))
    }

    async fn close(&self) -> Result<()> {
        to_end!((self.engine => engine), engine.close()).map_err(|error| error.in_operation(Operation::Close))
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.engine.read_whole(path).await.map_err(about(Operation::Read, path))
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        to_end!((self.engine => engine, path, data), engine.replace(path, data)).map_err(about(Operation::Write, path))
    }

    async fn usage(&self) -> Result<Usage> {
        let _state = self.engine.shared(Operation::Usage).await?;
        if !self.engine.options.usage {
            return Err(Error::new(ErrorKind::Unsupported, Operation::Usage));
        }
        self.engine.store.size().await.map_err(|error| error.in_operation(Operation::Usage))
    }

    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        to_end!((self.engine => engine, path, attributes), engine.set_attributes(path, attributes))
            .map_err(about(Operation::SetAttributes, path))
    }
}

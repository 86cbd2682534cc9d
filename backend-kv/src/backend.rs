use std::sync::Arc;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Error, ErrorKind, MAX_NAME_LEN, Metadata, OpenOptions, Operation, Result, StorageBackend,
    StorageFile, StoragePath, Usage, engine,
};

use crate::engine::Engine;
use crate::file::KvFile;
use crate::format::Key;
use crate::options::KvOptions;
use crate::records::{Inode, Kind, Record};
use crate::state::State;
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

    async fn open_file(&self, path: &StoragePath, options: &OpenOptions) -> Result<u64> {
        let operation = Operation::Open;
        let is_directory = || Error::new(ErrorKind::IsADirectory, operation);
        let is_link =
            || Error::new(ErrorKind::InvalidInput, operation).with_text("it is a symbolic link, which this engine does not follow");
        if !options.is_create() && !options.is_truncate() {
            let state = self.engine.shared(operation).await?;
            let entry = self.engine.find(&state, path).await?;
            return match entry.kind {
                Kind::File => {
                    self.engine.handles.acquire(entry.ino);
                    Ok(entry.ino)
                }
                Kind::Directory => Err(is_directory()),
                Kind::Symlink => Err(is_link()),
            };
        }
        let mut state = self.engine.growing(operation).await?;
        let exists = || Error::new(ErrorKind::AlreadyExists, operation);
        let Some((place, entry)) = self.engine.place(&state, path).await? else {
            return Err(if options.is_create_new() { exists() } else { is_directory() });
        };
        let ino = match entry {
            Some(_) if options.is_create_new() => return Err(exists()),
            Some(entry) => match entry.kind {
                Kind::File => entry.ino,
                Kind::Directory => return Err(is_directory()),
                Kind::Symlink => return Err(is_link()),
            },
            None if options.is_create() => self.engine.create(&mut state, place, Kind::File).await?,
            None => return Err(Error::new(ErrorKind::NotFound, operation)),
        };
        if entry.is_some() && options.is_truncate() {
            self.engine.set_len_to(&mut state, ino, 0).await?;
        }
        self.engine.handles.acquire(ino);
        Ok(ino)
    }

    async fn replace(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        let mut state = self.engine.growing(Operation::Write).await?;
        let Some((_, there)) = self.engine.place(&state, path).await? else {
            return Err(Error::new(ErrorKind::IsADirectory, Operation::Write));
        };
        let mode = match there {
            Some(there) if there.kind == Kind::Directory => return Err(Error::new(ErrorKind::IsADirectory, Operation::Write)),
            Some(there) if there.kind == Kind::Symlink => {
                let text = "it is a symbolic link, which this engine does not follow";
                return Err(Error::new(ErrorKind::InvalidInput, Operation::Write).with_text(text));
            }
            Some(there) => self.engine.inode(&state, there.ino).await?.mode,
            None => None,
        };
        let ino = state.ids.take();
        let inode = Inode { mode, ..Inode::new(Kind::File, ino, None) };
        state.set(Key::Inode(ino), Some(Record::Inode(Arc::new(inode))));
        // Without a name, it is kept by being open.
        self.engine.handles.acquire(ino);
        let written = self.fill_and_bind(&mut state, path, ino, data).await;
        if written.is_err() {
            self.engine.handles.remove(ino);
        }
        self.engine.handles.release(ino);
        self.engine.let_go_released(&mut state).await?;
        written
    }

    async fn fill_and_bind(&self, state: &mut State, path: &StoragePath, ino: u64, data: &[u8]) -> Result<()> {
        self.engine.set_len_to(state, ino, 0).await?;
        self.engine.write_to(state, ino, 0, data).await?;
        let Some((place, there)) = self.engine.place(state, path).await? else {
            return Err(Error::new(ErrorKind::IsADirectory, Operation::Write));
        };
        let mut inode = Inode::clone(&*self.engine.inode(state, ino).await?);
        if let Some(there) = there {
            self.engine.unbind(state, &place, there.ino).await?;
            inode.changed.replaced = true;
        }
        self.engine.bind(state, place, ino, inode).await
    }

    async fn read_whole(&self, path: &StoragePath) -> Result<Vec<u8>> {
        let state = self.engine.shared(Operation::Read).await?;
        let entry = self.engine.find(&state, path).await?;
        match entry.kind {
            Kind::File => {}
            Kind::Directory => return Err(Error::new(ErrorKind::IsADirectory, Operation::Read)),
            Kind::Symlink => {
                let text = "it is a symbolic link, which this engine does not follow";
                return Err(Error::new(ErrorKind::InvalidInput, Operation::Read).with_text(text));
            }
        }
        let len = self.engine.inode(&state, entry.ino).await?.len;
        let too_large = || Error::new(ErrorKind::InvalidInput, Operation::Read).with_text(format!("{len} bytes do not fit into memory"));
        let len = usize::try_from(len).map_err(|_| too_large())?;
        let mut data = Vec::new();
        data.try_reserve_exact(len).map_err(|_| too_large())?;
        data.resize(len, 0);
        self.engine.read_from(&state, entry.ino, 0, &mut data).await?;
        Ok(data)
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
        let ino = self.open_file(path, options).await.map_err(about(Operation::Open, path))?;
        Ok(Box::new(KvFile::new(Arc::clone(&self.engine), ino, path.clone(), options)))
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
        self.engine.create_dir(path).await.map_err(about(Operation::CreateDir, path))
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.engine.remove_file(path).await.map_err(about(Operation::RemoveFile, path))
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.engine.remove_dir(path).await.map_err(about(Operation::RemoveDir, path))
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.engine.rename(from, to).await.map_err(about(Operation::Rename, from))
    }

    async fn sync(&self) -> Result<()> {
        self.engine.sync(None).await.map_err(|error| error.in_operation(Operation::Sync))
    }

    async fn close(&self) -> Result<()> {
        let mut state = self.engine.exclusive(Operation::Close).await?;
        state.closed = true;
        self.engine.store.close().await.map_err(|error| error.in_operation(Operation::Close))
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.read_whole(path).await.map_err(about(Operation::Read, path))
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.replace(path, data).await.map_err(about(Operation::Write, path))
    }

    async fn usage(&self) -> Result<Usage> {
        let _state = self.engine.shared(Operation::Usage).await?;
        if !self.engine.options.usage {
            return Err(Error::new(ErrorKind::Unsupported, Operation::Usage));
        }
        self.engine.store.size().await.map_err(|error| error.in_operation(Operation::Usage))
    }

    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.engine.set_attributes(path, attributes).await.map_err(about(Operation::SetAttributes, path))
    }
}

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use anystorage_api::{Blocking, Error, ErrorKind, OpenOptions, Operation, Result, StorageBackend, StoragePath};

use crate::file::DatabaseFile;

/// An engine whose files redb uses. Clones share the engine.
#[derive(Debug)]
pub struct Databases<B> {
    engine: Arc<Blocking<B>>,
    open: Open,
}

/// The paths of files that are open as databases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Open(Arc<Mutex<HashSet<StoragePath>>>);

/// That a file is open. It is not when this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    open: Open,
    path: StoragePath,
}

impl<B: StorageBackend> Databases<B> {
    /// On this engine. Two of them on one engine do not see each other's databases: clone one instead.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for an engine that several processes may have open at once.
    pub fn on(engine: Blocking<B>) -> Result<Self> {
        if engine.capabilities().shared {
            let text = "several processes may have its files open at once, and a database must be open once";
            return Err(Error::new(ErrorKind::Unsupported, Operation::Configure).with_text(text));
        }
        Ok(Self { engine: Arc::new(engine), open: Open::default() })
    }

    /// The engine, for other files.
    #[must_use]
    pub fn engine(&self) -> &Blocking<B> {
        &self.engine
    }

    /// A file for [`create_with_backend`](redb::Builder::create_with_backend), which is created if it is missing. It is closed when the database
    /// is dropped.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if it is open already; [`InvalidPath`](ErrorKind::InvalidPath) if it leads over a symbolic link; what the engine answers to opening it, such as [`NotFound`](ErrorKind::NotFound) if
    /// its directory is missing.
    pub fn open(&self, path: &StoragePath) -> Result<DatabaseFile> {
        self.open_with(path, &OpenOptions::editing())
    }

    /// The same with a file that is there.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); [`NotFound`](ErrorKind::NotFound) if the file is missing.
    pub fn open_existing(&self, path: &StoragePath) -> Result<DatabaseFile> {
        self.open_with(path, &OpenOptions::new().read(true).write(true))
    }

    fn open_with(&self, path: &StoragePath, options: &OpenOptions) -> Result<DatabaseFile> {
        if let Some(link) = self.engine.link_on(path)? {
            let text = format!("{link} is a symbolic link: name the database itself, for it is told by its name whether it is open");
            return Err(Error::new(ErrorKind::InvalidPath, Operation::Open).with_path(path).with_text(text));
        }
        let claim = self.open.claim(path)?;
        Ok(DatabaseFile::new(self.engine.open(path, options)?, claim))
    }
}

impl<B> Clone for Databases<B> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), open: self.open.clone() }
    }
}

impl Open {
    fn claim(&self, path: &StoragePath) -> Result<Claim> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        if is_free {
            return Ok(Claim { open: self.clone(), path: path.clone() });
        }
        let text = "it is open as a database already: use that one, or drop it first";
        Err(Error::new(ErrorKind::Locked, Operation::Open).with_path(path).with_text(text))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.open.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

//! A backend around a backend, with a hook in front of every call: a broken engine is a name and the calls it gets wrong.

pub(crate) mod attributes;
pub(crate) mod bytes;
pub(crate) mod durable;
pub(crate) mod handles;
pub(crate) mod honesty;
pub(crate) mod listing;
pub(crate) mod names;
pub(crate) mod tree;
pub(crate) mod whole_files;

use std::fmt::Debug;
use std::sync::Arc;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};
use anystorage_conformance::subject::{FlushFaults, Place, Subject};

/// What an engine does wrong. Every call goes to the engine below unless the fault says otherwise.
#[engine]
pub(crate) trait Fault: Debug + Send + Sync + 'static {
    fn capabilities(&self, inner: &Inner) -> Capabilities {
        inner.capabilities()
    }
    /// Beside the opening of the location itself.
    async fn open_location(&self, inner: Inner) -> Result<Inner> {
        Ok(inner)
    }
    async fn open(&self, inner: &Inner, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        inner.open(path, options).await
    }
    async fn stat(&self, inner: &Inner, path: &StoragePath) -> Result<Metadata> {
        inner.stat(path).await
    }
    async fn list(&self, inner: &Inner, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        inner.list(directory, after, limit).await
    }
    async fn create_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        inner.create_dir(path).await
    }
    async fn remove_file(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        inner.remove_file(path).await
    }
    async fn remove_dir(&self, inner: &Inner, path: &StoragePath) -> Result<()> {
        inner.remove_dir(path).await
    }
    async fn rename(&self, inner: &Inner, from: &StoragePath, to: &StoragePath) -> Result<()> {
        inner.rename(from, to).await
    }
    async fn sync(&self, inner: &Inner) -> Result<()> {
        inner.sync().await
    }
    async fn close(&self, inner: &Inner) -> Result<()> {
        inner.close().await
    }
    async fn read(&self, inner: &Inner, path: &StoragePath) -> Result<Vec<u8>> {
        inner.read(path).await
    }
    async fn write(&self, inner: &Inner, path: &StoragePath, data: &[u8]) -> Result<()> {
        inner.write(path, data).await
    }
    async fn usage(&self, inner: &Inner) -> Result<Usage> {
        inner.usage().await
    }
    async fn set_attributes(&self, inner: &Inner, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        inner.set_attributes(path, attributes).await
    }
    async fn read_at(&self, file: &Opened, offset: u64, buf: &mut [u8]) -> Result<usize> {
        file.inner.read_at(offset, buf).await
    }
    async fn write_at(&self, file: &Opened, offset: u64, data: &[u8]) -> Result<()> {
        file.inner.write_at(offset, data).await
    }
    async fn set_len(&self, file: &Opened, len: u64) -> Result<()> {
        file.inner.set_len(len).await
    }
    async fn stat_file(&self, file: &Opened) -> Result<Metadata> {
        file.inner.stat().await
    }
    async fn sync_file(&self, file: &Opened) -> Result<()> {
        file.inner.sync().await
    }
    async fn close_file(&self, inner: Box<dyn StorageFile>) -> Result<()> {
        inner.close().await
    }
}

/// A fault and its name, which says what is wrong.
pub(crate) type Named = (&'static str, fn() -> Arc<dyn Fault>);

/// A fault: a name, what it remembers, and the calls it gets wrong.
macro_rules! fault {
    ($name:ident { $($field:ident: $type:ty),* } $($wrong:tt)*) => {
        #[derive(Debug, Default)]
        struct $name { $($field: $type),* }

        #[anystorage_api::engine]
        impl $crate::broken::Fault for $name { $($wrong)* }
    };
}

/// The list of a module's faults.
macro_rules! faults {
    ($($text:literal => $name:expr),* $(,)?) => {
        pub(crate) const FAULTS: &[$crate::broken::Named] = &[$(($text, || std::sync::Arc::new($name))),*];
    };
}

pub(crate) use {fault, faults};

/// The engine below.
pub(crate) type Inner = Arc<dyn StorageBackend>;

/// An open file, and what a fault may want to know of it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) inner: Box<dyn StorageFile>,
    pub(crate) path: StoragePath,
    pub(crate) options: OpenOptions,
    pub(crate) backend: Inner,
}

/// An engine with a fault, as a subject. Every opening of a location begins with a fresh fault.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    name: &'static str,
    inner: Arc<dyn Subject>,
    make: fn() -> Arc<dyn Fault>,
}

impl Broken {
    pub(crate) fn new(name: &'static str, inner: Arc<dyn Subject>, make: fn() -> Arc<dyn Fault>) -> Self {
        Self { name, inner, make }
    }
}

#[engine]
impl Subject for Broken {
    fn name(&self) -> String {
        format!("{}: {}", self.inner.name(), self.name)
    }
    fn expected(&self) -> Option<Capabilities> {
        self.inner.expected()
    }
    async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
        Ok(Box::new(BrokenPlace { inner: self.inner.place(label).await?, make: self.make }))
    }
}

#[derive(Debug)]
struct BrokenPlace {
    inner: Box<dyn Place>,
    make: fn() -> Arc<dyn Fault>,
}

impl BrokenPlace {
    async fn wrap(&self, inner: Box<dyn StorageBackend>) -> Result<Box<dyn StorageBackend>> {
        let fault = (self.make)();
        let inner = fault.open_location(Arc::new(inner)).await?;
        Ok(Box::new(BrokenBackend { inner, fault }))
    }
}

#[engine]
impl Place for BrokenPlace {
    async fn open(&self) -> Result<Box<dyn StorageBackend>> {
        self.wrap(self.inner.open().await?).await
    }
    async fn small(&self, bytes: u64) -> Result<Option<Box<dyn Place>>> {
        let small = self.inner.small(bytes).await?;
        Ok(small.map(|inner| Box::new(Self { inner, make: self.make }) as Box<dyn Place>))
    }
    async fn open_with_faults(&self) -> Result<Option<(Box<dyn StorageBackend>, Box<dyn FlushFaults>)>> {
        match self.inner.open_with_faults().await? {
            Some((backend, faults)) => Ok(Some((self.wrap(backend).await?, faults))),
            None => Ok(None),
        }
    }
    async fn damage(&self, seed: u64) -> Result<Option<String>> {
        self.inner.damage(seed).await
    }
}

#[derive(Debug)]
struct BrokenBackend {
    inner: Inner,
    fault: Arc<dyn Fault>,
}

#[engine]
impl StorageBackend for BrokenBackend {
    fn capabilities(&self) -> Capabilities {
        self.fault.capabilities(&self.inner)
    }
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let inner = self.fault.open(&self.inner, path, options).await?;
        let file = Opened { inner, path: path.clone(), options: *options, backend: Arc::clone(&self.inner) };
        Ok(Box::new(BrokenFile { file, fault: Arc::clone(&self.fault) }))
    }
    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.fault.stat(&self.inner, path).await
    }
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.fault.list(&self.inner, directory, after, limit).await
    }
    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.fault.create_dir(&self.inner, path).await
    }
    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.fault.remove_file(&self.inner, path).await
    }
    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.fault.remove_dir(&self.inner, path).await
    }
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.fault.rename(&self.inner, from, to).await
    }
    async fn sync(&self) -> Result<()> {
        self.fault.sync(&self.inner).await
    }
    async fn close(&self) -> Result<()> {
        self.fault.close(&self.inner).await
    }
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.fault.read(&self.inner, path).await
    }
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.fault.write(&self.inner, path, data).await
    }
    async fn usage(&self) -> Result<Usage> {
        self.fault.usage(&self.inner).await
    }
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.fault.set_attributes(&self.inner, path, attributes).await
    }
}

#[derive(Debug)]
struct BrokenFile {
    file: Opened,
    fault: Arc<dyn Fault>,
}

#[engine]
impl StorageFile for BrokenFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.fault.read_at(&self.file, offset, buf).await
    }
    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.fault.write_at(&self.file, offset, data).await
    }
    async fn set_len(&self, len: u64) -> Result<()> {
        self.fault.set_len(&self.file, len).await
    }
    async fn stat(&self) -> Result<Metadata> {
        self.fault.stat_file(&self.file).await
    }
    async fn sync(&self) -> Result<()> {
        self.fault.sync_file(&self.file).await
    }
    async fn close(self: Box<Self>) -> Result<()> {
        let Self { file, fault } = *self;
        fault.close_file(file.inner).await
    }
}

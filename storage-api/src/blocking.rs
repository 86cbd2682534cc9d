use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::{
    Attributes, Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageBackendExt,
    StoragePath, Usage,
};

mod file;
mod walk;

pub use file::BlockingFile;
pub use walk::BlockingWalk;

/// A backend without `async`: every call of [`StorageBackend`] and [`StorageBackendExt`] as a plain function.
///
/// It takes [`immediate`](Capabilities::immediate) engines only, whose calls are ready when first polled; so it needs neither a runtime
/// nor a second thread, and works wherever the engine does. `B` may be an engine, or a `Box` or an `Arc` of one, `dyn` too.
///
/// Should a call have to wait after all, it answers [`WouldBlock`](ErrorKind::WouldBlock); whether it took effect is unknown then.
///
/// ```
/// use std::io::{Read, Seek, Write};
///
/// use anystorage_api::{Blocking, OpenOptions, StoragePath};
/// use anystorage_memory::MemoryBackend;
///
/// let storage = Blocking::new(MemoryBackend::new())?;
/// let mut file = storage.open(&StoragePath::parse("log")?, &OpenOptions::editing())?;
/// writeln!(file, "first line")?;
/// file.rewind()?;
/// let mut text = String::new();
/// file.read_to_string(&mut text)?;
/// assert_eq!(text, "first line\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Blocking<B> {
    backend: B,
}

impl<B: StorageBackend> Blocking<B> {
    /// The blocking face of `backend`.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the engine is not immediate.
    pub fn new(backend: B) -> Result<Self> {
        if backend.capabilities().immediate {
            return Ok(Self { backend });
        }
        let why = "its calls have to wait, so only async code can use it; open an immediate engine instead, \
                   or this one without the layer that moves its calls elsewhere";
        Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(why))
    }

    /// The backend inside.
    pub const fn backend(&self) -> &B {
        &self.backend
    }

    /// The backend, for async use again.
    pub fn into_inner(self) -> B {
        self.backend
    }

    /// [`StorageBackend::capabilities`].
    pub fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }

    /// [`StorageBackend::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<BlockingFile> {
        let file = at_once(Operation::Open, Some(path), self.backend.open(path, options))?;
        Ok(BlockingFile::new(file, path.clone()))
    }

    /// [`StorageBackend::usage`].
    ///
    /// # Errors
    /// As there.
    pub fn usage(&self) -> Result<Usage> {
        at_once(Operation::Usage, None, self.backend.usage())
    }

    /// [`StorageBackend::sync`].
    ///
    /// # Errors
    /// As there.
    pub fn sync(&self) -> Result<()> {
        at_once(Operation::Sync, None, self.backend.sync())
    }

    /// [`StorageBackend::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&self) -> Result<()> {
        at_once(Operation::Close, None, self.backend.close())
    }

    /// [`StorageBackendExt::walk`], as an iterator.
    pub fn walk(&self, directory: &StoragePath) -> BlockingWalk<'_, B> {
        BlockingWalk::new(self.backend.walk(directory))
    }
}

macro_rules! on_a_path {
    ($($doc:literal $name:ident($path:ident $(, $argument:ident: $type:ty)*) -> $value:ty, $operation:ident;)*) => {
        impl<B: StorageBackend> Blocking<B> {
            $(
                #[doc = $doc]
                ///
                /// # Errors
                /// As there.
                pub fn $name(&self, $path: &StoragePath $(, $argument: $type)*) -> Result<$value> {
                    at_once(Operation::$operation, Some($path), self.backend.$name($path $(, $argument)*))
                }
            )*
        }
    };
}

on_a_path! {
    "[`StorageBackend::stat`]."
    stat(path) -> Metadata, Stat;
    "[`StorageBackend::list`]."
    list(directory, after: Option<&str>, limit: usize) -> Vec<DirEntry>, List;
    "[`StorageBackend::create_dir`]."
    create_dir(path) -> (), CreateDir;
    "[`StorageBackend::remove_file`]."
    remove_file(path) -> (), RemoveFile;
    "[`StorageBackend::remove_dir`]."
    remove_dir(path) -> (), RemoveDir;
    "[`StorageBackend::rename`]."
    rename(from, to: &StoragePath) -> (), Rename;
    "[`StorageBackend::read`]."
    read(path) -> Vec<u8>, Read;
    "[`StorageBackend::write`]."
    write(path, data: &[u8]) -> (), Write;
    "[`StorageBackend::set_attributes`]."
    set_attributes(path, attributes: &Attributes) -> (), SetAttributes;
    "[`StorageBackendExt::entry`]."
    entry(path) -> Option<DirEntry>, List;
    "[`StorageBackendExt::link_on`]."
    link_on(path) -> Option<StoragePath>, List;
    "[`StorageBackendExt::exists`]."
    exists(path) -> bool, Stat;
    "[`StorageBackendExt::is_file`]."
    is_file(path) -> bool, Stat;
    "[`StorageBackendExt::is_dir`]."
    is_dir(path) -> bool, Stat;
    "[`StorageBackendExt::read_to_string`]."
    read_to_string(path) -> String, Read;
    "[`StorageBackendExt::list_all`]."
    list_all(directory) -> Vec<DirEntry>, List;
    "[`StorageBackendExt::create_dir_all`]."
    create_dir_all(path) -> (), CreateDir;
    "[`StorageBackendExt::remove_dir_all`]."
    remove_dir_all(path) -> (), RemoveDir;
    "[`StorageBackendExt::copy`]."
    copy(from, to: &StoragePath) -> u64, Copy;
}

/// The outcome of a call that must be ready when first polled.
fn at_once<T>(operation: Operation, path: Option<&StoragePath>, call: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => {
            let why = "the engine calls itself immediate, and this call was not ready when first polled";
            let error = Error::new(ErrorKind::WouldBlock, operation).with_text(why);
            Err(match path {
                Some(path) => error.with_path(path),
                None => error,
            })
        }
    }
}

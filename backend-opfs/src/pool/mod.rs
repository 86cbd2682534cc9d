//! OPFS files that are opened ahead, one synchronous access handle each, with a name table in front.
//!
//! The engine is [`anystorage_pool`]. A location is open when all its handles are; from then on no call waits for the browser, and every one is done when its future is
//! first polled (`immediate`). Each file is an OPFS file from its first byte to its last, so reading, writing and flushing it is one call of its
//! handle. It is for databases, and for whoever else wants direct I/O on a few large files without waiting.
//!
//! ```no_run
//! # #[cfg(all(target_family = "wasm", target_os = "unknown"))]
//! # async fn keep() -> anystorage_api::Result<()> {
//! use anystorage_api::{StorageBackend, StoragePath};
//! use anystorage_opfs::pool::{self, PoolOptions};
//!
//! let shop = pool::open("shop", &PoolOptions::new().capacity(8)).await?;
//! shop.write(&StoragePath::parse("orders.db")?, b"").await?;
//! shop.sync().await?;
//! shop.reserve(20).await?;
//! shop.close().await
//! # }
//! ```
//!
//! # How it keeps them
//!
//! The directory of a location has one directory, `.anystorage-~pool`, by which the layout is known. In it are the name table, `table`, and the
//! files, under their numbers. Other programs of the origin see those, and not their names.
//!
//! There are as many as `capacity` asks for. When all are in use, a new one is [`NoSpace`](anystorage_api::ErrorKind::NoSpace): a call that may
//! not wait cannot open a handle. [`Pool::reserve`] opens more. They stay, and each is opened with the location: that takes about half a millisecond in Chromium.
//!
//! [`Pool::import_sahpool`] and [`Pool::export_sahpool`] copy databases from and to `opfs-sahpool`, the pool of handles of SQLite's own
//! WebAssembly build.
//!
//! # In a page
//!
//! It is for dedicated workers alone: in a page, where no call could be done at once, opening it is refused, with a text that names the layouts
//! that are for pages.
//!
//! # What it costs
//!
//! What [`anystorage_pool`] says, by handles: a sync of a file whose name is stored flushes its handle once: one fdatasync in
//! Chromium 156 (20 for 20 syncs, told by strace), and none without a change.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract), beside what [`anystorage_pool`] says of each:
//!
//! - 1 and 2: a flush hands bytes to the system at least; whether they outlive the power is up to the browser. What the browser says of a
//!   new file is so for whoever asks next.
//! - 7, *one holder*: the Web Locks of the location and of the directories that lead to it, and the handles themselves, of which there is one of each file. With the
//!   locks in hand, a handle that is busy is waited for, up to five seconds.
//! - 8, *space*: a write of which the count is not the one asked for, or a file that cannot be lengthened, is `NoSpace`. Chromium counts what was
//!   cut off a file against the quota until its handle is closed: where space runs out, spare files are closed for that, and opened again a
//!   moment later. Until then `capacity` is smaller.
//! - 10, *no silent fall-back*: where there are no handles, opening is refused. So it is where the directory has another layout, or files.
//!
//! # What is missing
//!
//! `usage`: browsers round what they tell, and tell it late. Files are not made fewer. When a file was changed is known while the location is open, and
//! not kept.

mod file;
mod files;
mod options;
mod sahpool;
#[cfg(feature = "conformance")]
pub mod subject;

use std::cell::{Cell, OnceCell};
use std::rc::{Rc, Weak};

use anystorage_api::{
    Capabilities, DirEntry, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath, engine,
};
use anystorage_browser_host::global;
use anystorage_pool::{PoolBackend, PoolHost};

pub use options::{DEFAULT_CAPACITY, PoolOptions};
pub use sahpool::Imported;

use self::file::OpfsFile;
use self::files::{Files, TABLE};
use crate::faults::FlushFaults;
use crate::hold::Hold;
use crate::host::{Directory, failed, has_handles};
use crate::layout::Layout;
use crate::names::{POOL, to_host};
use crate::names_log::pass_over_what_is_torn;
use crate::options::Mode;

/// Opens the location of this name, a directory below the root of the origin's private file system, and holds it until it is closed, or all
/// its clones and open files are dropped.
///
/// # Errors
/// [`Locked`](ErrorKind::Locked) if somebody holds it, or one that it lies in, or one that lies in it; [`Unsupported`](ErrorKind::Unsupported)
/// where there are no synchronous access handles, which dedicated workers alone have, and where there is no OPFS;
/// [`PermissionDenied`](ErrorKind::PermissionDenied) where the site may store nothing; [`NotFound`](ErrorKind::NotFound) if it must be there and is
/// not; [`InvalidInput`](ErrorKind::InvalidInput) if it has another layout, or is a directory with files; [`Corrupt`](ErrorKind::Corrupt) if
/// its name table is damaged.
pub async fn open(name: &str, options: &PoolOptions) -> Result<Pool> {
    open_with_faults(name, options, &FlushFaults::default()).await
}

/// As [`open`], with flushes that fail when `faults` says so: for tests.
///
/// # Errors
/// Those of [`open`].
pub async fn open_with_faults(name: &str, options: &PoolOptions, faults: &FlushFaults) -> Result<Pool> {
    let path = StoragePath::parse(name)?;
    if !has_handles() {
        let text = "synchronous access handles, which layout=pool needs, exist in dedicated workers alone: open the location in one, or take \
                    another layout here: tree, or packed";
        return Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text));
    }
    let hold = Hold::take(&path).await?;
    let origin = Directory::of_origin().await?;
    pass_over_what_is_torn(&origin).await;
    let directory = directory(&origin, &path, options.mode).await?;
    let more = Rc::new_cyclic(|more| More {
        files: Files::new(directory, faults.clone(), Weak::clone(more)),
        next: Cell::new(0),
        backend: OnceCell::new(),
    });
    let numbers = more.files.numbers().await?;
    let table = OpfsFile::holding(more.files.handle(TABLE).await?, hold);
    let opened = more.files.open(&numbers).await?;
    let backend = PoolBackend::open(table, opened, PoolHost::new().clock(global::now).salt(global::random()))?;
    more.next.set(backend.next_number());
    let backend = more.backend.get_or_init(|| backend).clone();
    let pool = Pool { backend, more };
    // What was set aside is nobody's.
    let usable = pool.capacity().saturating_sub(pool.backend.set_aside());
    pool.add(options.capacity.saturating_sub(usable)).await?;
    Ok(pool)
}

/// The directory of a location's files, which is created if it may be.
async fn directory(origin: &Directory, path: &StoragePath, mode: Mode) -> Result<Directory> {
    let operation = Operation::OpenLocation;
    let creates = mode == Mode::ReadWriteCreate;
    let root = origin.below(path.parts().map(to_host), creates).await.map_err(failed(operation))?;
    match root.directory(POOL, false).await {
        Ok(directory) => Ok(directory),
        Err(exception) if exception.name() == "NotFoundError" => {
            if let other @ Some(_) = Layout::of_directory(&root).await? {
                return Err(Layout::Pool.mistaken(other));
            }
            if !root.entries().await?.is_empty() {
                return Err(Layout::Pool.mistaken(None));
            }
            if !creates {
                let text = format!(
                    "the location {:?} of the origin's private file system holds nothing yet, and was not to be created",
                    path.as_str()
                );
                return Err(Error::new(ErrorKind::NotFound, operation).with_text(text));
            }
            root.directory(POOL, true).await.map_err(failed(operation))
        }
        Err(exception) => Err(exception.into_error(operation)),
    }
}

/// A location whose files are open. Clones are the same location: one can be given away as a `Box<dyn StorageBackend>`, or to
/// [`Blocking`](anystorage_api::Blocking), while another one is kept for [`reserve`](Self::reserve).
#[derive(Clone, Debug)]
pub struct Pool {
    backend: PoolBackend<OpfsFile>,
    more: Rc<More>,
}

/// Where more files come from.
#[derive(Debug)]
struct More {
    files: Files,
    /// The number of the next one.
    next: Cell<u32>,
    /// Where they go.
    backend: OnceCell<PoolBackend<OpfsFile>>,
}

impl More {
    /// Opens a file again that was closed.
    async fn reopen(&self, number: u32) -> Result<()> {
        let Some(backend) = self.backend.get() else { return Ok(()) };
        for (number, file) in self.files.open(&[number]).await? {
            backend.add(number, file)?;
        }
        Ok(())
    }
}

impl Pool {
    /// How many files it has, whatever they are used for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.backend.capacity()
    }

    /// How many files can be created without removing any, and without [`reserve`](Self::reserve).
    #[must_use]
    pub fn spare(&self) -> usize {
        self.backend.spare()
    }

    /// Sees to it that at least so many files can be created: what is missing is made and opened, and stays.
    ///
    /// # Errors
    /// [`NoSpace`](ErrorKind::NoSpace) and whatever else the browser reports: then there may be fewer. [`Closed`](ErrorKind::Closed).
    pub async fn reserve(&self, files: usize) -> Result<()> {
        self.add(files.saturating_sub(self.spare())).await
    }

    /// How many files are kept that have bytes and no name, because a name table was damaged that may have named them: see
    /// [`anystorage_pool`].
    #[must_use]
    pub fn set_aside(&self) -> usize {
        self.backend.set_aside()
    }

    /// Gives up what was set aside, so that new files can have it.
    ///
    /// # Errors
    /// Those of [`sync`](StorageBackend::sync).
    pub fn discard_set_aside(&self) -> Result<()> {
        self.backend.discard_set_aside()
    }

    async fn add(&self, count: usize) -> Result<()> {
        let first = self.more.next.get();
        let numbers: Vec<u32> = (first..u32::MAX).take(count).collect();
        if numbers.len() < count {
            return Err(Error::new(ErrorKind::NoSpace, Operation::Open).with_text("the numbers of the pool's files are used up"));
        }
        // Before anything is waited for: whoever asks meanwhile has others.
        self.more.next.set(numbers.last().map_or(first, |last| last.saturating_add(1)));
        for (number, file) in self.more.files.open(&numbers).await? {
            self.backend.add(number, file)?;
        }
        Ok(())
    }
}

#[engine]
impl StorageBackend for Pool {
    fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        self.backend.open(path, options).await
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.backend.stat(path).await
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        self.backend.list(directory, after, limit).await
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.backend.create_dir(path).await
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.backend.remove_file(path).await
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.backend.remove_dir(path).await
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.backend.rename(from, to).await
    }

    async fn sync(&self) -> Result<()> {
        self.backend.sync().await
    }

    async fn close(&self) -> Result<()> {
        self.backend.close().await
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.backend.write(path, data).await
    }
}

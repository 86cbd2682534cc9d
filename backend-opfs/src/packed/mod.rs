//! All files in one OPFS file, through one synchronous access handle.
//!
//! The file is a [redb](https://www.redb.org) database, the engine above it [`anystorage_redb`]. A location is open when the handle is; from
//! then on, in a dedicated worker, no call waits for the browser, and every one is done when its future is first polled (`immediate`). So small
//! files cost what their bytes cost, and not 2.5 milliseconds each; a sync is one commit, whatever was changed; and reading names and lengths
//! reads memory.
//!
//! ```no_run
//! # #[cfg(all(target_family = "wasm", target_os = "unknown"))]
//! # async fn keep() -> anystorage_api::Result<()> {
//! use anystorage_api::{StorageBackend, StoragePath};
//! use anystorage_opfs::packed::{self, PackedOptions};
//!
//! let notes = packed::open("notes", &PackedOptions::new()).await?;
//! notes.write(&StoragePath::parse("plan.md")?, b"# Plan").await?;
//! notes.sync().await?;
//! notes.close().await
//! # }
//! ```
//!
//! # How it keeps them
//!
//! The directory of a location has one file, `.anystorage-~packed`, by which the layout is known. Other programs of the origin see that
//! file, and not those in it.
//!
//! A tab that is closed, reloaded or killed closes nothing: each opening may be one after a crash. Every durable commit of redb therefore also says
//! which pages are free, so that opening reads little, whatever is stored; that takes a second flush. So most syncs are none: they write what
//! changed to a log of 512 KiB in the same file, and flush once. redb commits durably when the log is full, when much was changed between two
//! syncs, and when the location is closed.
//!
//! # In a page
//!
//! With the feature `packed-page`, opening a location in a page starts a dedicated worker, as [`tree`](crate::tree) does, and the worker runs the
//! module of the page once more, with a memory of its own: of it redb alone, over the handle. The tree of files, its caches and its changes
//! are in the page; so what was read before, names and lengths cost no message, and a sync is one. Calls wait for the browser (`immediate` is not
//! declared). The page's module comes from wasm-bindgen, which knows it in builds with `--target web`, `module` or `no-modules`; it refuses to
//! build with `--target bundler`, and so this is a feature of its own. A module that shares its memory between threads cannot be
//! used. Where redb panics over damaged bytes the worker ends, and the page is told that the location is [`Corrupt`](ErrorKind::Corrupt); in a
//! dedicated worker of one's own nothing can catch that.
//!
//! # What it costs
//!
//! - A sync of a change flushes the handle once as long as the log has room for what was changed, and twice otherwise, about once for each half
//!   megabyte: one fdatasync in Chromium 156, one fsync in Firefox 153 (told by strace; Firefox has some more for a database of its own). Without
//!   a change there is none.
//! - redb's pages, up to 4 MiB of them, wait for the next flush, and go to the handle in few long calls: in Firefox a call takes a tenth of a
//!   millisecond, however short it is.
//! - Each block has a checksum that is verified as it is read, and redb copies it: reading 4 KiB of a block of which nothing is in memory takes
//!   several times as long as by the handle itself, and so do long streams. Reading some of it again, here and there, takes 2.5 to 2.9 times as
//!   long in Chromium and 1.3 to 1.4 times in Firefox: that part alone is read, and compared with checksums that are kept, for about 160 MiB of
//!   files.
//! - The module is larger by a quarter of a megabyte, compressed: so it is a feature of its own.
//!
//! # What it keeps
//!
//! The lines of [the contract](anystorage_api::contract), beside what [`anystorage_redb`] says of each:
//!
//! - 1 and 2: a flush hands bytes to the system at least; whether they outlive the power is up to the browser.
//! - 7, *one holder*: the Web Locks of the location and of the directories that lead to it, and the handle itself, of which there is one.
//! - 8, *space*: a write of which the count is not the one asked for, or a file that cannot be lengthened, is `NoSpace`. The browser counts
//!   the whole file, which is as long as what is used of it, and a little more ([`ExtentFile`]). Half a megabyte of that is for removals when all
//!   else is used up.
//! - 10, *no silent fall-back*: where there are no handles, and no worker is to be had that has them, opening is refused. So it is where the
//!   directory has another layout, or files.
//!
//! # What is missing
//!
//! `usage`: browsers round what they tell, and tell it late.
//!
//! Where an origin is full, changes that were refused stay pending, and each sync takes them along, one of a removal too. In Chromium, which takes
//! the space of a file twofold as it grows, there may be no room for both: then the location has to be opened again, which gives up what was
//! refused, before removing makes room.

mod handle_file;
mod options;
#[cfg(feature = "packed-page")]
mod page;
#[cfg(feature = "conformance")]
pub mod subject;

#[cfg(feature = "packed-page")]
use std::rc::Rc;

use anystorage_api::{Durability, Error, ErrorKind, Operation, Result, StorageBackend, StoragePath};
use anystorage_browser_host::exception::Exception;
use anystorage_browser_host::global;
use anystorage_kv::{KvBackend, KvOptions};
use anystorage_redb::{ExtentFile, RedbStore};
use futures_lite::future::zip;

pub use options::{DEFAULT_BLOCK_SIZE, DEFAULT_CACHE_BYTES, PackedOptions};

use self::handle_file::HandleFile;
use crate::faults::FlushFaults;
use crate::handle::Handle;
use crate::hold::Hold;
use crate::host::{Directory, Plain, failed, has_handles};
use crate::layout::Layout;
use crate::names::{PACKED, to_host};
use crate::names_log::pass_over_what_is_torn;
use crate::options::Mode;
#[cfg(feature = "packed-page")]
use crate::worker::{Link, start};

/// Opens the location of this name, a directory below the root of the origin's private file system, and holds it until it is closed or
/// dropped.
///
/// # Errors
/// [`Locked`](ErrorKind::Locked) if somebody holds it, or one that it lies in, or one that lies in it; [`Unsupported`](ErrorKind::Unsupported)
/// where there are neither synchronous access handles nor workers of ours that have them, and where there is no OPFS;
/// [`PermissionDenied`](ErrorKind::PermissionDenied) where the site may store
/// nothing; [`NotFound`](ErrorKind::NotFound) if it must be there and is not; [`InvalidInput`](ErrorKind::InvalidInput) if it has another
/// layout, or is a directory with files; [`Corrupt`](ErrorKind::Corrupt) if its file is damaged.
pub async fn open(name: &str, options: &PackedOptions) -> Result<Box<dyn StorageBackend>> {
    open_with_faults(name, options, &FlushFaults::default()).await
}

/// As [`open`], with flushes that fail when `faults` says so: for tests.
///
/// # Errors
/// Those of [`open`].
pub async fn open_with_faults(name: &str, options: &PackedOptions, faults: &FlushFaults) -> Result<Box<dyn StorageBackend>> {
    let host = KvOptions::new().durability(Durability::Process).usage(false).clock(global::now).salt(global::random());
    let kv = anystorage_redb::kv_options(&options.redb(), host);
    Ok(match Store::open(name, options, faults).await? {
        Store::Here(store) => Box::new(KvBackend::open(*store, kv.immediate(true)).await?),
        #[cfg(feature = "packed-page")]
        Store::InWorker(store) => Box::new(KvBackend::open(store, options.in_page(kv)).await?),
    })
}

/// The store of a location by itself.
#[derive(Debug)]
enum Store {
    Here(Box<RedbStore>),
    #[cfg(feature = "packed-page")]
    InWorker(page::WorkerStore),
}

impl Store {
    async fn open(name: &str, options: &PackedOptions, faults: &FlushFaults) -> Result<Self> {
        let path = StoragePath::parse(name)?;
        let title = title(name);
        // The browser looks for its free space meanwhile.
        let free = async { global::estimate().await.ok().and_then(|usage| usage.free) };
        let (free, found) = zip(free, Found::look_for(&path, options, faults)).await;
        let opened = match found? {
            Found { hold, by: By::Handle(handle) } => {
                let file = ExtentFile::over(HandleFile::new(handle, hold, free)).map_err(|error| not_opened(&title, error))?;
                RedbStore::open(file, &title, &options.redb()).map(|store| Self::Here(Box::new(store)))
            }
            #[cfg(feature = "packed-page")]
            Found { hold, by: By::Worker(link, plain) } => {
                page::WorkerStore::open(link, &plain, hold, &title, options, free, faults).await.map(Self::InWorker)
            }
        };
        opened.map_err(|error| error.in_operation(Operation::OpenLocation))
    }
}

/// The file of a location that is held.
struct Found {
    hold: Hold,
    by: By,
}

/// By what it is opened.
enum By {
    Handle(Handle),
    #[cfg(feature = "packed-page")]
    Worker(Rc<Link>, Plain),
}

impl Found {
    async fn look_for(path: &StoragePath, options: &PackedOptions, faults: &FlushFaults) -> Result<Self> {
        let origin = async {
            let origin = Directory::of_origin().await?;
            let found = if has_handles() { look_up(&origin, path).await.ok() } else { None };
            Ok((origin, found))
        };
        let (hold, origin) = zip(Hold::take(path), origin).await;
        let (hold, (origin, found)) = (hold?, origin?);
        if has_handles() {
            let opened = match found {
                Some(plain) => Some(plain.open(faults).await),
                None => None,
            };
            let handle = match opened {
                Some(opened) if !opened.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Io)) => opened,
                // It is not there, or whoever held the location until now has removed it.
                _ => plain(&origin, path, options.mode).await?.open(faults).await,
            };
            let handle = handle.map_err(|error| error.in_operation(Operation::OpenLocation))?;
            return Ok(Self { hold, by: By::Handle(handle) });
        }
        can_do_without()?;
        #[cfg(feature = "packed-page")]
        {
            let link = start(options.worker_url()).await?;
            let plain = plain(&origin, path, options.mode).await?;
            Ok(Self { hold, by: By::Worker(link, plain) })
        }
        #[cfg(not(feature = "packed-page"))]
        Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation))
    }
}

/// Whether a worker can be had that has what is not here.
fn can_do_without() -> Result<()> {
    #[cfg(feature = "packed-page")]
    if crate::worker::can_start() {
        return Ok(());
    }
    let text = if cfg!(feature = "packed-page") {
        "synchronous access handles, which layout=packed needs, exist in dedicated workers alone, and none can be started from here: open the \
         location in a page or in a dedicated worker"
    } else {
        "synchronous access handles, which layout=packed needs, exist in dedicated workers alone: open the location in one, or enable the \
         cargo feature for pages (opfs-packed-page of anystorage, packed-page of anystorage-opfs)"
    };
    Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text))
}

fn title(name: &str) -> String {
    format!("the location {name:?} of the origin's private file system")
}

/// The file of a location.
async fn look_up(origin: &Directory, path: &StoragePath) -> Result<Plain, Exception> {
    origin.below(path.parts().map(to_host), false).await?.file(PACKED, false).await
}

/// The file of a location, which is created if it may be.
async fn plain(origin: &Directory, path: &StoragePath, mode: Mode) -> Result<Plain> {
    let operation = Operation::OpenLocation;
    // Then no name is made, now or later.
    match look_up(origin, path).await {
        Err(exception) if exception.name() == "NotFoundError" => {}
        found => return found.map_err(failed(operation)),
    }
    let creates = mode == Mode::ReadWriteCreate;
    if creates {
        pass_over_what_is_torn(origin).await;
    }
    let directory = origin.below(path.parts().map(to_host), creates).await.map_err(failed(operation))?;
    if let other @ Some(_) = Layout::of_directory(&directory).await? {
        return Err(Layout::Packed.mistaken(other));
    }
    if !directory.entries().await?.is_empty() {
        return Err(Layout::Packed.mistaken(None));
    }
    if !creates {
        let text = format!("{} holds nothing yet, and was not to be created", title(path.as_str()));
        return Err(Error::new(ErrorKind::NotFound, operation).with_text(text));
    }
    directory.file(PACKED, true).await.map_err(failed(operation))
}

fn not_opened(title: &str, error: std::io::Error) -> Error {
    let text = format!("{title} cannot be opened: {error}");
    Error::from_io(error, Operation::OpenLocation).with_text(text)
}

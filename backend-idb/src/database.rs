//! The databases of this origin: opening one, deleting one, listing them.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::exception::Exception;
use anystorage_browser_host::lock::WebLock;
use anystorage_browser_host::{global, task};
use futures_lite::future::{or, zip};
use idb::event::VersionChangeEvent;
use idb::request::{DeleteDatabaseRequest, OpenDatabaseRequest};
use idb::{DatabaseEvent as _, Event as _, Factory, ObjectStoreParams, Request as _};
use js_sys::Array;
use tokio::sync::oneshot;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbFactory, IdbVersionChangeEvent};

use crate::error::exception;
use crate::leveldb;
use crate::request::Answer;

/// The one object store, of which the keys and values are bytes.
pub(crate) const STORE: &str = "anystorage";

/// In front of the name of a location, the name of its database.
const PREFIX: &str = "anystorage/";

/// The longest name of a location, in bytes: WebKit has no longer Web Locks than 1,024 characters.
pub const MAX_NAME_LEN: usize = 1000;

/// The version of the databases.
const VERSION: u32 = 1;

const DENIED: &str = "may not be opened: the browser denies this site its storage (cookies and site data blocked, a private window, \
                      or a frame of another site); allow it for this site";

/// How long the browser may take to open or to delete a database, in milliseconds. It takes longer where somebody holds up all that is
/// asked of the database: by deleting it, say, which waits for a connection that does not close.
const PATIENCE: f64 = 5000.0;

/// How long a connection that is in the way may take to go, in milliseconds. Chromium also says `blocked` for one that was closed just now.
const GRACE: f64 = 500.0;

/// An error about a location.
pub(crate) fn failed(kind: ErrorKind, name: &str, text: impl std::fmt::Display) -> Error {
    Error::new(kind, Operation::OpenLocation).with_text(format!("the location {name:?} in IndexedDB {text}"))
}

/// Takes the location for this instance.
pub(crate) async fn hold(name: &str) -> Result<WebLock> {
    if name.is_empty() || name.len() > MAX_NAME_LEN {
        let text = format!("the name of a location in IndexedDB has from 1 to {MAX_NAME_LEN} bytes, not {}", name.len());
        return Err(Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_text(text));
    }
    WebLock::acquire(&format!("anystorage:idb:{name}")).await.map_err(|error| match (error.kind(), error.text()) {
        (ErrorKind::PermissionDenied, None) => failed(ErrorKind::PermissionDenied, name, DENIED).with_cause(error),
        _ => error,
    })
}

/// Opens the database of a location that is held; none if it is not there and may not be created.
pub(crate) async fn open(name: &str, create: bool) -> Result<Option<IdbDatabase>> {
    let factory = factory()?;
    // In this order: who is first is told of what was lost.
    let (opened, ()) = zip(open_alone(&factory, name, create), turn_log_over(&factory)).await;
    opened
}

/// See [`leveldb`]. It takes a few milliseconds, and what keeps it from happening is told by opening, or no reason not to open.
async fn turn_log_over(factory: &IdbFactory) {
    if !anystorage_browser_host::leveldb::is_here() {
        return;
    }
    let (factory, (_block, blocked)) = (factory.clone(), oneshot::channel());
    match patiently(async move { leveldb::turn_log_over(&factory).await }, blocked, drop).await {
        Some(Ok(())) => {}
        Some(Err(exception)) => log::debug!("LevelDB was not made to begin another log: {exception}"),
        None => log::debug!("LevelDB was not made to begin another log in time"),
    }
}

async fn open_alone(factory: &IdbFactory, name: &str, create: bool) -> Result<Option<IdbDatabase>> {
    let raw = factory.open_with_u32(&database_name(name), VERSION).map_err(|thrown| refused(name, Exception::new(&thrown)))?;
    let mut request = OpenDatabaseRequest::from(raw.clone());
    let (missing, loss) = (Rc::new(Cell::new(false)), Rc::new(OnceCell::new()));
    let (noticed, lost) = (Rc::clone(&missing), Rc::clone(&loss));
    request.on_upgrade_needed(move |event| {
        noticed.set(!create);
        if let Some(message) = leveldb::data_loss(&event) {
            // Set once: there is one such event for each request.
            let _ = lost.set(message);
        }
        if lost.get().is_some() || !create || create_store(&event).is_err() {
            // So that there is no database afterwards where there was none before.
            let transaction = event.target().ok().and_then(|request| request.transaction());
            let _ = transaction.map(idb::Transaction::abort);
        }
    });
    let (block, blocked) = oneshot::channel();
    request.on_blocked(move |_| block.send(()).unwrap_or_default());
    let opening = async move {
        let opened = Answer::to(raw).result().await;
        drop(request);
        opened.and_then(|opened| opened.dyn_into::<IdbDatabase>().map_err(|other| Exception::new(&other)))
    };
    match patiently(opening, blocked, |late| close(&late)).await {
        Some(Ok(database)) if database.object_store_names().contains(STORE) => Ok(Some(database)),
        Some(Ok(database)) => {
            database.close();
            Err(failed(ErrorKind::InvalidInput, name, "is the database of another program: choose another name"))
        }
        Some(Err(_)) if loss.get().is_some() => {
            let said = loss.get().map_or("", String::as_str);
            let text = format!(
                "may have been there, and is gone: the browser found its files of IndexedDB damaged ({said}), and deleted all that this origin \
                 kept there; open it again to begin anew"
            );
            Err(failed(ErrorKind::Corrupt, name, text))
        }
        Some(Err(_)) if missing.get() => Ok(None),
        Some(Err(exception)) => Err(refused(name, exception)),
        None => Err(in_use(name, "is not opened by the browser")),
    }
}

fn close(late: &Result<IdbDatabase, Exception>) {
    if let Ok(database) = late {
        database.close();
    }
}

fn create_store(event: &VersionChangeEvent) -> Result<(), idb::Error> {
    event.database()?.create_object_store(STORE, ObjectStoreParams::new()).map(drop)
}

/// Deletes a location, with all that is in it.
///
/// # Errors
/// [`Locked`](ErrorKind::Locked) if it is open, here or in another tab; [`NotFound`](ErrorKind::NotFound) if there is none of this name;
/// otherwise those of [`open`](crate::open).
pub async fn remove(name: &str) -> Result<()> {
    let lock = hold(name).await?;
    let removed = remove_held(name).await;
    lock.release().await;
    removed
}

async fn remove_held(name: &str) -> Result<()> {
    let raw = factory()?.delete_database(&database_name(name)).map_err(|thrown| refused(name, Exception::new(&thrown)))?;
    let mut request = DeleteDatabaseRequest::from(raw.clone());
    let (block, blocked) = oneshot::channel();
    request.on_blocked(move |_| block.send(()).unwrap_or_default());
    let removing = async move {
        let removed = Answer::to(raw).event().await;
        drop(request);
        removed
    };
    match patiently(removing, blocked, |_| {}).await {
        Some(Ok(event)) => match event.dyn_into::<IdbVersionChangeEvent>() {
            Ok(event) if event.old_version() == 0.0 => Err(failed(ErrorKind::NotFound, name, "is not there")),
            _ => Ok(()),
        },
        Some(Err(exception)) => Err(refused(name, exception)),
        None => Err(in_use(name, "will be deleted by the browser when nobody has it open any more")),
    }
}

/// The names of all locations of this origin, in the order of their bytes.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) in browsers that cannot list databases; those of [`open`](crate::open).
pub async fn list() -> Result<Vec<String>> {
    let factory = factory()?;
    if global::member(&factory, "databases").is_undefined() {
        let text = "this browser does not list the databases of IndexedDB";
        return Err(Error::new(ErrorKind::Unsupported, Operation::List).with_text(text));
    }
    let found = global::call(&factory, "databases", &[]).await.map_err(|thrown| refused("", Exception::new(&thrown)))?;
    let name = |entry: JsValue| {
        // WebKit also names a database whose creation was taken back, with version 0.
        global::member(&entry, "version").as_f64().filter(|version| *version > 0.0)?;
        global::member(&entry, "name").as_string()?.strip_prefix(PREFIX).map(str::to_owned)
    };
    let mut names: Vec<String> = Array::from(&found).iter().filter_map(name).collect();
    names.sort_unstable();
    Ok(names)
}

fn database_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn factory() -> Result<IdbFactory> {
    Factory::new().map(Into::into).map_err(|error| {
        let text = "there is no IndexedDB here: the browser is too old, or it is turned off in its settings; turn it on, or choose another \
                    engine";
        Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text).with_cause(exception(error))
    })
}

/// Leaves `work` to the event loop, since what was asked of a database cannot be taken back, and waits for it. None if somebody blocks it,
/// or if it takes too long; `late` gets what comes of it when nobody waits any more.
async fn patiently<T: 'static>(
    work: impl Future<Output = T> + 'static,
    blocked: oneshot::Receiver<()>,
    late: impl FnOnce(T) + 'static,
) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    task::spawn(Box::pin(async move {
        if let Err(unwanted) = sender.send(work.await) {
            late(unwanted);
        }
    }));
    let done = async { receiver.await.ok() };
    let stuck = async {
        // Without a message it is not blocked.
        if blocked.await.is_err() {
            std::future::pending::<()>().await;
        }
        global::sleep(GRACE).await;
        None
    };
    let slow = async {
        global::sleep(PATIENCE).await;
        None
    };
    or(done, or(stuck, slow)).await
}

fn in_use(name: &str, text: &str) -> Error {
    failed(ErrorKind::Locked, name, format!("{text}: another tab, worker or program has it open, deletes or upgrades it; close that one"))
}

/// The error for a database that the browser does not give.
fn refused(name: &str, exception: Exception) -> Error {
    let (kind, text) = match exception.name() {
        "SecurityError" | "NotAllowedError" => (ErrorKind::PermissionDenied, DENIED),
        "VersionError" => (ErrorKind::Unsupported, "was written by a newer version of this library, or upgraded by another program"),
        "QuotaExceededError" => (ErrorKind::NoSpace, "cannot be opened: there is no space left"),
        "InvalidStateError" => (
            ErrorKind::PermissionDenied,
            "cannot be opened: the browser keeps no data here, as in private windows of older versions; use an ordinary window",
        ),
        _ => (exception.kind(), "cannot be opened by the browser"),
    };
    failed(kind, name, text).with_cause(exception)
}

//! Where SQLite is told of a VFS: the only place with `unsafe`.
#![allow(unsafe_code)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use rsqlite_vfs::{OsCallback, RegisterVfsError, SQLiteIoMethods, SQLiteVfs, ffi, register_vfs};

use crate::host::HOST;
use crate::state::State;
use crate::store::Store;

/// Names are looked up and registered under it, since SQLite has two calls for that.
static NAMES: Mutex<()> = Mutex::new(());

struct Methods;

/// As `rsqlite-vfs` has them: version 1, without shared memory, so WAL needs exclusive locking.
impl SQLiteIoMethods for Methods {
    type Store = Store;
}

struct Callbacks;

impl SQLiteVfs<Methods> for Callbacks {
    type Os = dyn OsCallback;

    /// The longest path, and a suffix of SQLite's.
    const MAX_PATH_SIZE: i32 = 4096 + 64;

    fn os(_: &Arc<State>) -> &Self::Os {
        &HOST
    }
}

/// A VFS that SQLite knows.
#[derive(Debug)]
pub(crate) struct Registered(*mut ffi::sqlite3_vfs);

// SAFETY: the pointer is only handed to `sqlite3_vfs_unregister`, which any thread may call: `register` has made sure that SQLite was built
// with mutexes, or that there are no threads (wasm without atomics). What it points to is never freed.
unsafe impl Send for Registered {}
// SAFETY: as above; nothing is read or written through it here.
unsafe impl Sync for Registered {}

/// Registers a VFS, not as the default one.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if the name is taken, [`ErrorKind::InvalidInput`] if it is empty or has a NUL, [`ErrorKind::Unsupported`] if
/// SQLite was built without mutexes where there are threads.
pub(crate) fn register(name: &str, state: Arc<State>) -> Result<Registered> {
    let failed = |kind, text: &str| Error::new(kind, Operation::Configure).with_text(format!("an SQLite VFS called {name:?}: {text}"));
    // SAFETY: the call reads a constant of the build of SQLite, and may come at any time.
    let has_mutexes = unsafe { rusqlite::ffi::sqlite3_threadsafe() } != 0;
    if !has_mutexes && cfg!(not(all(target_family = "wasm", target_os = "unknown"))) {
        return Err(failed(ErrorKind::Unsupported, "this SQLite was built for a single thread"));
    }
    let guard = names();
    // SAFETY:
    // - Versions, layout and app data agree: all callbacks are the provided ones of `rsqlite-vfs`, for one `Store`, whose app data is
    //   `Arc<State>`; the provided constructor keeps the pointers that it is given.
    // - Callback resources outlive all uses: nothing of the registration is ever freed, see `Registered::unregister`.
    // - Threads: SQLite has mutexes, or there are no threads, checked above. `State` and `OpenFile` are `Send`, `State` is `Sync` (asserted
    //   below), and SQLite uses a file from one thread at a time, under the mutex of its connection.
    // - Lookup and registration of a name are one step under `NAMES`; the constructor registers nothing.
    // - No panic leaves a callback: `Store` and `OpenFile` catch those of engines.
    let registered = unsafe { register_vfs::<Methods, Callbacks>(name, state, false) };
    drop(guard);
    let registration = registered.map_err(|error| {
        let kind = match error {
            RegisterVfsError::NameConflict(_) => ErrorKind::AlreadyExists,
            RegisterVfsError::EmptyName | RegisterVfsError::ToCStr => ErrorKind::InvalidInput,
            _ => ErrorKind::Io,
        };
        failed(kind, &error.to_string())
    })?;
    Ok(Registered(registration.into_raw()))
}

impl Registered {
    /// Takes the name away. The few bytes of the registration stay for good: a connection that has no file open, of a temporary database
    /// for one, goes on pointing at them, and nothing tells of such connections.
    pub(crate) fn unregister(&self) -> Result<()> {
        let guard = names();
        // SAFETY: the pointer was registered and is never freed; SQLite ignores one that is not registered any more.
        let code = unsafe { ffi::sqlite3_vfs_unregister(self.0) };
        drop(guard);
        if code == 0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Io, Operation::Close).with_text(format!("SQLite did not unregister the VFS: code {code}")))
    }
}

fn names() -> MutexGuard<'static, ()> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the callbacks rely on natively.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
const _: () = {
    const fn goes_between_threads<T: Send>() {}
    const fn is_shared_by_threads<T: Send + Sync>() {}
    is_shared_by_threads::<State>();
    goes_between_threads::<crate::file::OpenFile>();
};

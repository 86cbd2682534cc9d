//! From what an engine says to what SQLite is told, with the cause kept for whoever asks.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anystorage_api::{Error, ErrorKind, Operation, Result};
use rsqlite_vfs::{SystemErrorCode, VfsError, VfsErrorCode};

/// `SQLITE_IOERR_DATA`: what was read does not have the checksum that it should have.
const IOERR_DATA: i32 = 10 | (32 << 8);

thread_local! {
    /// The last failure of each VFS in this thread. SQLite asks for it in the thread that made the call.
    static LAST: RefCell<Vec<Last>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
struct Last {
    vfs: u64,
    error: Error,
    told: VfsError,
}

/// What SQLite wanted when something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Open,
    /// Bytes of a database, which SQLite calls malformed if they are damaged.
    ReadDatabase,
    /// Bytes of anything else.
    Read,
    Write,
    Truncate,
    Sync,
    Size,
    Lock,
    Close,
    Access,
    Delete,
    DeleteDurably,
    Name,
}

impl Wanted {
    /// The code of an input/output error of this call.
    const fn code(self) -> VfsErrorCode {
        match self {
            Self::Open | Self::Name => VfsErrorCode::CantOpen,
            Self::ReadDatabase | Self::Read => VfsErrorCode::IoRead,
            Self::Write => VfsErrorCode::IoWrite,
            Self::Truncate => VfsErrorCode::IoTruncate,
            Self::Sync => VfsErrorCode::IoSync,
            Self::Size => VfsErrorCode::IoStat,
            Self::Lock => VfsErrorCode::IoLock,
            Self::Close => VfsErrorCode::IoClose,
            Self::Access => VfsErrorCode::IoAccess,
            Self::Delete => VfsErrorCode::IoDelete,
            Self::DeleteDurably => VfsErrorCode::IoDirectorySync,
        }
    }
}

/// The code of SQLite for a failure.
fn code(kind: ErrorKind, wanted: Wanted) -> VfsErrorCode {
    match kind {
        ErrorKind::NoSpace => VfsErrorCode::Full,
        // SQLite tries again what is busy, which in the middle of a commit it must not.
        ErrorKind::Locked if matches!(wanted, Wanted::Open | Wanted::Lock) => VfsErrorCode::Busy,
        ErrorKind::NotFound if wanted == Wanted::Delete => VfsErrorCode::IoDeleteNoEntry,
        ErrorKind::Corrupt if wanted == Wanted::ReadDatabase => VfsErrorCode::Corrupt,
        // SQLITE_CORRUPT elsewhere would let SQLite go on with a transaction that it cannot finish.
        ErrorKind::Corrupt => VfsErrorCode::from_raw(IOERR_DATA).unwrap_or(VfsErrorCode::Io),
        ErrorKind::Io if wanted == Wanted::Open => VfsErrorCode::Io,
        _ => wanted.code(),
    }
}

/// What SQLite is told of `error`, which is remembered as the last one of the VFS in this thread.
pub(crate) fn told(vfs: u64, error: Error, wanted: Wanted) -> VfsError {
    // The text may come from an engine, too.
    let text = catch_unwind(AssertUnwindSafe(|| error.to_string())).unwrap_or_else(|_| error.kind().to_string());
    let told = VfsError::new(code(error.kind(), wanted), text.into());
    let told = match SystemErrorCode::from_raw(error.errno()) {
        Some(errno) => told.with_system_error(errno),
        None => told,
    };
    remember(Last { vfs, error, told: told.clone() });
    told
}

/// Remembers what `rsqlite-vfs` refused by itself. It says of every error that SQLite is told, of those of [`told`] too, and of reads
/// beyond the end of a file, which are none.
pub(crate) fn refused(vfs: u64, told: VfsError) {
    if told.code() == VfsErrorCode::IoShortRead {
        return;
    }
    let known = last(vfs, |last| last.told.code() == told.code() && last.told.message() == told.message());
    if known != Some(true) {
        let error = Error::new(ErrorKind::InvalidInput, Operation::Open).with_text(told.message());
        remember(Last { vfs, error, told });
    }
}

/// The last failure of the VFS in this thread.
pub(crate) fn last_error(vfs: u64) -> Option<Error> {
    last(vfs, |last| last.error.clone())
}

/// The same as SQLite was told.
pub(crate) fn last_told(vfs: u64) -> Option<VfsError> {
    last(vfs, |last| last.told.clone())
}

/// Forgets the last failure of the VFS in this thread.
pub(crate) fn forget(vfs: u64) {
    with_all(|all| all.retain(|last| last.vfs != vfs));
}

fn remember(failure: Last) {
    with_all(|all| {
        all.retain(|last| last.vfs != failure.vfs);
        all.push(failure);
    });
}

fn last<T>(vfs: u64, what: impl FnOnce(&Last) -> T) -> Option<T> {
    with_all(|all| all.iter().find(|last| last.vfs == vfs).map(what)).flatten()
}

/// None where the thread ends and has none of its variables any more: a connection may be closed that late.
fn with_all<T>(what: impl FnOnce(&mut Vec<Last>) -> T) -> Option<T> {
    LAST.try_with(|all| all.try_borrow_mut().ok().map(|mut all| what(&mut all))).ok().flatten()
}

/// What `call` gives, or the panic of an engine as an error: it must not unwind into C.
pub(crate) fn caught<T>(operation: Operation, call: impl FnOnce() -> Result<T>) -> Caught<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Caught::Value(value),
        Ok(Err(error)) => Caught::Error(error),
        Err(panic) => {
            let text = format!("the engine panicked: {}", message(panic.as_ref()));
            Caught::Panic(Error::new(ErrorKind::Io, operation).with_text(text))
        }
    }
}

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Caught<T> {
    Value(T),
    Error(Error),
    /// What the engine called was not done to its end: nothing is known of what it left.
    Panic(Error),
}

impl<T> Caught<T> {
    pub(crate) fn into_result(self) -> Result<T> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Error(error) | Self::Panic(error) => Err(error),
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_codes_that_sqlite_knows() {
        let raw = |kind, wanted| code(kind, wanted).as_raw();
        assert_eq!(raw(ErrorKind::NoSpace, Wanted::Write), 13);
        assert_eq!(raw(ErrorKind::Locked, Wanted::Open), 5);
        assert_eq!(raw(ErrorKind::Locked, Wanted::Sync), 10 | (4 << 8));
        assert_eq!(raw(ErrorKind::Corrupt, Wanted::ReadDatabase), 11);
        assert_eq!(raw(ErrorKind::Corrupt, Wanted::Read), 10 | (32 << 8));
        assert_eq!(raw(ErrorKind::NotFound, Wanted::Delete), 10 | (23 << 8));
        assert_eq!(raw(ErrorKind::NotFound, Wanted::Open), 14);
        assert_eq!(raw(ErrorKind::Io, Wanted::Sync), 10 | (4 << 8));
    }

    #[test]
    fn the_last_error_is_that_of_the_vfs_and_of_the_thread() {
        let error = || Error::new(ErrorKind::NoSpace, Operation::Write);
        told(1_000, error(), Wanted::Write);
        refused(1_000, last_told(1_000).unwrap());
        refused(1_000, VfsError::new(VfsErrorCode::IoShortRead, "short".into()));
        assert_eq!(last_error(1_000).map(|error| error.kind()), Some(ErrorKind::NoSpace));
        assert!(last_error(1_001).is_none());
        assert!(std::thread::spawn(|| last_error(1_000).is_none()).join().unwrap());
        refused(1_000, VfsError::new(VfsErrorCode::IoSync, "invalid sync flags".into()));
        assert!(last_error(1_000).unwrap().to_string().contains("invalid sync flags"));
        forget(1_000);
        assert!(last_error(1_000).is_none());
    }
}

//! What SQLite's test program loads: an engine, the VFS over it, and the engine's files for the Tcl of the tests.
//!
//! `glue.c` is compiled into the test program and calls these functions. SQLite is the one of that program: of `anystorage-sqlite` and what it
//! is made of nothing is changed, but that `libsqlite3-sys` is told to link with an SQLite from outside. `cargo xtask sqlite-tests` does all
//! of it.
//!
//! Every function gives 0, or the errno of what failed.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use anystorage_api::{Blocking, BlockingFile, Error, ErrorKind, FileKind, OpenOptions, Operation, Result, StorageBackend, StoragePath};
use anystorage_native::files::FilesBackend;
use anystorage_native::redb::RedbOptions;
use anystorage_native::sled::SledOptions;

/// The engine, shared by the VFS and by the Tcl of the tests.
static STORAGE: OnceLock<Blocking<Arc<dyn StorageBackend>>> = OnceLock::new();

/// Opens the engine of that name in a directory, and registers the VFS `anystorage` over it.
///
/// # Safety
/// Both are strings of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_open(engine: *const c_char, directory: *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    let (engine, directory) = unsafe { (CStr::from_ptr(engine), CStr::from_ptr(directory)) };
    let opened = (|| {
        let engine = open(&engine.to_string_lossy(), Path::new(&*directory.to_string_lossy()))?;
        anystorage_sqlite::register("anystorage", Blocking::new(Arc::clone(&engine))?)?;
        Blocking::new(engine)
    })();
    match opened {
        Ok(storage) => {
            let _ = STORAGE.set(storage);
            0
        }
        Err(error) => {
            eprintln!("anystorage: {error}");
            error.errno()
        }
    }
}

fn open(engine: &str, directory: &Path) -> Result<Arc<dyn StorageBackend>> {
    Ok(match engine {
        "files" => Arc::new(FilesBackend::open(directory)?),
        "redb" => Arc::new(anystorage_native::redb::open(directory.join("store.redb"), &RedbOptions::new())?),
        "sled" => Arc::new(anystorage_native::sled::open(directory, &SledOptions::new())?),
        other => {
            let text = format!("no engine is called {other:?}");
            return Err(Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_text(text));
        }
    })
}

/// What a path leads to.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Stat {
    /// Length in bytes.
    len: i64,
    /// When it last changed, in seconds since 1970.
    modified: i64,
    /// 1 for a directory.
    is_directory: c_int,
}

/// What a path leads to.
///
/// # Safety
/// `path` is a string of C, `out` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_stat(path: *const c_char, out: *mut Stat) -> c_int {
    // SAFETY: as the caller promises.
    let found = unsafe { with(path, |storage, path| storage.stat(path)) };
    answer(found.map(|found| {
        let stat = Stat {
            len: i64::try_from(found.len).unwrap_or(i64::MAX),
            modified: found.modified.map_or(0, |time| time.seconds()),
            is_directory: c_int::from(found.kind == FileKind::Directory),
        };
        // SAFETY: as the caller promises.
        unsafe { out.write(stat) };
    }))
}

/// Opens a file: to be read, or written as well, or created and written.
///
/// # Safety
/// `path` is a string of C, `out` can be written to. What it gets goes to [`anystorage_tests_close`] once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_file(
    path: *const c_char,
    write: c_int,
    create: c_int,
    exclusive: c_int,
    truncate: c_int,
    out: *mut *mut BlockingFile,
) -> c_int {
    let options = OpenOptions::reading().write(write != 0).create(create != 0).create_new(exclusive != 0).truncate(truncate != 0);
    // SAFETY: as the caller promises.
    let file = unsafe { with(path, |storage, path| storage.open(path, &options)) };
    // SAFETY: as the caller promises.
    answer(file.map(|file| unsafe { out.write(Box::into_raw(Box::new(file))) }))
}

/// Reads at most `len` bytes; `out` gets how many.
///
/// # Safety
/// `file` is open, `buf` has `len` bytes, `out` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_read(file: *const BlockingFile, offset: i64, buf: *mut u8, len: usize, out: *mut usize) -> c_int {
    let Ok(offset) = u64::try_from(offset) else { return ErrorKind::InvalidInput.errno() };
    // SAFETY: as the caller promises.
    let read = unsafe { (*file).read_at(offset, std::slice::from_raw_parts_mut(buf, len)) };
    // SAFETY: as the caller promises.
    answer(read.map(|read| unsafe { out.write(read) }))
}

/// Writes all of the bytes.
///
/// # Safety
/// `file` is open, `data` has `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_write(file: *const BlockingFile, offset: i64, data: *const u8, len: usize) -> c_int {
    let Ok(offset) = u64::try_from(offset) else { return ErrorKind::InvalidInput.errno() };
    // SAFETY: as the caller promises.
    answer(unsafe { (*file).write_at(offset, std::slice::from_raw_parts(data, len)) })
}

/// The length in bytes.
///
/// # Safety
/// `file` is open, `out` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_len(file: *const BlockingFile, out: *mut i64) -> c_int {
    // SAFETY: as the caller promises.
    let found = unsafe { (*file).stat() };
    // SAFETY: as the caller promises.
    answer(found.map(|found| unsafe { out.write(i64::try_from(found.len).unwrap_or(i64::MAX)) }))
}

/// Cuts the file, or lets it grow.
///
/// # Safety
/// `file` is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_set_len(file: *const BlockingFile, len: i64) -> c_int {
    let Ok(len) = u64::try_from(len) else { return ErrorKind::InvalidInput.errno() };
    // SAFETY: as the caller promises.
    answer(unsafe { (*file).set_len(len) })
}

/// Closes a file.
///
/// # Safety
/// `file` came from [`anystorage_tests_file`], and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_close(file: *mut BlockingFile) -> c_int {
    // SAFETY: as the caller promises.
    answer(unsafe { Box::from_raw(file) }.close())
}

/// Removes a file.
///
/// # Safety
/// `path` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_remove_file(path: *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    answer(unsafe { with(path, |storage, path| storage.remove_file(path)) })
}

/// Creates a directory.
///
/// # Safety
/// `path` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_create_dir(path: *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    answer(unsafe { with(path, |storage, path| storage.create_dir(path)) })
}

/// Removes a directory, and with `all` what is in it.
///
/// # Safety
/// `path` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_remove_dir(path: *const c_char, all: c_int) -> c_int {
    let remove = |storage: &Blocking<_>, path: &_| if all == 0 { storage.remove_dir(path) } else { storage.remove_dir_all(path) };
    // SAFETY: as the caller promises.
    answer(unsafe { with(path, remove) })
}

/// Renames a file or a directory.
///
/// # Safety
/// Both are strings of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    answer(unsafe { parsed(to).and_then(|to| with(from, |storage, from| storage.rename(from, &to))) })
}

/// Hands every name in a directory to `each`, with its length and `context`.
///
/// # Safety
/// `path` is a string of C, and `each` may be called with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anystorage_tests_list(
    path: *const c_char,
    each: unsafe extern "C" fn(*mut c_void, *const c_char, usize),
    context: *mut c_void,
) -> c_int {
    // SAFETY: as the caller promises.
    let names = unsafe { with(path, |storage, path| storage.list_all(path)) };
    answer(names.map(|names| {
        for entry in names {
            // SAFETY: as the caller promises.
            unsafe { each(context, entry.name.as_ptr().cast(), entry.name.len()) };
        }
    }))
}

/// A path below the root; an empty one is the root.
///
/// # Safety
/// `path` is a string of C.
unsafe fn parsed(path: *const c_char) -> Result<StoragePath> {
    // SAFETY: as the caller promises.
    match unsafe { CStr::from_ptr(path) }.to_str() {
        Ok("") => Ok(StoragePath::root()),
        Ok(path) => StoragePath::parse(path),
        Err(_) => Err(Error::new(ErrorKind::InvalidPath, Operation::ParsePath)),
    }
}

/// # Safety
/// `path` is a string of C.
unsafe fn with<T>(path: *const c_char, what: impl FnOnce(&Blocking<Arc<dyn StorageBackend>>, &StoragePath) -> Result<T>) -> Result<T> {
    // SAFETY: as the caller promises.
    let path = unsafe { parsed(path)? };
    let storage = STORAGE.get().ok_or_else(|| Error::new(ErrorKind::Closed, Operation::OpenLocation))?;
    what(storage, &path)
}

fn answer(outcome: Result<()>) -> c_int {
    outcome.map_or_else(|error| error.errno(), |()| 0)
}

//! The callbacks of the VFS that are about names.

use std::sync::Arc;

use anystorage_api::{BlockingFile, Error, ErrorKind, FileKind, OpenOptions, Operation, Result, StoragePath};
use rsqlite_vfs::{AccessMode, FileKind as Kind, OpenAccess, OpenRequest, OpenedFile, VfsError, VfsResult, VfsStore};

use crate::failure::{Wanted, caught, last_told, refused, told};
use crate::file::OpenFile;
use crate::state::{State, Storage};

/// Where SQLite's files are.
pub(crate) struct Store;

impl VfsStore for Store {
    type File = OpenFile;
    type AppData = Arc<State>;

    fn record_error(state: &Arc<State>, error: VfsError) {
        refused(state.id, error);
    }

    fn last_error(state: &Arc<State>) -> Option<VfsError> {
        last_told(state.id)
    }

    fn open_file(state: &Arc<State>, request: OpenRequest<'_>) -> VfsResult<OpenedFile<OpenFile>> {
        let options = request.options;
        let opened = match request.filename {
            None => state.enter().map(|_| (OpenFile::temporary(Arc::clone(state)), OpenAccess::ReadWrite)),
            Some(name) => caught(Operation::Open, || open(state, name.path(), options)).into_result(),
        };
        let (file, access) = opened.map_err(|error| told(state.id, error, Wanted::Open))?;
        Ok(OpenedFile { file, access })
    }

    fn close_file(_: &Arc<State>, _: Option<&str>, file: OpenFile, _: rsqlite_vfs::OpenOptions) -> VfsResult<()> {
        file.close()
    }

    fn access(state: &Arc<State>, name: &str, mode: AccessMode) -> VfsResult<bool> {
        let found = caught(Operation::Stat, || {
            let (storage, path) = (state.storage(Operation::Stat)?, state.path(name)?);
            match mode {
                AccessMode::Exists | AccessMode::Read => is_file(&storage, &path),
                AccessMode::ReadWrite => Ok(is_file(&storage, &path)? && is_writable(&storage, &path)?),
            }
        });
        found.into_result().map_err(|error| told(state.id, error, Wanted::Access))
    }

    fn full_pathname(state: &Arc<State>, name: &str) -> VfsResult<String> {
        let path = caught(Operation::ParsePath, || state.database_path(name)).into_result();
        path.map(|path| path.as_str().to_owned()).map_err(|error| told(state.id, error, Wanted::Name))
    }

    fn delete_file(state: &Arc<State>, name: &str, sync_dir: bool) -> VfsResult<()> {
        let path = state.path(name).map_err(|error| told(state.id, error, Wanted::Delete))?;
        let removed = caught(Operation::RemoveFile, || state.storage(Operation::RemoveFile)?.remove_file(&path));
        removed.into_result().map_err(|error| told(state.id, error, Wanted::Delete))?;
        if !sync_dir {
            state.removed(&path);
        } else {
            // No file leads to a name that is gone, so the whole location it is.
            let synced = caught(Operation::Sync, || state.storage(Operation::Sync)?.sync());
            synced.into_result().map_err(|error| told(state.id, error, Wanted::DeleteDurably))?;
        }
        Ok(())
    }
}

fn open(state: &Arc<State>, name: &str, options: rsqlite_vfs::OpenOptions) -> Result<(OpenFile, OpenAccess)> {
    let path = state.path(name)?;
    let storage = state.enter()?;
    let entered = Entered(state);
    // Until it is among the open ones, nobody may remove it.
    let _names = (options.kind() == Some(Kind::MainDb)).then(|| state.names());
    let (file, access) = match options.access() {
        OpenAccess::ReadOnly => (storage.open(&path, &OpenOptions::reading())?, OpenAccess::ReadOnly),
        OpenAccess::ReadWrite => match open_for_writing(&storage, &path, options) {
            Ok(file) => (file, OpenAccess::ReadWrite),
            // SQLite takes what it gets, and says of writes that the database is read-only.
            Err(error) if is_read_only(&error) && !options.exclusive() => {
                (storage.open(&path, &OpenOptions::reading()).map_err(|_| error)?, OpenAccess::ReadOnly)
            }
            Err(error) => return Err(error),
        },
    };
    if options.delete_on_close() {
        // It stays usable until it is closed (contract line 12), and nothing is left of it after a kill.
        storage.remove_file(&path)?;
    }
    std::mem::forget(entered);
    Ok((OpenFile::stored(Arc::clone(state), file, path, options.kind()), access))
}

fn open_for_writing(storage: &Storage, path: &StoragePath, options: rsqlite_vfs::OpenOptions) -> Result<BlockingFile> {
    if options.create()
        && options.kind() == Some(Kind::MainDb)
        && let Some(directory) = path.parent()
    {
        storage.create_dir_all(&directory)?;
    }
    let writing = OpenOptions::reading().write(true);
    storage.open(path, &writing.create(options.create()).create_new(options.exclusive()))
}

/// Counts a file out whose opening failed or panicked.
struct Entered<'a>(&'a State);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn is_file(storage: &Storage, path: &StoragePath) -> Result<bool> {
    match storage.stat(path) {
        Ok(found) => Ok(found.kind == FileKind::File),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_writable(storage: &Storage, path: &StoragePath) -> Result<bool> {
    match storage.open(path, &OpenOptions::reading().write(true)) {
        Ok(_) => Ok(true),
        Err(error) if is_read_only(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the engine, or the file, can be read and no more.
fn is_read_only(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported)
}

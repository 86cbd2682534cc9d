use crate::{Attributes, Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath};

/// How many siblings of one path there may be: those that calls are filling, and those that kills left.
const MOST: u32 = 10_000;

/// A new file beside `path` that nobody else has, for bytes that are to be renamed over it: `.NAME.anystorage-PURPOSE-NUMBER`, with the
/// first number that is free and the name cut where it gets too long. What is there under such a name is never touched, be it another
/// call's, what a kill left, or a user's.
pub(crate) async fn create_sibling<B: StorageBackend + ?Sized>(
    backend: &B,
    path: &StoragePath,
    purpose: &str,
) -> Result<(Box<dyn StorageFile>, StoragePath)> {
    let max_name_len = backend.capabilities().max_name_len;
    let options = OpenOptions::new().write(true).create_new(true);
    for number in 0..MOST {
        let sibling = path.sibling(&format!(".anystorage-{purpose}-{number}"), max_name_len)?;
        match backend.open(&sibling, &options).await {
            Ok(file) => return Ok((file, sibling)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    let why = format!("{MOST} files beside it have the names of temporary ones (.anystorage-{purpose}-NUMBER at their end); remove them");
    Err(Error::new(ErrorKind::AlreadyExists, Operation::Open).with_path(path).with_text(why))
}

/// What is to take the place of `found` takes its mode along.
pub(crate) async fn keep_mode<B: StorageBackend + ?Sized>(backend: &B, found: Option<&Metadata>, sibling: &StoragePath) -> Result<()> {
    match found.and_then(|found| found.mode) {
        Some(mode) if backend.capabilities().attributes => backend.set_attributes(sibling, &Attributes::new().mode(mode)).await,
        _ => Ok(()),
    }
}

/// Refuses to put a file in the place of what cannot be replaced by one.
pub(crate) fn replaceable(found: &Metadata, operation: Operation, path: &StoragePath) -> Result<()> {
    let refused = |kind| Error::new(kind, operation).with_path(path);
    if found.is_dir() {
        return Err(refused(ErrorKind::IsADirectory));
    }
    if found.is_symlink() {
        let why = "it is a symbolic link, which is not followed; remove it, or write to where it leads";
        return Err(refused(ErrorKind::InvalidInput).with_text(why));
    }
    Ok(())
}
